"""What else the death of a customer changes, beside the loan: nobody writes to them or calls them any more."""

from datetime import datetime

from credit.models import Loan, Transaction
from customers import contacts
from customers.models import ContactBar, ContactChannel
from governance.models import User


def stop_contact(loan: Loan, *, actor: User, at: datetime) -> None:
    """Stop every way of contact that is still open."""
    barred = contacts.bars_of([loan.customer_id]).get(loan.customer_id, frozenset())
    for channel in ContactChannel.values:
        if channel not in barred:
            contacts.bar(loan.customer, channel=channel, reason=ContactBar.Reason.DECEASED, actor=actor, at=at)


def reopen_contact(loan: Loan, *, actor: User, at: datetime) -> None:
    """Open again what a death stopped that was recorded by mistake, unless another loan of the customer says the same."""
    stands = Transaction.objects.filter(loan__customer=loan.customer_id, kind=Transaction.Kind.DEATH, reversal__isnull=True)
    if stands.exists():
        return
    rows = ContactBar.objects.filter(customer=loan.customer_id, reason=ContactBar.Reason.DECEASED, lifted_at__isnull=True)
    for bar in rows.select_related("customer"):
        contacts.lift(bar, actor=actor, at=at)
