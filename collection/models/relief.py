"""Relief: what a customer in hardship shows and is given, who needs special care, and settlements for less than is owed."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.matters import MatterQuerySet
from credit.act_builds import Evidence
from credit.models import Loan
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.money import total
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Customer
from governance.fields import SealedTextField
from governance.models import ChangeRequest, User
from governance.scope import ScopedQuerySet

ZERO = Decimal("0.00")


class HardshipQuerySet(MatterQuerySet):
    def open(self) -> Self:
        return self.filter(status__in=Hardship.OPEN)


class Hardship(models.Model):
    """A customer's request for relief: why, what comes in and goes out a month, what shows it. An unfinished form is kept as it is."""

    POLICY = Policy(
        owner="collections",
        meaning=_("requests for relief in hardship"),
        retention=_("5y after the case closed"),
        personal={"words": "C2", "answer": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            "cause": _("What the hardship comes from"),
            "words": Column(_("What happened, in words"), mask="text"),
            "answer": Column(_("What was answered, in words"), mask="text"),
            "opened_on": _("Business date it was opened"),
            "opened_at": _("When it was opened"),
            "decided_on": _("Business date it was decided"),
        },
    )
    PERSON = "case__customer"

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("hardship", "Form not finished")
        ASSESSED = "assessed", pgettext_lazy("hardship", "Looked at")
        GRANTED = "granted", pgettext_lazy("hardship", "Relief given")
        REFUSED = "refused", pgettext_lazy("hardship", "No relief")
        WITHDRAWN = "withdrawn", pgettext_lazy("hardship", "Withdrawn")

    OPEN: ClassVar[tuple[str, ...]] = (Status.DRAFT, Status.ASSESSED)
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.ASSESSED, Status.WITHDRAWN},
        Status.ASSESSED: {Status.DRAFT, Status.GRANTED, Status.REFUSED, Status.WITHDRAWN},
        Status.GRANTED: set(),
        Status.REFUSED: set(),
        Status.WITHDRAWN: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "draft": "info",
        "assessed": "caution",
        "granted": "good",
        "refused": "neutral",
        "withdrawn": "neutral",
    }

    public_id = PublicIdField(prefix="HR")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="hardships", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    cause = models.CharField(max_length=8, choices=Evidence)
    words = SealedTextField("collections.hardship.words", null=True, blank=True)
    answer = SealedTextField("collections.hardship.answer", null=True, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = HardshipQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="hardship_one_open_per_case", fields=["case"], condition=Q(status__in=["draft", "assessed"])),
            models.CheckConstraint(
                name="hardship_status_known", condition=Q(status__in=["draft", "assessed", "granted", "refused", "withdrawn"])
            ),
            models.CheckConstraint(
                name="hardship_decided_is_whole",
                condition=Q(status__in=["draft", "assessed"], decided_at__isnull=True, decided_on__isnull=True)
                | (~Q(status__in=["draft", "assessed"]) & Q(decided_at__isnull=False, decided_on__isnull=False)),
            ),
        ]
        indexes = [models.Index(fields=["case", "-id"], name="hardship_of_case")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    def sums(self) -> tuple[Decimal, Decimal]:
        """Return what comes in and what goes out a month, as far as the form is filled in."""
        rows = list(self.lines.all())
        return tuple(total([row.amount for row in rows if row.side == side]) for side in ("in", "out"))  # type: ignore[return-value]

    @property
    def surplus(self) -> Decimal:
        """What is left of a month: never typed, always computed; below zero where more goes out than comes in."""
        comes_in, goes_out = self.sums()
        return comes_in - goes_out


class BudgetLine(models.Model):
    """One line of the income and expense form: a monthly amount."""

    POLICY = Policy(
        owner="collections",
        meaning=_("monthly income and expenses of who asked for relief"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="consent",
        lies_open=SUMMED,
        columns={"side": _("Whether it comes in or goes out"), "item": _("What it is, from a closed list")},
    )

    class Side(models.TextChoices):
        IN = "in", pgettext_lazy("budget", "Comes in")
        OUT = "out", pgettext_lazy("budget", "Goes out")

    class Item(models.TextChoices):
        WAGE = "wage", _("Wage")
        FAMILY = "family", _("From the family")
        BENEFIT = "benefit", _("Benefit or pension")
        OTHER_IN = "other_in", _("Other income")
        HOUSING = "housing", _("Rent or mortgage")
        FOOD = "food", _("Food and household")
        HEALTH = "health", _("Health")
        SCHOOL = "school", _("Children and school")
        TRANSPORT = "transport", _("Transport and telephone")
        DEBTS = "debts", _("Instalments of other debts")
        OTHER_OUT = "other_out", _("Other expenses")

    SIDES: ClassVar[dict[str, str]] = {item: "in" if item in ("wage", "family", "benefit", "other_in") else "out" for item in Item.values}

    hardship = models.ForeignKey(Hardship, on_delete=models.CASCADE, related_name="lines", db_index=False)
    side = models.CharField(max_length=3, choices=Side)
    item = models.CharField(max_length=9, choices=Item)
    amount = MoneyField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="budget_line_once", fields=["hardship", "item"]),
            models.CheckConstraint(name="budget_line_not_negative", condition=Q(amount__gte=0)),
            models.CheckConstraint(name="budget_line_side_known", condition=Q(side__in=["in", "out"])),
        ]

    def __str__(self) -> str:
        return f"{self.hardship_id} {self.item}"


class HardshipPaper(models.Model):
    """A file that shows the hardship. Its content lies sealed in the storage."""

    POLICY = Policy(
        owner="collections",
        meaning=_("papers that show a hardship"),
        retention=_("with the case"),
        level=3,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="consent",
        lies_open=SUMMED,
        columns={"media_type": _("Kind of file")},
    )
    FILE_LABEL = "collections.hardship_paper.content"

    public_id = PublicIdField(prefix="HE")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    hardship = models.ForeignKey(Hardship, on_delete=models.PROTECT, related_name="papers", db_index=False)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=80, unique=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="hardship_paper_once", fields=["hardship", "sha256"])]

    def __str__(self) -> str:
        return self.public_id


class ReliefPlan(models.Model):
    """One easing of one loan: proposed with its consequences, approved by authority, put on the loan by credit's door, then followed."""

    POLICY = Policy(
        owner="collections",
        meaning=_("plans that ease a debt in hardship, and whether they were kept"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "data": _("What was chosen for the act on the loan"),
            "given_up": _("What the lender gives up by it, CNY"),
            "months": _("How many months it reaches"),
            "seen": _("Consequences as they were shown before approval"),
            "starts_on": _("First day it counts for"),
            "until": _("Last day it is followed"),
            "proposed_at": _("When it was proposed"),
            "ended_on": _("Business date it ended"),
        },
    )

    class Kind(models.TextChoices):
        EXTENSION = "extension", _("More time: further instalments")
        LOWER = "lower", _("Lower instalments for a while")
        RATE = "rate", _("Lower rate from now on")
        WAIVE = "waive", _("Interest or penalty owed is waived")

    class Status(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("relief plan", "Waits for approval")
        APPROVED = "approved", pgettext_lazy("relief plan", "Waits for the loan desk")
        RUNNING = "running", pgettext_lazy("relief plan", "Running")
        KEPT = "kept", pgettext_lazy("relief plan", "Kept")
        BROKEN = "broken", pgettext_lazy("relief plan", "Broken")
        REFUSED = "refused", pgettext_lazy("relief plan", "Refused")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PROPOSED: {Status.APPROVED, Status.RUNNING, Status.REFUSED},
        Status.APPROVED: {Status.RUNNING, Status.REFUSED},
        Status.RUNNING: {Status.KEPT, Status.BROKEN},
        Status.KEPT: set(),
        Status.BROKEN: set(),
        Status.REFUSED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "proposed": "caution", "approved": "caution", "running": "info", "kept": "good", "broken": "bad", "refused": "neutral",
    }  # fmt: skip

    public_id = PublicIdField(prefix="HP")
    hardship = models.ForeignKey(Hardship, on_delete=models.PROTECT, related_name="plans", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    status = models.CharField(max_length=8, choices=Status, default=Status.PROPOSED)
    data = models.JSONField()
    given_up = MoneyField(default=ZERO)
    months = models.PositiveSmallIntegerField(default=0)
    seen = models.JSONField(default=dict)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_at = models.DateTimeField(null=True, blank=True)
    change = models.ForeignKey(ChangeRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    starts_on = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="relief_plan_one_under_way", fields=["loan"], condition=Q(status__in=["proposed", "approved", "running"])
            ),
            models.CheckConstraint(
                name="relief_plan_status_known",
                condition=Q(status__in=["proposed", "approved", "running", "kept", "broken", "refused"]),
            ),
            models.CheckConstraint(name="relief_plan_four_eyes", condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by"))),
            models.CheckConstraint(name="relief_plan_gives_nothing_back", condition=Q(given_up__gte=0)),
        ]
        indexes = [models.Index(fields=["until"], name="relief_plan_followed", condition=Q(status="running"))]

    def __str__(self) -> str:
        return self.public_id


class CareQuerySet(ScopedQuerySet["CareFlag"]):
    scope_owner = "flagged_by"
    scope_team = "customer__branch"

    def of_entity(self, user: Any) -> Self:
        return self.filter(customer__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def open(self) -> Self:
        return self.filter(ended_at__isnull=True)


class CareFlag(models.Model):
    """That a person needs special care, and what follows for whoever speaks with them. Why it is so in detail is not kept."""

    POLICY = Policy(
        owner="collections",
        meaning=_("who needs special care, and how to treat them"),
        retention=_("until it ended"),
        personal={"needs": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="consent",
        lies_open=SUMMED,
        columns={
            "needs": Column(_("How to treat the person, in words; no diagnosis"), mask="text"),
            "consented": _("Whether the person agreed that this is kept"),
            "review_on": _("Day it is looked at again"),
            "since": _("When it was noted"),
        },
    )
    PERSON = "customer"

    class Kind(models.TextChoices):
        HEALTH = "health", _("Health")
        LIFE = "life", _("A blow in life")
        MEANS = "means", _("No means to live on")
        ABILITY = "ability", _("Needs help to understand")

    public_id = PublicIdField(prefix="VF")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind)
    needs = SealedTextField("collections.careflag.needs")
    consented = models.BooleanField(default=False)
    since = models.DateTimeField()
    review_on = models.DateField()
    flagged_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CareQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="care_one_open", fields=["customer"], condition=Q(ended_at__isnull=True)),
            models.CheckConstraint(name="care_kind_known", condition=Q(kind__in=["health", "life", "means", "ability"])),
            models.CheckConstraint(name="care_health_by_consent", condition=~Q(kind="health") | Q(consented=True)),
        ]

    def __str__(self) -> str:
        return self.public_id
