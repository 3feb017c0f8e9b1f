"""Money received for a loan: spread it, post it, and settle what is paid."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import close_ranges, exposure, movements
from credit.books import check_open, local_day, value_day
from credit.effects import dues, late, penalty_on
from credit.lateness import bucket_event
from credit.models import Application, Loan, PayoffQuote, Transaction
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from governance.lifecycle import move
from governance.models import User
from ledger import log

__all__ = ["bucket_event", "closed", "counts_for", "dues", "late", "penalty_on", "receive"]

ZERO = Decimal("0.00")
LARGEST = Decimal("999999999999.99")


class NotAnAmount(Invalid):
    """A repayment is an amount above zero in whole cents."""

    code = "not_an_amount"


class LoanClosed(DomainError):
    """The loan is settled: nothing can be received for it."""

    code = "loan_closed"


class InFuture(Invalid):
    """Money counts for a day that has come."""

    code = "day_in_future"


class BeforeLoan(Invalid):
    """Nothing is received for a loan before its money went out."""

    code = "before_disbursement"


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
    """Receive `amount` for `loan`, spread in the order of its terms: what is due, oldest first, up to the one that runs; what is left
    is an over-payment held for refund. The sum of a payoff quote that holds ends the loan. The same `key` again returns the first
    movement. It counts for `received_on`: where that lies before other movements, those are played anew.

    :raises NotAnAmount: if `amount` is not above zero in whole cents
    :raises LoanClosed: if the loan is settled
    :raises KeyUsed: if `key` names a movement of another amount
    :raises InFuture, BeforeLoan, PeriodClosed: if money cannot count for `received_on`
    """
    checked_amount(amount)
    loan = locked(loan.pk)
    known = repeated(loan, key, kind=Transaction.Kind.REPAYMENT, amount=amount)
    if known is not None:
        return known
    if loan.status != Loan.Status.OPEN:
        raise closed(loan)
    on = counts_for(loan, received_on, at=at)
    quote = PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED).first()
    ends = quote is not None and quote.total == amount and quote.loan_version == loan.version and on <= quote.settles_on
    movement, made = movements.record(
        loan,
        kind=Transaction.Kind.REPAYMENT,
        amount=amount,
        on=on,
        actor=actor,
        at=at,
        key=key,
        channel=channel,
        reference=reference,
        settles_on=quote.settles_on if quote is not None and ends else None,
    )
    if quote is not None:
        if ends and made.after.status == "settled":
            move(quote, PayoffQuote.Status.PAID, actor=actor, at=at, transaction=movement, facts={"loan": loan.public_id})
        else:
            move(quote, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    split = made.after.splits["new"]
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
        overpayment=split.overpayment,
        **{part: split.part(part) for part in loan.allocation_order},
        **facts,
    )
    movements.keep(loan, made.after, actor=actor, at=at)
    return movement


def closed(loan: Loan) -> LoanClosed:
    """Return why a loan that is not open takes no repayment, and what to do with the money."""
    words = {
        Loan.Status.SOLD: _("%(loan)s was sold: the money is the buyer's. Give it back, or pass it on."),
        Loan.Status.WRITTEN_OFF: _("%(loan)s is written off: record the money as a recovery."),
        Loan.Status.CANCELLED: _("The contract of %(loan)s was cancelled: nothing can be received for it."),
    }
    return LoanClosed(words.get(Loan.Status(loan.status), _("%(loan)s is settled: nothing can be received for it.")) % {"loan": loan})


def checked_amount(amount: Decimal) -> None:
    """Refuse what is no amount of money.

    :raises NotAnAmount: if so
    """
    if not ZERO < amount <= LARGEST or not is_cents(amount):
        sentence = _("Enter an amount above 0 in whole cents.")
        raise NotAnAmount(sentence, fields={"amount": sentence})


def repeated(loan: Loan, key: str, *, kind: str, amount: Decimal) -> Transaction | None:
    """Return the movement of `loan` that `key` names already.

    :raises KeyUsed: if it is another one
    """
    known = Transaction.objects.filter(loan=loan, key=key).first()
    if known is not None and (known.kind != kind or known.amount != amount):
        raise KeyUsed(_("This key was used for another movement of the loan."), fields={"key": _("Choose another key.")})
    return known


def counts_for(loan: Loan, received_on: date | None, *, at: datetime) -> date:
    """Return the day money counts for: the day it came, or the one that is open when none is told.

    :raises InFuture: for a day to come
    :raises BeforeLoan: for a day before the money went out
    :raises PeriodClosed: for a day of a month whose books are closed
    """
    today = value_day(loan.legal_entity, at)
    if received_on is None:
        return check_open(loan.legal_entity, today)
    if received_on > max(today, local_day(loan.legal_entity, at)):
        sentence = _("%(day)s has not come yet.") % {"day": received_on.isoformat()}
        raise InFuture(sentence, fields={"received_on": sentence})
    if received_on < loan.starts_on:
        sentence = _("%(loan)s was paid out on %(day)s: nothing was received for it before.") % {
            "loan": loan, "day": loan.starts_on.isoformat(),
        }  # fmt: skip
        raise BeforeLoan(sentence, fields={"received_on": sentence})
    return check_open(loan.legal_entity, received_on)


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
