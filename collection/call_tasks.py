"""Work of the collector's desk that no page waits for: calls and pay links nobody told of, reminders of promises, what is taken back."""

from celery import shared_task
from django.utils.timezone import now

from collection import calls, case_texts, pay_links, promise_reminders
from credit import books
from governance import users
from governance.models import LegalEntity
from ledger import log
from ledger.models import Entry


@shared_task
def sweep_calls(**_: object) -> int:
    """Settle the calls of which nobody told the end."""
    return calls.sweep(at=now())


@shared_task
def sweep_pay_links(**_: object) -> int:
    """Ask about links that nothing was told of, and end those whose time is over."""
    return pay_links.sweep(at=now())


@shared_task
def remind_of_promises(**_: object) -> int:
    """Plan the reminders of promises that fall due, lender by lender."""
    at = now()
    return sum(promise_reminders.plan(entity, on=books.value_day(entity, at), at=at) for entity in LegalEntity.objects.order_by("pk"))


@log.on(
    "collections.dispute.opened",
    "collections.complaint.opened",
    "collections.hardship.opened",
    "collections.settlement.accepted",
    "credit.movement.death",
)
def take_demands_back(*, entry: Entry, **_: object) -> None:
    """Take back what asks for money while a matter stands: texts that wait to leave, and links that are open."""
    if entry.customer_id is not None:
        case_texts.take_back(entry.customer_id, reason="not_due", actor=users.system(), at=entry.at)
        pay_links.take_back(entry.customer_id, actor=users.system(), at=entry.at)


@log.on("credit.repayment.received")
def take_texts_back(*, entry: Entry, **_: object) -> None:
    """Take back what still waits to be sent about a debt that was paid meanwhile."""
    if entry.customer_id is not None:
        case_texts.take_back(entry.customer_id, reason="paid", actor=users.system(), at=entry.at)
