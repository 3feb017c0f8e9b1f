"""Money received for a loan: spread it, post it, and settle what is paid."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import accrual, exposure, loans
from credit.allocation import Due, Line, allocate
from credit.books import value_day
from credit.models import Application, Installment, Loan, Posting, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from governance.lifecycle import move
from governance.models import User
from ledger import log

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
def receive(loan: Loan, *, amount: Decimal, actor: User, at: datetime, key: str) -> Transaction:
    """Receive `amount` for `loan`: fee, penalty, interest, principal of the oldest instalment first, then the next, up to the
    one that runs; what is left is an over-payment held for refund. The same `key` again returns the first movement.

    :raises NotAnAmount: if `amount` is not above zero in whole cents
    :raises LoanClosed: if the loan is settled
    :raises KeyUsed: if `key` names a movement of another amount
    """
    if not ZERO < amount <= LARGEST or not is_cents(amount):
        sentence = _("Enter an amount above 0 in whole cents.")
        raise NotAnAmount(sentence, fields={"amount": sentence})
    loan = _locked(loan.pk)
    known = Transaction.objects.filter(loan=loan, key=key).first()
    if known is not None:
        if known.kind != Transaction.Kind.REPAYMENT or known.amount != amount:
            raise KeyUsed(_("This key was used for another movement of the loan."), fields={"key": _("Choose another key.")})
        return known
    if loan.status != Loan.Status.OPEN:
        raise LoanClosed(_("%(loan)s is settled: nothing can be received for it.") % {"loan": loan})
    on = value_day(loan.legal_entity, at)
    installments = loans.installments_locked(loan)
    lines, left = allocate(amount, dues(loan, installments, on), loan.allocation_order)
    movement = Transaction.objects.create(
        loan=loan, kind=Transaction.Kind.REPAYMENT, amount=amount, value_on=on, at=at, actor=actor, key=key
    )
    loans.post(
        movement,
        [
            (Posting.Account.CASH, amount, None),
            *((line.part, -line.amount, line.installment) for line in lines),
            (Posting.Account.OVERPAYMENT, -left, None),
        ],
    )
    _apply(loan, installments, lines, on)
    parts = _sums(lines)
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
    )
    _after(loan, installments, principal=parts["principal"], left=left, actor=actor, at=at)
    return movement


def dues(loan: Loan, installments: Sequence[Installment], on: date) -> list[Due]:
    """Return what a payment on `on` goes to: every unpaid instalment that is due, then the one that runs, oldest first."""
    running = next((each.seq for each in installments if each.due_on > on), None)
    return [
        Due(
            installment=each.pk,
            fee=each.fee - each.fee_paid,
            penalty=penalty_on(loan, each, on) - each.penalty_paid,
            interest=each.interest - each.interest_paid,
            principal=each.principal - each.principal_paid,
        )
        for each in installments
        if each.status != Installment.Status.PAID and (each.due_on <= on or each.seq == running)
    ]


def penalty_on(loan: Loan, installment: Installment, on: date) -> Decimal:
    """Return the penalty of an instalment on a day, whether or not that day was closed."""
    if installment.status == Installment.Status.PAID:
        return installment.penalty
    return accrual.penalty(late(installment), annual_rate=loan.penalty_rate, as_of=on, grace_days=loan.grace_days)


def late(installment: Installment) -> accrual.Late:
    """Return the side of an instalment that lateness looks at."""
    return accrual.Late(
        due_on=installment.due_on,
        principal=installment.principal - installment.principal_paid,
        owed=installment.owed,
        penalty_base=installment.penalty_base,
        penalty_since=installment.penalty_since,
    )


def _locked(loan_id: int) -> Loan:
    """Lock customer, application and loan in the house's order; return the loan as it stands."""
    found = Loan.objects.values("customer_id", "application_id").get(pk=loan_id)
    exposure.lock(found["customer_id"])
    Application.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=found["application_id"])
    return Loan.objects.select_for_update(of=("self",), no_key=True).select_related("legal_entity").get(pk=loan_id)


def _apply(loan: Loan, installments: Sequence[Installment], lines: Sequence[Line], on: date) -> None:
    """Write what `lines` paid into their instalments. Penalty grown so far becomes the base, and grows on from today."""
    by_pk = {each.pk: each for each in installments}
    touched = {line.installment for line in lines}
    for pk in touched:
        each = by_pk[pk]
        each.penalty = penalty_on(loan, each, on)
        # Inside the grace nothing is fixed: once missed, the days of what stays unpaid count from the due date.
        if accrual.missed(each.due_on, on, loan.grace_days):
            each.penalty_base, each.penalty_since = each.penalty, on
    for line in lines:
        each = by_pk[line.installment]
        setattr(each, f"{line.part}_paid", getattr(each, f"{line.part}_paid") + line.amount)
    for pk in touched:
        each = by_pk[pk]
        if not each.outstanding:
            each.status, each.paid_on = Installment.Status.PAID, on
    Installment.objects.bulk_update(
        [by_pk[pk] for pk in sorted(touched)],
        ["status", "paid_on", "penalty", "penalty_base", "penalty_since", "fee_paid", "penalty_paid", "interest_paid", "principal_paid"],
    )


def _after(loan: Loan, installments: Sequence[Installment], *, principal: Decimal, left: Decimal, actor: User, at: datetime) -> None:
    """Bring the loan's balances and lateness up to date. Only the close of day ages a loan: lateness stays as of its last one."""
    was = loan.bucket
    missed = [late(each) for each in installments if each.status != Installment.Status.PAID]
    loan.dpd = accrual.days_past_due(missed, as_of=loan.closed_on, grace_days=loan.grace_days)
    loan.bucket = accrual.bucket(loan.dpd)
    loan.oldest_due_on = min(each.due_on for each in missed if each.owed > 0) if loan.dpd else None
    loan.principal_outstanding -= principal
    loan.overpayment += left
    loan.version += 1
    loan.save(update_fields=["dpd", "bucket", "oldest_due_on", "principal_outstanding", "overpayment", "version"])
    if loan.bucket != was:
        log.record(
            bucket_event(was, loan.bucket), loan, actor=actor, at=at, was=was, bucket=loan.bucket, dpd=loan.dpd, as_of=loan.closed_on
        )
    if not missed:
        move(loan, Loan.Status.SETTLED, actor=actor, at=at, settled_at=at)


def bucket_event(was: int, now: int) -> str:
    """Return the name of what happened when a loan's bucket changed."""
    if not was:
        return "credit.loan.overdue"
    return "credit.loan.cured" if not now else "credit.loan.bucket_moved"


def _sums(lines: Sequence[Line]) -> dict[str, Decimal]:
    sums: dict[str, Any] = defaultdict(lambda: ZERO)
    for line in lines:
        sums[line.part] += line.amount
    return sums
