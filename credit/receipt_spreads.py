"""Money in suspense for several loans of one customer: spread in the order the rule declares; what nothing asks for yet goes on waiting."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import customer_payments, four_eyes, suspense
from credit.books import value_day
from credit.customer_payments import Share
from credit.models import CustomerPayment, Loan, Receipt, Transaction
from crm.lib.errors import DomainError
from crm.lib.money import total
from customers.models import Customer
from governance.lifecycle import move
from governance.models import User
from ledger import log

Status = Receipt.Status


class NotWaiting(DomainError):
    """Only money that waits is spread."""

    code = "receipt_not_waiting"


@dataclass(frozen=True, slots=True)
class Spread:
    """What of a receipt would go to which loan, and what would stay in suspense."""

    shares: list[Share]
    rest: Decimal


def preview(receipt: Receipt, customer: Customer, *, user: User, at: datetime) -> Spread:
    """Return what spreading would do; nothing is stored.

    :raises DomainError: if it cannot be spread
    """
    loans = customer_payments.loans_of(customer, user)
    on = customer_payments.day(loans, _received(receipt, loans), at=at)
    order = customer_payments.order_of(customer.legal_entity, on=on)
    shares = customer_payments.spread(loans, amount=receipt.left, on=on, order=order, asked_only=True)
    return Spread(shares, receipt.left - total([share.amount for share in shares]))


@transaction.atomic
def spread(receipt: Receipt, customer: Customer, *, actor: User, at: datetime, version: int | None = None) -> Receipt:
    """Spread what waits of `receipt` over the open loans of `customer`: what is due and the instalments that run, nothing beyond.

    Above the amount of the rule it waits for a second person.

    :raises NotWaiting: if it waits for nobody
    :raises customer_payments.NothingToPay: if no loan asks for anything
    :raises Stale: if it changed since `version`
    """
    row = suspense.locked(receipt, version)
    if row.status != Status.UNMATCHED:
        raise NotWaiting(_("%(record)s does not wait any more.") % {"record": row})
    if four_eyes.needed(row.amount, on=value_day(row.legal_entity, at)):
        shares = preview(row, customer, user=actor, at=at).shares
        facts = {"customer": customer.public_id, "amount": total([share.amount for share in shares])}
        return move(row, Status.PROPOSED, actor=actor, at=at, facts=facts, proposed_customer=customer, proposed_by=actor, proposed_at=at)
    return book(row, customer, actor=actor, at=at)


def book(row: Receipt, customer: Customer, *, actor: User, at: datetime, loan: Loan | None = None) -> Receipt:
    """Take what waits of a locked receipt in as a payment of `customer`; the whole of it for `loan` alone where one is named."""
    loans = [loan] if loan is not None else customer_payments.loans_of(customer, actor)
    payment = customer_payments.receive(
        customer, amount=row.left, actor=actor, at=at, key=f"bank:{row.public_id}:{row.version}", channel=Transaction.Channel.BANK_FILE,
        reference=row.reference[:60], received_on=_received(row, loans), receipt=row, only=loan,
    )  # fmt: skip
    suspense.suspend(row, -payment.amount, at=at, on=payment.received_on)
    placed = row.placed + payment.amount
    facts: dict[str, Any] = {"payment": payment.public_id, "amount": payment.amount, "left": row.amount - placed}
    if placed == row.amount:
        first = customer_payments.shares_of(payment)[0].transaction.loan
        return move(
            row, Status.MATCHED, actor=actor, at=at, facts=facts, loan=first, match=Receipt.Match.PERSON, why="", ended_at=at,
            decided_by=actor, placed=placed,
        )  # fmt: skip
    if row.status == Status.PROPOSED:
        cleared = {"proposed_customer": None, "proposed_loan": None, "proposed_by": None, "proposed_at": None}
        return move(row, Status.UNMATCHED, actor=actor, at=at, event="credit.receipt.spread", facts=facts, placed=placed, **cleared)
    row.placed, row.version = placed, row.version + 1
    row.save(update_fields=["placed", "version"])
    log.record("credit.receipt.spread", row, actor=actor, at=at, **facts)
    return row


def payments(receipt: Receipt) -> list[CustomerPayment]:
    """Return the payments a receipt became, the first one first."""
    return list(receipt.spreads.select_related("customer").order_by("pk"))


def _received(receipt: Receipt, loans: list[Loan]) -> date:
    """Return the day it counts for: what came before the money went out pays from its first day."""
    return max([receipt.received_on, *(loan.starts_on for loan in loans)])
