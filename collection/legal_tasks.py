"""What the way to court does by itself: an action that was not filed ends with its case; a filing pack is made by a worker."""

from celery import shared_task
from django.utils.timezone import now

from collection import legal, packs
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


@log.on("collections.pack.ordered")
def begin_pack(*, entry: Entry, **_: object) -> None:
    """Give a pack to a worker of its own: it opens and sets many files."""
    run_pack.delay(pack_id=entry.subject_id)


@shared_task
def run_pack(*, pack_id: int, **_: object) -> None:
    packs.run(pack_id, clock=now)
