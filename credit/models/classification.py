"""What people add to the class of a loan, and the month-end batch they answer for."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.loans import Loan
from credit.models.money import OfLoanQuerySet
from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models import LegalEntity, User


class RiskClass(models.IntegerChoices):
    """The five classes; each graver than the one before."""

    NORMAL = 1, pgettext_lazy("five-class", "Normal")
    SPECIAL_MENTION = 2, pgettext_lazy("five-class", "Special mention")
    SUBSTANDARD = 3, pgettext_lazy("five-class", "Substandard")
    DOUBTFUL = 4, pgettext_lazy("five-class", "Doubtful")
    LOSS = 5, pgettext_lazy("five-class", "Loss")


class ClassMarkQuerySet(OfLoanQuerySet["ClassMark"]):
    def waiting(self) -> Self:
        """Narrow to those that wait for their next person."""
        return self.filter(status__in=[ClassMark.Status.INITIAL, ClassMark.Status.DECIDED])


class ClassMark(models.Model):
    """A floor under the class of a loan: what people found, or that it was restructured. Three people, initial, decide, approve.

    It makes a class worse, never better than the days past due say. It counts from the close of `from_on` up to `until_on`.
    """

    POLICY = Policy(
        owner="credit",
        meaning=_("classes that people set below what the days say"),
        retention=_("with the loan"),
        personal={"note": "C2"},
        level=3,
        kind="C2",
        purposes=("servicing", "compliance"),
        basis="legal_duty",
        lies_open=_("codes and dates; the close of day computes with them in SQL"),
        columns={
            "risk_class": _("Class below which the loan may not be better"),
            "rule_class": _("Class the loan had when this was asked for"),
            "reason": _("Why, from a closed list"),
            "note": Column(_("What the person wrote"), mask="text"),
            "from_on": _("First business date it counts for"),
            "until_on": _("First business date it no longer counts for; empty without an end"),
        },
    )

    class Kind(models.TextChoices):
        QUALITATIVE = "qualitative", _("Found by people")
        RESTRUCTURED = "restructured", _("Restructured, under watch")

    class Reason(models.TextChoices):
        INCOME = "income", _("Income lost")
        FRAUD = "fraud", _("Fraud suspected")
        INSOLVENT = "insolvent", _("Insolvent or sued by others")
        DECEASED = "deceased", _("Borrower deceased")
        ELSEWHERE = "elsewhere", _("In default elsewhere")
        RESTRUCTURED = "restructured", _("Terms changed because of hardship")
        OTHER = "other", pgettext_lazy("class override", "Other, see the note")

    class Status(models.TextChoices):
        INITIAL = "initial", pgettext_lazy("class override", "Initial, waits for a decision")
        DECIDED = "decided", pgettext_lazy("class override", "Decided, waits for approval")
        APPROVED = "approved", pgettext_lazy("class override", "Approved")
        REFUSED = "refused", pgettext_lazy("class override", "Refused")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.INITIAL: {Status.DECIDED, Status.REFUSED},
        Status.DECIDED: {Status.APPROVED, Status.REFUSED},
        Status.APPROVED: set(),
        Status.REFUSED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"initial": "caution", "decided": "info", "approved": "good", "refused": "neutral"}

    public_id = PublicIdField(prefix="CM")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="class_marks")  # the close reads the marks of a range of loans
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.QUALITATIVE)
    risk_class = models.PositiveSmallIntegerField(choices=RiskClass)
    rule_class = models.PositiveSmallIntegerField(choices=RiskClass)
    reason = models.CharField(max_length=12, choices=Reason)
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    note = SealedTextField("credit.classmark.note", null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.INITIAL)
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    PERSON = "loan__customer"  # whose the sealed note is

    objects = ClassMarkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="class_mark_status_known", condition=Q(status__in=["initial", "decided", "approved", "refused"])),
            models.CheckConstraint(name="class_mark_kind_known", condition=Q(kind__in=["qualitative", "restructured"])),
            models.CheckConstraint(name="class_mark_makes_worse", condition=Q(risk_class__gte=2, risk_class__lte=5)),
            models.CheckConstraint(name="class_mark_days_in_order", condition=Q(until_on__isnull=True) | Q(until_on__gt=F("from_on"))),
            models.CheckConstraint(
                name="class_mark_decided_by_another",
                condition=~Q(status__in=["decided", "approved"], kind="qualitative")
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("made_by")),
            ),
            # what restructured a loan was approved as the restructuring
            models.CheckConstraint(
                name="class_mark_approved_by_a_third",
                condition=~Q(status="approved")
                | Q(kind="restructured", from_on__isnull=False)
                | Q(approved_by__isnull=False, from_on__isnull=False) & ~Q(approved_by=F("made_by")) & ~Q(approved_by=F("decided_by")),
            ),
            models.UniqueConstraint(
                name="class_mark_one_waits", fields=["loan"], condition=Q(status__in=["initial", "decided"], kind="qualitative")
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.loan.customer_id


class ClassBatch(models.Model):
    """The classes of a month's end: the close makes it, one person checks it, another decides, a third approves."""

    POLICY = Policy(
        owner="credit",
        meaning=_("month-end classifications and who answers for them"),
        retention=_("10y"),
        level=2,
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "month": _("Last day of the month"),
            "loans": _("How many loans it covers"),
            "worse": _("How many became worse within the month"),
            "better": _("How many became better within the month"),
            "overridden": _("How many are worse than their days say"),
        },
    )

    class Status(models.TextChoices):
        MADE = "made", pgettext_lazy("class batch", "Made by the close, to be checked")
        INITIAL = "initial", pgettext_lazy("class batch", "Checked, waits for a decision")
        DECIDED = "decided", pgettext_lazy("class batch", "Decided, waits for approval")
        APPROVED = "approved", pgettext_lazy("class batch", "Approved")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.MADE: {Status.INITIAL},
        Status.INITIAL: {Status.DECIDED, Status.MADE},
        Status.DECIDED: {Status.APPROVED, Status.MADE},
        Status.APPROVED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"made": "caution", "initial": "info", "decided": "info", "approved": "good"}

    public_id = PublicIdField(prefix="CB")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    status = models.CharField(max_length=8, choices=Status, default=Status.MADE)
    loans = models.PositiveIntegerField(default=0)
    worse = models.PositiveIntegerField(default=0)
    better = models.PositiveIntegerField(default=0)
    overridden = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField()
    checked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="class_batch_once_per_month", fields=["legal_entity", "month"]),
            models.CheckConstraint(name="class_batch_status_known", condition=Q(status__in=["made", "initial", "decided", "approved"])),
            models.CheckConstraint(
                name="class_batch_decided_by_another",
                condition=~Q(status__in=["decided", "approved"])
                | Q(checked_by__isnull=False, decided_by__isnull=False) & ~Q(decided_by=F("checked_by")),
            ),
            models.CheckConstraint(
                name="class_batch_approved_by_a_third",
                condition=~Q(status="approved")
                | Q(approved_by__isnull=False) & ~Q(approved_by=F("checked_by")) & ~Q(approved_by=F("decided_by")),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
