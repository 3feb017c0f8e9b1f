"""A loan's state as a function of its terms and its transactions: run from the start, in memory, with the doors' own functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from credit import accrual, effects
from credit import lateness as late
from credit.allocation import allocate
from credit.models import Installment, Loan, PayoffQuote, Transaction
from crm.lib.errors import DomainError
from crm.lib.money import total

ZERO = Decimal("0.00")
PARTS = ("fee", "penalty", "interest", "principal")

Sums = dict[tuple[str, int | None], Decimal]  # account and instalment id → balance, debit above zero


class RefundedMeanwhile(DomainError):
    """Money that a refund took would never have been there."""

    code = "refunded_meanwhile"


@dataclass(frozen=True, slots=True)
class Event:
    """One movement that counts: money in, money of a payoff, or a refund out."""

    kind: str
    amount: Decimal
    on: date
    settles_on: date | None = None


def events(loan: Loan, *, without: Transaction | None = None) -> list[Event]:
    """Return the movements of `loan` that stand, in the order they were recorded: what was reversed never was."""
    rows = loan.transactions.filter(kind__in=[Transaction.Kind.REPAYMENT, Transaction.Kind.REFUND], reversal__isnull=True)
    if without is not None:
        rows = rows.exclude(pk=without.pk)
    quotes = dict(PayoffQuote.objects.filter(transaction__loan=loan).values_list("transaction_id", "settles_on"))
    return [Event(row.kind, row.amount, row.value_on, quotes.get(row.pk)) for row in rows.order_by("pk")]


def run(loan: Loan, installments: Sequence[Installment], moves: Iterable[Event]) -> Sums:
    """Set `loan` and `installments` to what the terms and `moves` make of them; return the balances they must be posted with.

    Lateness is as of `loan.closed_on`, as the close of that day found or would have found it.

    :raises RefundedMeanwhile: if a refund took more than was held
    """
    reset(loan, installments)
    early_fees = ZERO
    for each in moves:
        if each.kind == Transaction.Kind.REFUND:
            loan.overpayment -= each.amount
            if loan.overpayment < 0:
                raise RefundedMeanwhile(_("Money of this repayment was paid back as a refund: it cannot be reversed any more."))
            continue
        early_fees += receive(loan, installments, each)
    lateness(loan, installments)
    sums: Sums = {(part, row.pk): -getattr(row, f"{part}_paid") for row in installments for part in PARTS}
    return sums | {("fee", None): -early_fees, ("overpayment", None): -loan.overpayment}


def reset(loan: Loan, installments: Sequence[Installment]) -> None:
    """Set everything to the day the loan was booked."""
    loan.principal_outstanding, loan.overpayment = loan.principal, ZERO
    for row in installments:
        row.fee_paid = row.penalty_paid = row.interest_paid = row.principal_paid = ZERO
        row.interest_waived = row.fee_waived = row.penalty = row.penalty_base = ZERO
        row.penalty_since = row.due_on
        row.status, row.paid_on = Installment.Status.PENDING, None
        if not row.payment:
            row.status, row.paid_on = Installment.Status.PAID, loan.starts_on


def receive(loan: Loan, installments: Sequence[Installment], event: Event) -> Decimal:
    """Let money come in; return the early fee that a payoff took of it. A payoff that no longer suffices is a repayment like others."""
    if event.settles_on is not None:
        ending = effects.payoff(loan, installments, event.settles_on, early_fee_rate=loan.product.early_fee_rate)
        if ending.total and event.amount >= ending.total:
            effects.settle(loan, installments, ending, settles_on=event.settles_on, on=event.on)
            loan.principal_outstanding -= ending.part("principal")
            loan.overpayment += event.amount - ending.total
            return ending.early_fee
    lines, left = allocate(event.amount, effects.dues(loan, installments, event.on), loan.allocation_order)
    effects.pay(loan, installments, lines, event.on)
    loan.principal_outstanding -= total([line.amount for line in lines if line.part == "principal"])
    loan.overpayment += left
    return ZERO


def lateness(loan: Loan, installments: Sequence[Installment]) -> None:
    """Set what the close of `loan.closed_on` sets: penalty and state of what is unpaid, days past due and bucket."""
    unpaid = [row for row in installments if row.status != Installment.Status.PAID]
    for row in unpaid:
        if accrual.missed(row.due_on, loan.closed_on, loan.grace_days):
            row.status, row.penalty = Installment.Status.OVERDUE, effects.penalty_on(loan, row, loan.closed_on)
    late.stand(loan, [effects.late(row) for row in unpaid])
