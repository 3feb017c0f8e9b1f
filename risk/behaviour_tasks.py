"""Behaviour scores in the background: at each month's end, and after a new fact."""

from datetime import date, timedelta

from celery import shared_task
from django.utils.timezone import localdate, now

from governance import users
from ledger import log
from ledger.models import Entry
from risk import behaviour


@log.on(
    "credit.repayment.received", "credit.repayment.reversed", "credit.loan.overdue", "credit.loan.cured", "credit.loan.bucket_moved",
    "credit.loan.booked",
)  # fmt: skip
def score_after_fact(*, entry: Entry, **_: object) -> None:
    """Score whom it is about; the outbox carries an entry within seconds, and again if a worker dies."""
    if entry.customer_id is not None:
        behaviour.after_fact(entry.customer_id, since=entry.at, at=max(now(), entry.at), actor=users.system())


@shared_task
def score_borrowers(*, on: str = "", **_: object) -> int:
    """Score every borrower as of the last month's end, or as of a day; return how many. May run twice."""
    day = date.fromisoformat(on) if on else localdate().replace(day=1) - timedelta(days=1)
    return behaviour.monthly(on=day, at=now(), actor=users.system())
