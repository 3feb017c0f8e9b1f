"""What the way to court does by itself: an action that was not filed ends with its case."""

from collection import legal
from collection.models import Case
from governance import users
from ledger import log
from ledger.models import Entry


@log.on("collections.case.closed")
def end_actions(*, entry: Entry, **_: object) -> None:
    """End what was proposed or prepared in a case that is over for another reason."""
    case = Case.objects.select_related("legal_entity", "customer").get(pk=entry.subject_id)
    if not case.is_open:
        legal.end_with_case(case, actor=users.system(), at=entry.at)
