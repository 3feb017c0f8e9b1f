"""What field visits do by themselves: one whose day is over is put down as not carried out; one not begun ends with its case."""

from collection import visits
from collection.models import FieldVisit
from governance import users
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry


@log.on("credit.day.closed")
def put_down_missed(*, entry: Entry, **_: object) -> None:
    """Put down what was not carried out by the close of a day."""
    visits.sweep(LegalEntity.objects.get(pk=entry.facts["legal_entity"]), at=entry.at)


@log.on("collections.case.closed")
def call_off(*, entry: Entry, **_: object) -> None:
    """Call off what is wanted or planned in a case that is over."""
    rows = FieldVisit.objects.filter(case=entry.subject_id, status__in=["wanted", "planned"], case__status="closed")
    for row in rows.select_related("case"):
        visits.cancel(row, actor=users.system(), at=entry.at)
