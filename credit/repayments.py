"""Money received for a loan: spread it, post it, and settle what is paid."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import close_ranges, effects, exposure, lateness, loans
from credit.allocation import Line, allocate
from credit.books import value_day
from credit.effects import dues, late, penalty_on
from credit.lateness import bucket_event
from credit.models import Application, Installment, Loan, PayoffQuote, Posting, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from governance.lifecycle import move
from governance.models import User
from ledger import log

__all__ = ["bucket_event", "counts_for", "dues", "late", "penalty_on", "receive"]

ZERO = Decimal("0.00")
LARGEST = Decimal("999999999999.99")


class NotAnAmount(Invalid):
    """A repayment is an amount above zero in whole cents."""

    code = "not_an_amount"


class LoanClosed(DomainError):
    """The loan is settled: nothing can be received for it."""

    code = "loan_closed"


class KeyUsed(DomainError):
    """The key names another movement of this loan."""

    code = "repayment_key_used"


@transaction.atomic
def receive(
    loan: Loan,
    *,
    amount: Decimal,
    actor: User,
    at: datetime,
    key: str,
    channel: str = "",
    reference: str = "",
    received_on: date | None = None,
) -> Transaction:
    """Receive `amount` for `loan`: fee, penalty, interest, principal of the oldest instalment first, then the next, up to the
    one that runs; what is left is an over-payment held for refund. The sum of a payoff quote that holds ends the loan. The same
    `key` again returns the first movement. It counts for `received_on` where that day is not closed yet, else for the open one.

    :raises NotAnAmount: if `amount` is not above zero in whole cents
    :raises LoanClosed: if the loan is settled
    :raises KeyUsed: if `key` names a movement of another amount
    """
    if not ZERO < amount <= LARGEST or not is_cents(amount):
        sentence = _("Enter an amount above 0 in whole cents.")
        raise NotAnAmount(sentence, fields={"amount": sentence})
    loan = locked(loan.pk)
    known = Transaction.objects.filter(loan=loan, key=key).first()
    if known is not None:
        if known.kind != Transaction.Kind.REPAYMENT or known.amount != amount:
            raise KeyUsed(_("This key was used for another movement of the loan."), fields={"key": _("Choose another key.")})
        return known
    if loan.status != Loan.Status.OPEN:
        raise LoanClosed(_("%(loan)s is settled: nothing can be received for it.") % {"loan": loan})
    on = counts_for(loan, received_on, at=at)
    installments = loans.installments_locked(loan)
    quote = PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED).first()
    ending = None
    if quote is not None and quote.total == amount and quote.loan_version == loan.version and on <= quote.settles_on:
        ending = effects.payoff(loan, installments, quote.settles_on, early_fee_rate=loan.product.early_fee_rate)
    early_fee = ZERO
    if ending is not None and quote is not None and ending.total == amount:
        lines, left, early_fee = ending.lines, ZERO, ending.early_fee
    else:
        ending = None
        lines, left = allocate(amount, dues(loan, installments, on), loan.allocation_order)
    movement = Transaction.objects.create(
        loan=loan, kind=Transaction.Kind.REPAYMENT, amount=amount, value_on=on, at=at, actor=actor, key=key, channel=channel,
        reference=reference,
    )  # fmt: skip
    loans.post(
        movement,
        [
            (Posting.Account.CASH, amount, None),
            *((line.part, -line.amount, line.installment) for line in lines),
            (Posting.Account.FEE, -early_fee, None),
            (Posting.Account.OVERPAYMENT, -left, None),
        ],
    )
    if ending is not None and quote is not None:
        touched = effects.settle(loan, installments, ending, settles_on=quote.settles_on, on=on)
        Installment.objects.bulk_update(touched, [*effects.SAVED, *effects.WAIVED])
        move(quote, PayoffQuote.Status.PAID, actor=actor, at=at, transaction=movement, facts={"loan": loan.public_id})
    else:
        Installment.objects.bulk_update(effects.pay(loan, installments, lines, on), effects.SAVED)
        if quote is not None:
            move(quote, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    parts = _sums(lines)
    parts["fee"] += early_fee
    facts: dict[str, Any] = {"channel": channel} if channel else {}
    log.record(
        "credit.repayment.received",
        movement,
        actor=actor,
        at=at,
        customer_id=loan.customer_id,
        loan=loan.public_id,
        loan_id=loan.pk,
        amount=amount,
        overpayment=left,
        **{part: parts[part] for part in loan.allocation_order},
        **facts,
    )
    _after(loan, installments, principal=parts["principal"], left=left, actor=actor, at=at)
    return movement


def counts_for(loan: Loan, received_on: date | None, *, at: datetime) -> date:
    """Return the day money counts for: the day it came where that is not closed yet, else the open one; never a day to come."""
    today = value_day(loan.legal_entity, at)
    return today if received_on is None else max(loan.legal_entity.business_date, min(received_on, today))


def locked(loan_id: int) -> Loan:
    """Lock customer, application and loan in the house's order; return the loan as it stands, its missed days closed.

    :raises LoanBehind: if it is behind and its days cannot be closed
    """
    found = Loan.objects.values("customer_id", "application_id").get(pk=loan_id)
    exposure.lock(found["customer_id"])
    Application.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=found["application_id"])
    loan = Loan.objects.select_for_update(of=("self",), no_key=True).select_related("legal_entity", "product").get(pk=loan_id)
    close_ranges.bring_up(loan)
    return loan


def _after(loan: Loan, installments: Sequence[Installment], *, principal: Decimal, left: Decimal, actor: User, at: datetime) -> None:
    """Bring the loan's balances and lateness up to date. Only the close of day ages a loan: lateness stays as of its last one."""
    was = loan.bucket
    missed = [late(each) for each in installments if each.status != Installment.Status.PAID]
    lateness.stand(loan, missed)
    loan.principal_outstanding -= principal
    loan.overpayment += left
    loan.version += 1
    loan.save(update_fields=[*lateness.SAVED, "principal_outstanding", "overpayment", "version"])
    if loan.bucket != was:
        log.record(
            bucket_event(was, loan.bucket), loan, actor=actor, at=at, was=was, bucket=loan.bucket, dpd=loan.dpd, as_of=loan.closed_on
        )
    if not missed:
        move(loan, Loan.Status.SETTLED, actor=actor, at=at, settled_at=at)


def _sums(lines: Sequence[Line]) -> dict[str, Decimal]:
    sums: dict[str, Any] = defaultdict(lambda: ZERO)
    for line in lines:
        sums[line.part] += line.amount
    return sums
