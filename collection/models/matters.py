"""What a customer contests or complains about: each matter has an owner, a deadline by a rule, and an outcome."""

import uuid
from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case, Channel
from credit.models import Loan
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet


class MatterQuerySet(ScopedQuerySet[Any]):
    """Scope: that of the case; with scope *own* those of the cases one works, and what one opened or owns."""

    scope_owner = "opened_by"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(Q(opened_by=user.pk) | Q(owner=user.pk) | Q(case__in=Case.objects.reached_by(user)))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("case", "case__customer", "owner", "opened_by")

    def open(self) -> Self:
        return self.filter(status="open")

    def to_put_right(self) -> Self:
        """Narrow disputes to those that were upheld and still stand in the books."""
        return self.filter(status__in=["upheld", "partly"], corrected_at__isnull=True)


class Matter(models.Model):
    """What disputes and complaints share: who opened it when, who answers for it by when, in which words."""

    PERSON = "case__customer"

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="%(class)ss", db_index=False)
    channel = models.CharField(max_length=8, choices=Channel)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    due_on = models.DateField(help_text="the last day for the answer, by the rule named beside it")
    rule = models.CharField(max_length=60, help_text="the row of the rule book that gave the deadline")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id  # type: ignore[attr-defined,no-any-return]  # each matter has its own prefix

    @property
    def is_open(self) -> bool:
        return self.status == "open"  # type: ignore[attr-defined,no-any-return]

    def is_late(self, today: date) -> bool:
        """Return whether the answer is overdue on `today`."""
        return self.is_open and self.due_on < today


MATTER_COLUMNS = {
    "statement": Column(_("What the customer says, in words"), mask="text"),
    "answer": Column(_("What was answered, in words"), mask="text"),
    "rule": _("Rule that gave the deadline"),
    "due_on": _("Last day for the answer"),
    "opened_on": _("Business date it was opened"),
    "opened_at": _("When it was opened"),
    "decided_on": _("Business date it was decided"),
}
DECIDED = Q(status="open", decided_at__isnull=True, decided_on__isnull=True) | (
    ~Q(status="open") & Q(decided_at__isnull=False, decided_on__isnull=False, decided_by__isnull=False)
)


class Dispute(Matter):
    """What a debtor contests of one loan, and how much of it. Until it is decided, that amount is left out of every demand.

    What is upheld stays left out until it is put right in the books.
    """

    POLICY = Policy(
        owner="collections",
        meaning=_("what debtors contest of their debt"),
        retention=_("5y after the case closed"),
        personal={"statement": "C2", "answer": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            **MATTER_COLUMNS,
            "amount": _("Contested amount, CNY"),
            "upheld_amount": _("Of it, what proved not to be owed, CNY"),
            "corrected_at": _("When it was noted that what was upheld is put right in the books"),
        },
    )

    class Kind(models.TextChoices):
        AMOUNT = "amount", _("The amount is wrong")
        PAID = "paid", _("It was paid already")
        FEE = "fee", _("A fee or penalty is not due")
        NOT_MINE = "not_mine", _("The loan is not the customer's")
        FRAUD = "fraud", _("Somebody else took the loan")
        BUREAU = "bureau", _("The credit report is wrong")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("dispute", "Open")
        UPHELD = "upheld", pgettext_lazy("dispute", "Upheld")
        PARTLY = "partly", pgettext_lazy("dispute", "Partly upheld")
        REJECTED = "rejected", pgettext_lazy("dispute", "Rejected")
        WITHDRAWN = "withdrawn", pgettext_lazy("dispute", "Withdrawn")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.UPHELD, Status.PARTLY, Status.REJECTED, Status.WITHDRAWN},
        Status.UPHELD: set(),
        Status.PARTLY: set(),
        Status.REJECTED: set(),
        Status.WITHDRAWN: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "caution", "upheld": "good", "partly": "info", "rejected": "neutral", "withdrawn": "neutral"}

    public_id = PublicIdField(prefix="DI")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    amount = MoneyField()
    upheld_amount = MoneyField(null=True, blank=True)
    corrected_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    corrected_at = models.DateTimeField(null=True, blank=True)
    statement = SealedTextField("collections.dispute.statement", null=True, blank=True)
    answer = SealedTextField("collections.dispute.answer", null=True, blank=True)

    objects = MatterQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="dispute_one_open_per_loan", fields=["loan"], condition=Q(status="open")),
            models.CheckConstraint(
                name="dispute_status_known", condition=Q(status__in=["open", "upheld", "partly", "rejected", "withdrawn"])
            ),
            models.CheckConstraint(
                name="dispute_kind_known", condition=Q(kind__in=["amount", "paid", "fee", "not_mine", "fraud", "bureau"])
            ),
            models.CheckConstraint(name="dispute_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="dispute_decided_is_whole", condition=DECIDED),
            models.CheckConstraint(
                name="dispute_upheld_within",
                condition=Q(status__in=["open", "withdrawn"], upheld_amount__isnull=True)
                | Q(status="rejected", upheld_amount=0, upheld_amount__isnull=False)
                | Q(status="upheld", upheld_amount=F("amount"), upheld_amount__isnull=False)
                | Q(status="partly", upheld_amount__gt=0, upheld_amount__lt=F("amount"), upheld_amount__isnull=False),
            ),
            models.CheckConstraint(
                name="dispute_corrected_is_whole",
                condition=Q(corrected_at__isnull=True, corrected_by__isnull=True)
                | Q(status__in=["upheld", "partly"], corrected_at__isnull=False, corrected_by__isnull=False),
            ),
        ]
        indexes = [
            # what was upheld and still stands in the books: left out of demands, on the home page of who puts it right
            models.Index(
                fields=["loan"], name="dispute_to_put_right", condition=Q(status__in=["upheld", "partly"], corrected_at__isnull=True)
            ),
            models.Index(fields=["case", "-id"], name="dispute_of_case"),  # the case's page; what holds a customer
            models.Index(fields=["due_on"], name="dispute_open_due", condition=Q(status="open")),  # the clocks
        ]

    @property
    def is_to_put_right(self) -> bool:
        return self.status in (self.Status.UPHELD, self.Status.PARTLY) and self.corrected_at is None


class Complaint(Matter):
    """A complaint about how a debt is collected. Whom it names is kept from the case while it is open, and for good if it is upheld."""

    POLICY = Policy(
        owner="collections",
        meaning=_("complaints about collection"),
        retention=_("5y after the case closed"),
        personal={"statement": "C2", "answer": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            **MATTER_COLUMNS,
            "about": _("Who is complained about; none for the house as a whole"),
            "is_complex": _("Whether the longer deadline holds"),
            "extended": _("Whether senior staff extended the deadline"),
        },
    )

    class Kind(models.TextChoices):
        MANNER = "manner", _("Rude or threatening")
        FREQUENCY = "frequency", _("Too many contacts")
        THIRD_PARTY = "third_party", _("Somebody else was told")
        HOURS = "hours", _("At a forbidden hour")
        DATA = "data", _("Personal data")
        OTHER = "other", pgettext_lazy("complaint", "Something else")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("complaint", "Open")
        UPHELD = "upheld", pgettext_lazy("complaint", "Justified")
        REJECTED = "rejected", pgettext_lazy("complaint", "Not justified")
        WITHDRAWN = "withdrawn", pgettext_lazy("complaint", "Withdrawn")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.UPHELD, Status.REJECTED, Status.WITHDRAWN},
        Status.UPHELD: set(),
        Status.REJECTED: set(),
        Status.WITHDRAWN: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "caution", "upheld": "bad", "rejected": "neutral", "withdrawn": "neutral"}

    public_id = PublicIdField(prefix="CO")
    about = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    is_complex = models.BooleanField(default=False)
    extended = models.BooleanField(default=False)
    statement = SealedTextField("collections.complaint.statement", null=True, blank=True)
    answer = SealedTextField("collections.complaint.answer", null=True, blank=True)

    objects = MatterQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="complaint_status_known", condition=Q(status__in=["open", "upheld", "rejected", "withdrawn"])),
            models.CheckConstraint(
                name="complaint_kind_known", condition=Q(kind__in=["manner", "frequency", "third_party", "hours", "data", "other"])
            ),
            models.CheckConstraint(name="complaint_decided_is_whole", condition=DECIDED),
            models.CheckConstraint(name="complaint_extended_is_complex", condition=Q(extended=False) | Q(is_complex=True)),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="complaint_of_case"),
            models.Index(fields=["due_on"], name="complaint_open_due", condition=Q(status="open")),
            # whom a case is closed to: asked by the queue for one person
            models.Index(fields=["about", "case"], name="complaint_bars", condition=Q(status__in=["open", "upheld"])),
        ]
