"""Door of a reversal: a movement that did not last is answered by its mirror image, and the loan is played again without it."""

from datetime import datetime
from decimal import Decimal

from django.db import models, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from credit import class_marks, deaths, invoices, movements, repayments, suspense
from credit.books import money_day
from credit.models import PaymentShare, PayoffQuote, Refund, Transaction
from credit.movements import CannotBe, NotExplained
from crm.lib.errors import DomainError, Invalid
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
Kind = Transaction.Kind
# A refund has left the house; the money first paid out comes back by a cancellation, a later part that the bank returned is reversed.
REVERSIBLE = (
    Kind.REPAYMENT, Kind.PREPAYMENT, Kind.CHARGE, Kind.WAIVER, Kind.RESCHEDULE, Kind.RESTRUCTURE, Kind.ACCELERATION, Kind.CHARGE_OFF,
    Kind.WRITE_OFF, Kind.RECOVERY, Kind.CANCELLATION, Kind.RELIEF, Kind.DEATH, Kind.SALE, Kind.DRAW, Kind.CLOSURE,
)  # fmt: skip

__all__ = ["CannotBe", "NotExplained", "NotReversible", "Reason", "RefundUnderWay", "checked", "reverse"]


class Reason(models.TextChoices):
    """Why a movement is taken back."""

    BOUNCED = "bounced", _("The bank took the money back")
    LAPSED = "lapsed", _("What it was given for was not paid")
    WRONG_LOAN = "wrong_loan", _("It was for another loan")
    WRONG_AMOUNT = "wrong_amount", _("The amount was wrong")
    MISTAKE = "mistake", _("It should not have been done")
    DUPLICATE = "duplicate", _("It was recorded twice")


# Money that is still at the bank waits for the right loan; the rest has left the house.
STAYS = (Reason.WRONG_LOAN, Reason.WRONG_AMOUNT)


class NotReversible(DomainError):
    """Some movements are reversed, and those only once."""

    code = "not_reversible"


class RefundUnderWay(DomainError):
    """What would be left is promised to the customer already."""

    code = "refund_under_way"


@transaction.atomic
def reverse(movement: Transaction, *, reason: str, actor: User, at: datetime, key: str, whole: bool = False) -> Transaction:
    """Reverse a movement: post its mirror image and bring the loan to where it would stand without it.

    Later movements are played anew by the same rules; where that changes anything a second movement posts the difference. Nothing that
    was written is edited. The same `key` again returns the first reversal. A part of a payment over several loans is only taken back
    with the `whole` of it. What was forgiven by agreement once the money had come falls with that money: that write-off is reversed first.

    :raises Invalid: if `reason` is none of ours
    :raises NotReversible: if `movement` is of a kind that is not reversed, or was reversed before
    :raises movements.CannotBe, RefundUnderWay: if its money went back, or goes back, to the customer
    :raises NotExplained: if the loan's state is not what its movements make of it
    """
    if reason not in Reason.values:
        raise Invalid(_("Choose why the repayment is reversed."), fields={"reason": _("Choose why the repayment is reversed.")})
    loan = repayments.locked(movement.loan_id)
    known = Transaction.objects.filter(loan=loan, key=key).first()
    if known is not None:
        if known.reverses_id != movement.pk:
            raise repayments.KeyUsed(_("This key was used for another movement of the loan."))
        return known
    checked(movement, whole=whole)
    forgiven = movements.forgiven_after(loan, movement)
    if forgiven is not None:
        reverse(forgiven, reason=Reason.LAPSED, actor=actor, at=at, key=f"{key}:forgiven")
        loan = repayments.locked(movement.loan_id)
    dpd_was = loan.dpd
    made, played = movements.take_back(loan, movement, on=money_day(loan.legal_entity, at), actor=actor, at=at, key=key)
    promised = loan.refunds.filter(status__in=Refund.HOLDING).aggregate(sum=Sum("amount"))["sum"] or ZERO
    if played.after.overpayment < promised:
        raise RefundUnderWay(_("A refund of money held on this loan is under way: decline it or wait for it first."))
    for quote in PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED):
        move(quote, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    for quote in PayoffQuote.objects.select_for_update().filter(transaction=movement, status=PayoffQuote.Status.PAID):
        move(quote, PayoffQuote.Status.REVERSED, actor=actor, at=at, facts={"loan": loan.public_id})
    invoices.credit(loan, movement, made, actor=actor, at=at)
    if movement.kind == Transaction.Kind.REPAYMENT:
        suspense.taken_back(movement, stays=reason in STAYS, actor=actor, at=at)
    log.record(
        "credit.repayment.reversed" if movement.kind == Transaction.Kind.REPAYMENT else "credit.movement.reversed",
        made if movement.kind == Transaction.Kind.REPAYMENT else loan,
        actor=actor,
        at=at,
        customer_id=loan.customer_id,
        loan=loan.public_id,
        loan_id=loan.pk,
        reverses=movement.public_id,
        kind=movement.kind,
        amount=movement.amount,
        reason=str(reason),
        dpd_was=dpd_was,
        dpd=loan.dpd,
    )
    movements.keep(loan, played.after, actor=actor, at=at)
    if movement.kind in (Transaction.Kind.RESTRUCTURE, Transaction.Kind.RELIEF):
        class_marks.unwatch(loan, on=movement.value_on, actor=actor, at=at)
    if movement.kind == Transaction.Kind.DEATH:
        deaths.reopen_contact(loan, actor=actor, at=at)
    return made


def checked(movement: Transaction, *, whole: bool = False) -> None:
    """Refuse what cannot be taken back.

    :raises NotReversible: if `movement` is none of those, or was reversed before
    """
    part = movement.kind == Kind.DISBURSEMENT and movement.loan.transactions.filter(kind=Kind.DISBURSEMENT, pk__lt=movement.pk).exists()
    if movement.kind not in REVERSIBLE and not part:
        raise NotReversible(_("A movement of this kind cannot be reversed."))
    if Transaction.objects.filter(reverses=movement).exists():
        raise NotReversible(_("%(movement)s was reversed before.") % {"movement": movement})
    share = None if whole else PaymentShare.objects.select_related("payment").filter(transaction=movement).first()
    if share is not None:
        values = {"movement": movement, "payment": share.payment}
        raise NotReversible(
            _("%(movement)s is part of payment %(payment)s: reverse that payment.") % values, payment=share.payment.public_id
        )
