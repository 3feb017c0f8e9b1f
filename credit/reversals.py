"""Door of a reversal: a repayment that did not last is answered by its mirror image, and the loan is played again without it."""

import copy
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import models, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from credit import effects, loans, repayments, replay, suspense
from credit.books import value_day
from credit.models import Installment, Loan, PayoffQuote, Posting, Refund, Transaction
from crm.lib.errors import DomainError, Invalid
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
STATE = ["principal_outstanding", "overpayment", "dpd", "treatment_dpd", "bucket", "oldest_due_on", "closed_on"]


class Reason(models.TextChoices):
    """Why a repayment is taken back."""

    BOUNCED = "bounced", _("The bank took the money back")
    WRONG_LOAN = "wrong_loan", _("It was for another loan")
    WRONG_AMOUNT = "wrong_amount", _("The amount was wrong")
    DUPLICATE = "duplicate", _("It was recorded twice")


# Money that is still at the bank waits for the right loan; the rest has left the house.
STAYS = (Reason.WRONG_LOAN, Reason.WRONG_AMOUNT)


class NotReversible(DomainError):
    """Only a repayment is reversed, and only once."""

    code = "not_reversible"


class RefundUnderWay(DomainError):
    """What would be left is promised to the customer already."""

    code = "refund_under_way"


class NotExplained(DomainError):
    """The loan's movements do not explain its state: it is not replayed, somebody has to look at it first."""

    code = "not_explained"


@transaction.atomic
def reverse(movement: Transaction, *, reason: str, actor: User, at: datetime, key: str) -> Transaction:
    """Reverse a repayment: post its mirror image and bring the loan to where it would stand without it.

    Later repayments are allocated anew by the same functions that allocated them first; where that changes anything a second
    movement posts the difference. Nothing that was written is edited. The same `key` again returns the first reversal.

    :raises Invalid: if `reason` is none of ours
    :raises NotReversible: if `movement` is no repayment, or was reversed before
    :raises RefundedMeanwhile, RefundUnderWay: if its money went back, or goes back, to the customer
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
    if movement.kind != Transaction.Kind.REPAYMENT:
        raise NotReversible(_("Only a repayment can be reversed."))
    if Transaction.objects.filter(reverses=movement).exists():
        raise NotReversible(_("%(movement)s was reversed before.") % {"movement": movement})
    installments = loans.installments_locked(loan)
    played = simulate(loan, installments, movement)
    promised = loan.refunds.filter(status__in=Refund.HOLDING).aggregate(sum=Sum("amount"))["sum"] or ZERO
    if played.loan.overpayment < promised:
        raise RefundUnderWay(_("A refund of money held on this loan is under way: decline it or wait for it first."))
    made = _post(loan, movement, played, actor=actor, at=at, key=key)
    Installment.objects.bulk_update(played.installments, [*effects.SAVED, *effects.WAIVED])
    for quote in PayoffQuote.objects.select_for_update().filter(loan=loan, status=PayoffQuote.Status.ISSUED):
        move(quote, PayoffQuote.Status.SUPERSEDED, actor=actor, at=at, facts={"loan": loan.public_id})
    for quote in PayoffQuote.objects.select_for_update().filter(transaction=movement, status=PayoffQuote.Status.PAID):
        move(quote, PayoffQuote.Status.REVERSED, actor=actor, at=at, facts={"loan": loan.public_id})
    suspense.taken_back(movement, stays=reason in STAYS, actor=actor, at=at)
    log.record(
        "credit.repayment.reversed",
        made,
        actor=actor,
        at=at,
        customer_id=loan.customer_id,
        loan=loan.public_id,
        loan_id=loan.pk,
        reverses=movement.public_id,
        amount=movement.amount,
        reason=str(reason),
        dpd_was=loan.dpd,
        dpd=played.loan.dpd,
    )
    _keep(loan, played, actor=actor, at=at)
    return made


class Played:
    """A loan as it would stand, and the balances it would be posted with; what it was is untouched."""

    def __init__(self, loan: Loan, installments: list[Installment], sums: replay.Sums, settled: bool) -> None:
        self.loan, self.installments, self.sums, self.settled = loan, installments, sums, settled


def simulate(loan: Loan, installments: list[Installment], movement: Transaction) -> Played:
    """Return `loan` as it would stand had `movement` never been; nothing is saved, `loan` and `installments` stay as they are.

    :raises NotExplained: if replaying what is there does not give what is there
    """
    now = _play(loan, installments, without=None)
    if _paid(now.installments) != _paid(installments) or now.loan.overpayment != loan.overpayment:
        raise NotExplained(_("The movements of %(loan)s do not explain its state; it cannot be replayed.") % {"loan": loan})
    return _play(loan, installments, without=movement)


def _play(loan: Loan, installments: list[Installment], *, without: Transaction | None) -> Played:
    twin, rows = copy.copy(loan), [copy.copy(each) for each in installments]
    if twin.status != Loan.Status.OPEN:
        # No close looked at it since it was settled; had it stayed open, the last one had.
        twin.closed_on = max(twin.closed_on, twin.legal_entity.business_date - timedelta(days=1))
    sums = replay.run(twin, rows, replay.events(loan, without=without))
    return Played(twin, rows, sums, all(row.status == Installment.Status.PAID for row in rows))


def _paid(installments: list[Installment]) -> list[tuple[Decimal, ...]]:
    return [(row.fee_paid, row.penalty_paid, row.interest_paid, row.principal_paid) for row in installments]


def _post(loan: Loan, movement: Transaction, played: Played, *, actor: User, at: datetime, key: str) -> Transaction:
    """Write the mirror image of `movement`, and the difference that later movements make, each balanced in itself."""
    on = value_day(loan.legal_entity, at)
    made = Transaction.objects.create(
        loan=loan, kind=Transaction.Kind.REVERSAL, amount=movement.amount, value_on=on, at=at, actor=actor, key=key, reverses=movement
    )
    mirror = [(row.account, -row.amount, row.installment_id) for row in movement.postings.order_by("pk")]
    loans.post(made, mirror)
    balances: dict[tuple[str, int | None], Decimal] = defaultdict(lambda: ZERO)
    rows = Posting.objects.filter(transaction__loan=loan).exclude(account=Posting.Account.CASH)
    rows = rows.exclude(transaction__kind=Transaction.Kind.DISBURSEMENT)
    for account, installment_id, amount in rows.values_list("account", "installment_id").annotate(sum=Sum("amount")):
        balances[account, installment_id] = amount
    wanted = defaultdict(lambda: ZERO, played.sums)
    moved = {place: wanted[place] - balances[place] for place in {*balances, *wanted} if wanted[place] != balances[place]}
    if moved:
        anew = Transaction.objects.create(
            loan=loan,
            kind=Transaction.Kind.REALLOCATION,
            amount=sum((amount for amount in moved.values() if amount > 0), ZERO),
            value_on=on,
            at=at,
            actor=actor,
            key=f"again:{made.public_id}",
        )
        order = sorted(moved.items(), key=lambda each: (each[0][1] or 0, each[0][0]))
        loans.post(anew, [(account, amount, installment_id) for (account, installment_id), amount in order])
    return made


def _keep(loan: Loan, played: Played, *, actor: User, at: datetime) -> None:
    """Save the loan as played; a settled one opens again, and a changed bucket is told."""
    was = loan.bucket
    state = {name: getattr(played.loan, name) for name in STATE}
    if loan.status == Loan.Status.SETTLED and not played.settled:
        move(loan, Loan.Status.OPEN, actor=actor, at=at, event="credit.loan.reopened", settled_at=None, **state)
    else:
        if loan.status == Loan.Status.SETTLED:
            state = {"overpayment": state["overpayment"]}
        Loan.objects.filter(pk=loan.pk).update(version=loan.version + 1, **state)
        for name, value in state.items():
            setattr(loan, name, value)
    if loan.bucket != was:
        log.record(
            repayments.bucket_event(was, loan.bucket),
            loan,
            actor=actor,
            at=at,
            was=was,
            bucket=loan.bucket,
            dpd=loan.dpd,
            as_of=loan.closed_on,
        )
