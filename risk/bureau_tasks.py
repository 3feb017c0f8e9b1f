"""The bureau in the background: what a person asked for is fetched; what a dead worker left is ended."""

from celery import shared_task
from django.utils.timezone import now

from ledger import log
from ledger.models import Entry
from risk import bureau
from risk.models import BureauQuery


@log.on("risk.bureauquery.asked")
def fetch_asked(*, entry: Entry, **_: object) -> None:
    """Carry out what was asked for, unless whoever asked does so itself."""
    if not entry.facts.get("at_once"):
        bureau.fetch(
            BureauQuery.objects.select_related("customer", "consent", "asked_by").get(pk=entry.subject_id), at=max(now(), entry.at)
        )


@shared_task
def sweep_bureau(**_: object) -> int:
    """End questions whose worker died; return how many."""
    return bureau.lost(before=now() - bureau.LOST)
