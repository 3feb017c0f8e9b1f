"""What stands between a repayment and its end: payoff quotes, and refunds of money held."""

from decimal import Decimal
from typing import ClassVar, Self, TypeVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.common import CreditQuerySet
from credit.models.loans import Loan, Transaction
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from governance.models import User

ZERO = Decimal("0.00")


OfLoan = TypeVar("OfLoan", bound=models.Model)


class OfLoanQuerySet(CreditQuerySet[OfLoan]):
    """Rows that belong to whoever sees the loan."""

    scope_owner = "loan__owner"
    scope_team = "loan__branch"
    scope_product = "loan__product__code"
    scope_customer = "loan__customer"

    def of_entity(self, user: object) -> Self:
        team = getattr(user, "team", None)
        return self.filter(loan__legal_entity=team.legal_entity_id) if team else self

    def for_list(self) -> Self:
        return self.select_related("loan", "loan__customer", "loan__legal_entity")


class PayoffQuote(models.Model):
    """What ends a loan when it is paid on a day. It holds until that day, as long as no other money moves on the loan."""

    POLICY = Policy(
        owner="credit",
        meaning=_("amounts quoted to end a loan"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "settles_on": _("Day the quote is for"),
            "early_fee": _("Fee for settling early, CNY"),
            "total": _("What settles the loan on this day, CNY"),
            "loan_version": _("State of the loan the quote was made on"),
        },
    )

    class Status(models.TextChoices):
        ISSUED = "issued", pgettext_lazy("payoff quote", "Issued")
        PAID = "paid", pgettext_lazy("payoff quote", "Paid")
        SUPERSEDED = "superseded", pgettext_lazy("payoff quote", "Superseded")
        REVERSED = "reversed", pgettext_lazy("payoff quote", "Payment reversed")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.ISSUED: {Status.PAID, Status.SUPERSEDED},
        Status.PAID: {Status.REVERSED},
        Status.SUPERSEDED: set(),
        Status.REVERSED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"issued": "info", "superseded": "neutral", "reversed": "caution"}

    public_id = PublicIdField(prefix="Q")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="payoff_quotes")
    status = models.CharField(max_length=10, choices=Status, default=Status.ISSUED)
    settles_on = models.DateField(help_text="interest and penalty are counted to this day; the last day it can be paid")
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField()
    penalty = MoneyField()
    early_fee = MoneyField(default=ZERO)
    interest_waived = MoneyField(default=ZERO, help_text="interest of the schedule that is not owed because of the payoff")
    fee_waived = MoneyField(default=ZERO)
    total = MoneyField()
    loan_version = models.PositiveIntegerField(help_text="money that moved on the loan since makes it another sum")
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    transaction = models.OneToOneField(Transaction, null=True, blank=True, on_delete=models.PROTECT, related_name="payoff")

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="payoff_quote_one_issued", fields=["loan"], condition=Q(status="issued")),
            models.CheckConstraint(name="payoff_quote_status_known", condition=Q(status__in=["issued", "paid", "superseded", "reversed"])),
            models.CheckConstraint(
                name="payoff_quote_adds_up",
                condition=Q(total=F("principal") + F("interest") + F("fee") + F("penalty") + F("early_fee"), total__gt=0),
            ),
            models.CheckConstraint(
                name="payoff_quote_paid_by_a_transaction", condition=~Q(status__in=["paid", "reversed"]) | Q(transaction__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id


class Refund(models.Model):
    """Money held above what was due, on its way back to the customer: asked for by one person, approved by another."""

    POLICY = Policy(
        owner="credit",
        meaning=_("over-payments given back"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="contract",
        shared_with=("bank",),
        lies_open=SUMMED,
        columns={
            "receipt": _("What the payout port calls it"),
            "refusal": _("Why the payout was refused, as a code"),
        },
    )

    class Status(models.TextChoices):
        REQUESTED = "requested", pgettext_lazy("refund", "Requested")
        APPROVED = "approved", pgettext_lazy("refund", "Approved, being sent")
        CONFIRMED = "confirmed", pgettext_lazy("refund", "Paid back")
        DECLINED = "declined", pgettext_lazy("refund", "Declined")
        FAILED = "failed", pgettext_lazy("refund", "Refused by the bank")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.REQUESTED: {Status.APPROVED, Status.DECLINED},
        Status.APPROVED: {Status.CONFIRMED, Status.FAILED},
        Status.CONFIRMED: set(),
        Status.DECLINED: set(),
        Status.FAILED: set(),
    }
    HOLDING = (Status.REQUESTED, Status.APPROVED)  # what the next request must leave alone
    TONES: ClassVar[dict[str, str]] = {"requested": "caution", "approved": "info", "confirmed": "good", "failed": "bad"}

    public_id = PublicIdField(prefix="RF")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="refunds")
    status = models.CharField(max_length=9, choices=Status, default=Status.REQUESTED)
    amount = MoneyField()
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=64, blank=True, default="", help_text="the bank's own number of the payment")
    refusal = models.CharField(max_length=40, blank=True, default="", help_text="the bank's code")
    transaction = models.OneToOneField(Transaction, null=True, blank=True, on_delete=models.PROTECT, related_name="refund")
    version = models.PositiveIntegerField(default=1)

    objects = OfLoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="refund_status_known",
                condition=Q(status__in=["requested", "approved", "confirmed", "declined", "failed"]),
            ),
            models.CheckConstraint(name="refund_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="refund_confirmed_moved_money", condition=~Q(status="confirmed") | Q(transaction__isnull=False)),
            models.CheckConstraint(
                name="refund_by_two_people",
                condition=Q(status__in=["requested", "declined"]) | Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by")),
            ),
        ]
        indexes = [
            # the back office's queue: few are on their way at a time
            models.Index(fields=["requested_at"], name="refund_on_its_way", condition=Q(status__in=["requested", "approved"])),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id
