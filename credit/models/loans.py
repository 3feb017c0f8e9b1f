"""Contracts with money out: the loan, what is due when, and every movement of money as insert-only rows."""

from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.accrual import bucket_name
from credit.models.applications import Application, Offer
from credit.models.common import Belonging, CreditQuerySet
from credit.models.products import Product
from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Policy
from customers.models import Customer
from governance.models import User

ZERO = Decimal("0.00")
# kinds of movements, and those that may be of no amount
KINDS = [
    "disbursement", "repayment", "reversal", "reallocation", "refund", "prepayment", "charge", "waiver", "reschedule", "restructure",
    "acceleration", "charge_off", "write_off", "recovery", "cancellation", "relief", "death", "sale", "draw", "limit", "freeze", "unfreeze",
    "closure",
]  # fmt: skip
NO_MONEY = [
    "reschedule", "restructure", "acceleration", "charge_off", "write_off", "reversal", "relief", "death", "freeze", "unfreeze", "closure",
]  # fmt: skip


class LoanQuerySet(CreditQuerySet["Loan"]):
    scope_product = "product__code"

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("customer", "product", "branch", "owner")

    def open(self) -> Self:
        return self.filter(status=Loan.Status.OPEN)

    def overdue(self) -> Self:
        """Narrow to open loans that the last close of day found past due; their due date leads to them by its index."""
        return self.open().filter(dpd__gt=0, oldest_due_on__isnull=False)


class Loan(Belonging):
    """A contract with money out. Terms are copied from product and offer: the loan keeps them whatever becomes of those.

    `dpd`, `bucket`, `oldest_due_on` and the penalty of its instalments are as of `closed_on`, the last business date closed,
    or a later repayment. Only the due date is indexed, which stays while a loan is late: the others are rewritten for every loan each night.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("contracts with money out"),
        retention=_("5y after settlement"),
        level=3,
        kind="C2",
        purposes=("servicing", "collections", "compliance"),
        basis="contract",
        shared_with=("bureau",),
        lies_open=SUMMED,
        columns={
            "matures_on": _("Day of the last instalment"),
            "principal_outstanding": _("Principal not yet repaid, CNY"),
            "overpayment": _("Paid beyond what was due, CNY"),
            "undrawn": _("Approved and not paid out yet, CNY"),
            "oldest_due_on": _("Due day of the oldest unpaid instalment"),
            "terms": _("The contract's terms in full, as data"),
            "late_fee": _("Charged once for each instalment missed, CNY"),
            "late_fee_rate": _("Charged on what is unpaid of an instalment missed, as a fraction"),
            "late_fee_passed": _("Part of the late fee that goes to somebody else, CNY"),
            "late_rate_passed": _("Part of the late fee's fraction that goes to somebody else"),
            "capitalised": _("Interest, fees and penalty that became principal, CNY"),
            "charged_off_on": _("Day the loan left the books as an asset"),
            "grade": _("Risk grade the loan was made at"),
            "treatment_dpd": _("Days past due that treatment counts: less grace and pauses"),
            "delinquency_range": _("Span of treatment days the last close found it in, empty if in none"),
            "risk_class": _("Class of the five, 1 normal to 5 loss"),
            "stage": _("Stage of credit risk, 1 to 3"),
            "cured_on": _("Since when nothing is past due, while class or stage still wait for it"),
            "ecl": _("Expected credit loss, CNY"),
            "revolving": _("Whether it is a revolving line, its principal the limit"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("loan", "Open")
        SETTLED = "settled", _("Settled")
        WRITTEN_OFF = "written_off", pgettext_lazy("loan", "Written off")
        CANCELLED = "cancelled", pgettext_lazy("loan", "Cancelled")
        SOLD = "sold", pgettext_lazy("loan", "Sold")

    # What ended a loan may be reversed: then it opens again.
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.SETTLED, Status.WRITTEN_OFF, Status.CANCELLED, Status.SOLD},
        Status.SETTLED: {Status.OPEN},
        Status.WRITTEN_OFF: {Status.OPEN},
        Status.CANCELLED: {Status.OPEN},
        Status.SOLD: {Status.OPEN},
    }
    TONES: ClassVar[dict[str, str]] = {"written_off": "bad"}

    public_id = PublicIdField(prefix="L")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="loans")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="loan")
    offer = models.OneToOneField(Offer, on_delete=models.PROTECT, related_name="loan")
    status = models.CharField(max_length=11, choices=Status, default=Status.OPEN)

    principal = MoneyField()
    annual_rate = RateField()
    penalty_rate = RateField()
    term = models.PositiveSmallIntegerField(help_text="months")
    day_count = models.CharField(max_length=13)
    month_end = models.CharField(max_length=10)
    rounding = models.CharField(max_length=9)
    grace_days = models.PositiveSmallIntegerField()
    allocation_order = ArrayField(models.CharField(max_length=9))
    starts_on = models.DateField(help_text="the day the money went out")
    matures_on = models.DateField()
    terms = models.JSONField(default=dict, db_default={}, help_text="credit/terms.py as JSON; empty: what the columns and the product say")

    late_fee = MoneyField(default=ZERO, db_default=ZERO, help_text="charged once for each instalment missed")
    late_fee_rate = RateField(
        default=0, db_default=0, help_text="charged on the principal unpaid of an instalment missed, with the late fee"
    )
    late_fee_passed = MoneyField(default=ZERO, db_default=ZERO, help_text="what of `late_fee` goes to somebody else")
    late_rate_passed = RateField(default=0, db_default=0, help_text="what of `late_fee_rate` goes to somebody else")

    principal_outstanding = MoneyField()
    capitalised = MoneyField(default=ZERO, db_default=ZERO, help_text="what a restructuring added to the principal")
    overpayment = MoneyField(default=ZERO, help_text="held for refund")
    undrawn = MoneyField(default=ZERO, db_default=ZERO, help_text="approved and not paid out yet")
    revolving = models.BooleanField(default=False, db_default=False, help_text="a revolving line: `principal` is its limit")
    dpd = models.PositiveIntegerField(default=0, db_default=0)
    bucket = models.PositiveSmallIntegerField(default=0, db_default=0)
    oldest_due_on = models.DateField(null=True, blank=True, help_text="oldest due date missed")
    grade = models.CharField(max_length=4, blank=True, default="", db_default="")
    treatment_dpd = models.PositiveIntegerField(default=0, db_default=0)
    delinquency_range = models.CharField(max_length=20, blank=True, default="", db_default="")
    risk_class = models.PositiveSmallIntegerField(default=1, db_default=1)
    stage = models.PositiveSmallIntegerField(default=1, db_default=1)
    cured_on = models.DateField(null=True, blank=True)
    ecl = MoneyField(default=ZERO, db_default=ZERO)
    closed_on = models.DateField(help_text="last business date closed")
    booked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    charged_off_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = LoanQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="loan_status_known", condition=Q(status__in=["open", "settled", "written_off", "cancelled", "sold"])
            ),
            models.CheckConstraint(
                name="loan_of_something", condition=Q(principal__gt=0, term__gt=0, annual_rate__gte=0, penalty_rate__gte=0)
            ),
            models.CheckConstraint(
                name="loan_balances_not_negative",
                # a payment that bounces may leave more drawn than the limit of a line
                condition=Q(principal_outstanding__gte=0, overpayment__gte=0)
                & (Q(revolving=True) | Q(principal_outstanding__lte=F("principal") + F("capitalised"))),
            ),
            models.CheckConstraint(
                name="loan_settled_owes_nothing",
                condition=Q(status="open")
                | Q(principal_outstanding=0, dpd=0, bucket=0, oldest_due_on__isnull=True, settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="loan_undrawn_within",
                condition=Q(undrawn__gte=0) & (Q(undrawn__lt=F("principal")) | Q(revolving=True, undrawn=F("principal"))),
            ),
            models.CheckConstraint(name="loan_bucket_known", condition=Q(bucket__gte=0, bucket__lte=7)),
            models.CheckConstraint(
                name="loan_judged", condition=Q(risk_class__gte=1, risk_class__lte=5, stage__gte=1, stage__lte=3, ecl__gte=0)
            ),
            models.CheckConstraint(name="loan_late_has_due_date", condition=Q(dpd=0) | Q(oldest_due_on__isnull=False)),
        ]
        indexes = [
            # the close of day cuts open loans into ranges of ids
            models.Index(fields=["legal_entity", "id"], name="loan_open", condition=Q(status="open")),
            models.Index(fields=["branch", "-id"], name="loan_of_branch"),
            models.Index(fields=["owner", "-id"], name="loan_of_owner"),
            # what is past due: a twentieth of the book. Not by `dpd`, which grows each night: this changes when a loan falls behind or catches up
            models.Index(
                fields=["oldest_due_on"],
                include=["legal_entity", "branch", "owner", "principal_outstanding"],
                name="loan_late",
                condition=Q(oldest_due_on__isnull=False),
            ),
            # the homes' sums, read from the index alone: what is outstanding, what was lent this month
            models.Index(
                fields=["branch"],
                include=["legal_entity", "owner", "principal_outstanding"],
                name="loan_balance",
                condition=Q(status="open"),
            ),
            models.Index(fields=["starts_on"], include=["legal_entity", "branch", "owner", "principal"], name="loan_begun"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def bucket_label(self) -> str:
        return bucket_name(self.bucket)


class Installment(models.Model):
    """One due amount. Its `penalty` is as of the loan's `closed_on` or a later repayment: `penalty_base`, and what has grown on the
    unpaid principal since `penalty_since`.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("what of a loan is due when, and what of it was paid"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "collections"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "from_on": _("First day of the period"),
            "principal_paid": _("Principal paid, CNY"),
            "interest_paid": _("Interest paid, CNY"),
            "fee_paid": _("Fees paid, CNY"),
            "penalty_paid": _("Penalty interest paid, CNY"),
            "penalty_base": _("Amount penalty interest runs on, CNY"),
            "penalty_since": _("Day from which penalty interest runs"),
            "paid_on": _("Day on which all was paid"),
            "late_charged": _("Whether what is charged once for being late stands in it"),
            "interest_held": _("Interest its period earns and another instalment collects, CNY"),
            "fee_passed": _("Part of the fee that is collected for somebody else, CNY"),
        },
    )

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        OVERDUE = "overdue", _("Overdue")
        PAID = "paid", _("Paid")
        WRITTEN_OFF = "written_off", pgettext_lazy("instalment", "Written off")
        SOLD = "sold", pgettext_lazy("instalment", "Sold")

    GONE = (Status.WRITTEN_OFF, Status.SOLD)  # nothing of it is owed to us any more

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="installments", db_index=False)
    seq = models.PositiveSmallIntegerField()
    from_on = models.DateField()
    due_on = models.DateField()
    status = models.CharField(max_length=11, choices=Status, default=Status.PENDING)
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField(default=ZERO)
    penalty = MoneyField(default=ZERO)
    principal_paid = MoneyField(default=ZERO)
    interest_paid = MoneyField(default=ZERO)
    fee_paid = MoneyField(default=ZERO)
    penalty_paid = MoneyField(default=ZERO)
    interest_waived = MoneyField(default=ZERO, db_default=ZERO, help_text="not owed, because the loan was paid off before")
    fee_waived = MoneyField(default=ZERO, db_default=ZERO, help_text="not owed, because the loan was paid off before")
    penalty_base = MoneyField(default=ZERO, help_text="penalty grown up to penalty_since")
    penalty_since = models.DateField()
    paid_on = models.DateField(null=True, blank=True)
    late_charged = models.BooleanField(default=False, db_default=False)
    interest_held = MoneyField(
        default=ZERO, db_default=ZERO, help_text="what the period earns beyond `interest`; below zero where it collects what others held"
    )
    fee_passed = MoneyField(default=ZERO, db_default=ZERO, help_text="what of `fee` less `fee_waived` goes to somebody else")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="installment_once_per_loan", fields=["loan", "seq"]),
            models.CheckConstraint(
                name="installment_status_known", condition=Q(status__in=["pending", "overdue", "paid", "written_off", "sold"])
            ),
            # the close of day asks for the unpaid by this day, which an instalment that falls behind keeps
            models.CheckConstraint(name="installment_paid_on_when_paid", condition=Q(status="paid") | Q(paid_on__isnull=True)),
            models.CheckConstraint(
                name="installment_amounts_not_negative", condition=Q(principal__gte=0, interest__gte=0, fee__gte=0, penalty_base__gte=0)
            ),
            models.CheckConstraint(
                name="installment_paid_within_due",
                condition=Q(
                    principal_paid__gte=0,
                    principal_paid__lte=F("principal"),
                    interest_paid__gte=0,
                    interest_paid__lte=F("interest"),
                    fee_paid__gte=0,
                    fee_paid__lte=F("fee"),
                    penalty_paid__gte=0,
                    penalty_paid__lte=F("penalty"),
                ),
            ),
            models.CheckConstraint(
                name="installment_paid_owes_nothing",
                condition=~Q(status="paid")
                | Q(
                    principal_paid=F("principal"),
                    interest_paid=F("interest") - F("interest_waived"),
                    fee_paid=F("fee") - F("fee_waived"),
                    penalty_paid=F("penalty"),
                    paid_on__isnull=False,
                ),
            ),
            # The close of day and the case read what is unpaid without looking at these.
            models.CheckConstraint(
                name="installment_waived_only_when_paid",
                condition=Q(interest_waived=0, fee_waived=0) | Q(status="paid", interest_waived__gte=0, fee_waived__gte=0),
            ),
        ]
        indexes = [
            # unmatched money looks for the instalment of its amount; none of these columns ever changes, so closes stay HOT
            models.Index(F("principal") + F("interest") + F("fee"), "due_on", name="installment_of_amount"),
            # the close of day reads from it which loans of a range have missed something, without touching their rows
            models.Index(fields=["loan", "due_on"], name="installment_unpaid", condition=Q(paid_on__isnull=True)),
            # what is collected for others, at each close; most books have none
            models.Index(fields=["loan"], name="installment_passed", condition=Q(fee_passed__gt=0)),
            # what falls due on a day, for reminders
            models.Index(fields=["due_on", "loan"], name="installment_due"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}/{self.seq}"

    @property
    def payment(self) -> Decimal:
        """Due without penalty."""
        return self.principal + self.interest + self.fee - self.interest_waived - self.fee_waived

    @property
    def owed(self) -> Decimal:
        """Unpaid without penalty; nothing of what was written off or sold."""
        if self.status in self.GONE:
            return ZERO
        return self.payment - self.principal_paid - self.interest_paid - self.fee_paid

    @property
    def outstanding(self) -> Decimal:
        """Unpaid with the penalty as it was last computed."""
        if self.status in self.GONE:
            return ZERO
        return self.owed + self.penalty - self.penalty_paid


class Transaction(models.Model):
    """One movement of money. Insert-only: a mistake is answered by another transaction, never by an edit."""

    POLICY = Policy(
        owner="credit",
        meaning=_("movements of money on a loan"),
        retention=_("with the loan"),
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="contract",
        shared_with=("bank",),
        lies_open=SUMMED,
        columns={
            "value_on": _("Day from which it counts"),
            "details": _("What shaped it: days, parts, terms; no words about people"),
            "booked_on": _("Business date of the books it is entered in; set by the database"),
        },
    )

    class Kind(models.TextChoices):
        DISBURSEMENT = "disbursement", _("Disbursement")
        REPAYMENT = "repayment", _("Repayment")
        REVERSAL = "reversal", _("Reversal")
        REALLOCATION = "reallocation", _("Reallocation of what came later")
        REFUND = "refund", _("Refund")
        PREPAYMENT = "prepayment", _("Partial prepayment")
        CHARGE = "charge", _("Charge")
        WAIVER = "waiver", _("Waiver")
        RESCHEDULE = "reschedule", _("New schedule")
        RESTRUCTURE = "restructure", _("Restructuring")
        ACCELERATION = "acceleration", _("Acceleration")
        CHARGE_OFF = "charge_off", _("Charge-off")
        WRITE_OFF = "write_off", _("Write-off")
        RECOVERY = "recovery", _("Recovery")
        CANCELLATION = "cancellation", _("Cancellation in the cooling-off period")
        RELIEF = "relief", _("Hardship relief")
        DEATH = "death", _("Death of the customer")
        SALE = "sale", _("Sale of the loan")
        DRAW = "draw", _("Draw")
        LIMIT = "limit", pgettext_lazy("movement", "Limit of the line")
        FREEZE = "freeze", _("Line frozen")
        UNFREEZE = "unfreeze", _("Line given free")
        CLOSURE = "closure", _("Line closed")

    # What changes what is owed without money moving may be of no amount.
    WITHOUT_MONEY = (
        Kind.RESCHEDULE, Kind.RESTRUCTURE, Kind.ACCELERATION, Kind.CHARGE_OFF, Kind.WRITE_OFF, Kind.REVERSAL, Kind.RELIEF, Kind.DEATH,
        Kind.FREEZE, Kind.UNFREEZE, Kind.CLOSURE,
    )  # fmt: skip

    class Channel(models.TextChoices):
        CASH = "cash", _("Cash at the counter")
        TRANSFER = "transfer", _("Bank transfer")
        CARD = "card", _("Card terminal")
        BANK_FILE = "bank_file", _("Bank file")
        API = "api", _("API")

    public_id = PublicIdField(prefix="X")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="transactions", db_index=False)
    kind = models.CharField(max_length=14, choices=Kind)
    amount = MoneyField()
    value_on = models.DateField(help_text="the business date it counts for")
    booked_on = models.DateField(null=True, editable=False, help_text="the business date whose journal sums it; set by the database")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=160, help_text="names the movement: a repeated key is the same movement")
    channel = models.CharField(max_length=9, choices=Channel, blank=True, default="", db_default="", help_text="how the money came")
    reference = models.CharField(max_length=60, blank=True, default="", db_default="", help_text="the bank's or the receipt's number")
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversal")
    details = models.JSONField(default=dict, db_default={}, help_text="what shaped it, see credit/movements.py")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="transaction_key_once", fields=["loan", "key"]),
            models.CheckConstraint(
                name="transaction_moves_money",
                condition=Q(amount__gt=0)
                | Q(
                    amount=0,
                    kind__in=NO_MONEY,
                ),
            ),
            models.CheckConstraint(
                name="transaction_kind_known",
                condition=Q(kind__in=KINDS),
            ),
            models.CheckConstraint(
                name="transaction_reversal_of_one",
                condition=Q(kind="reversal", reverses__isnull=False) | ~Q(kind="reversal") & Q(reverses__isnull=True),
            ),
            models.CheckConstraint(
                name="transaction_channel_known", condition=Q(channel__in=["", "cash", "transfer", "card", "bank_file", "api"])
            ),
        ]
        indexes = [
            # the journal of a business date sums what is entered on it
            models.Index(fields=["booked_on"], name="transaction_booked"),
        ]

    def __str__(self) -> str:
        return self.public_id
