"""What underwriting keeps beside the application: papers asked for, conditions, proposals, counter-offers, verified facts."""

import uuid
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.applications import Application
from credit.models.common import CreditQuerySet
from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Document
from governance.fields import SealedTextField
from governance.models import User


class OfApplication(CreditQuerySet[Any]):
    """Rows that are seen by whoever sees their application."""

    scope_owner = "application__owner"
    scope_team = "application__branch"
    scope_product = "application__product__code"
    scope_customer = "application__customer"

    def of_entity(self, user: Any) -> Self:
        return self.filter(application__legal_entity=user.team.legal_entity_id) if user.team_id else self


class ConditionKind(models.TextChoices):
    """The conditions an approval may carry, by name."""

    ORIGINALS = "originals", _("Originals of the papers seen")
    EMPLOYER = "employer", _("Employer confirmed by telephone")
    GUARANTOR = "guarantor", _("Guarantor has signed")
    SETTLE = "settle", _("Another debt settled first")
    ADDRESS = "address", _("Address confirmed")
    SALARY = "salary", _("Salary is paid into the account for collection")
    OTHER = "other", pgettext_lazy("condition", "Another condition")


class PaperRequest(models.Model):
    """What the applicant was asked for, with a clock; while it is open the underwriter's clock stands still."""

    POLICY = Policy(
        owner="credit",
        meaning=_("papers asked of an applicant"),
        retention=_("with the application"),
        personal={"words": "C2"},
        level=2,
        kind="C1",
        purposes=("underwriting",),
        basis="contract",
        columns={
            "words": Column(_("What is asked for, in words"), mask="text"),
            "final_on": _("Day after which the application lapses"),
            "clock_left": _("Seconds the decision clock had left when it stopped"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("papers", "Asked for")
        ANSWERED = "answered", pgettext_lazy("papers", "All there")
        ENDED = "ended", pgettext_lazy("papers", "No longer needed")
        EXPIRED = "expired", _("Expired")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.ANSWERED, Status.ENDED, Status.EXPIRED},
        Status.ANSWERED: set(),
        Status.ENDED: set(),
        Status.EXPIRED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "caution", "answered": "good"}

    PERSON = "application__customer"

    public_id = PublicIdField(prefix="PR")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="paper_requests")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    words = SealedTextField("credit.paperrequest.words", null=True, blank=True, help_text="what the applicant is told beside the list")
    due_on = models.DateField(help_text="the last day before the reminder")
    final_on = models.DateField(null=True, blank=True, help_text="the last day of all, set by the reminder")
    clock_left = models.IntegerField(default=0, help_text="seconds the underwriter had left when it was asked; below 0 when late")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfApplication.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="paper_request_one_open", fields=["application"], condition=Q(status="open")),
            models.CheckConstraint(name="paper_request_status_known", condition=Q(status__in=["open", "answered", "ended", "expired"])),
            models.CheckConstraint(
                name="paper_request_reminded_has_last_day", condition=Q(reminded_at__isnull=True) | Q(final_on__isnull=False)
            ),
        ]
        indexes = [
            # the daily clock: what is overdue among the open ones
            models.Index(fields=["due_on"], name="paper_request_clock", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.application.customer_id

    @property
    def last_day(self) -> Any:
        return self.final_on or self.due_on


class Paper(models.Model):
    """One paper of a request, and the document that answers it."""

    POLICY = Policy(
        owner="credit",
        meaning=_("papers asked of an applicant, one by one"),
        retention=_("with the application"),
        level=2,
        kind="C1",
        purposes=("underwriting",),
        basis="contract",
    )

    request = models.ForeignKey(PaperRequest, on_delete=models.PROTECT, related_name="papers", db_index=False)
    kind = models.CharField(max_length=20, choices=Document.Kind)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="paper_once_per_request", fields=["request", "kind"]),
            models.CheckConstraint(name="paper_answered_has_document", condition=Q(answered_at__isnull=True) | Q(document__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}/{self.kind}"


class Condition(models.Model):
    """What has to be shown before an approved application's offer can be accepted."""

    POLICY = Policy(
        owner="credit",
        meaning=_("conditions of an approval"),
        retention=_("with the application"),
        personal={"words": "C2", "evidence": "C2"},
        level=2,
        kind="C1",
        purposes=("underwriting",),
        basis="contract",
        columns={
            "words": Column(_("The condition in words"), mask="text"),
            "evidence": Column(_("How it was met, in words"), mask="text"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("condition", "Open")
        CLEARED = "cleared", pgettext_lazy("condition", "Cleared")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.OPEN: {Status.CLEARED}, Status.CLEARED: set()}
    TONES: ClassVar[dict[str, str]] = {"open": "caution", "cleared": "good"}

    PERSON = "application__customer"

    public_id = PublicIdField(prefix="CN")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="conditions")
    kind = models.CharField(max_length=20, choices=ConditionKind)
    words = SealedTextField("credit.condition.words", null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    evidence = SealedTextField("credit.condition.evidence", null=True, blank=True, help_text="what was seen or heard, from whom")
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cleared_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cleared_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfApplication.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="condition_status_known", condition=Q(status__in=["open", "cleared"])),
            models.CheckConstraint(
                name="condition_cleared_has_evidence",
                condition=~Q(status="cleared") | Q(cleared_by__isnull=False, cleared_at__isnull=False, evidence__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.application.customer_id


class Proposal(models.Model):
    """What one underwriter proposes and a second one, with enough authority, confirms or returns."""

    POLICY = Policy(
        owner="credit",
        meaning=_("decisions that needed a second person"),
        retention=_("with the application"),
        personal={"note": "C2", "condition_words": "C2", "answer": "C2"},
        level=3,
        kind="C2",
        purposes=("underwriting", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "condition_words": Column(_("Conditions in words"), mask="text"),
            "note": Column(_("Why it is proposed"), mask="text"),
            "answer": Column(_("What the second person said"), mask="text"),
        },
    )

    class Kind(models.TextChoices):
        APPROVE = "approve", _("Approve")
        COUNTER = "counter", _("Counter-offer")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("proposal", "Waits for a second person")
        CONFIRMED = "confirmed", pgettext_lazy("proposal", "Confirmed")
        RETURNED = "returned", pgettext_lazy("proposal", "Returned")
        ENDED = "ended", pgettext_lazy("proposal", "Ended")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.CONFIRMED, Status.RETURNED, Status.ENDED},
        Status.CONFIRMED: set(),
        Status.RETURNED: set(),
        Status.ENDED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "info", "confirmed": "good", "returned": "caution"}

    PERSON = "application__customer"

    public_id = PublicIdField(prefix="V")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="proposals")
    kind = models.CharField(max_length=8, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    amount = MoneyField()
    term = models.PositiveSmallIntegerField(help_text="months")
    conditions = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    condition_words = SealedTextField("credit.proposal.condition_words", null=True, blank=True)
    note = SealedTextField("credit.proposal.note", null=True, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    answer = SealedTextField("credit.proposal.answer", null=True, blank=True, help_text="the second person's words")
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfApplication.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="proposal_one_open", fields=["application"], condition=Q(status="open")),
            models.CheckConstraint(name="proposal_status_known", condition=Q(status__in=["open", "confirmed", "returned", "ended"])),
            models.CheckConstraint(name="proposal_of_something", condition=Q(amount__gt=0, term__gt=0)),
            models.CheckConstraint(
                name="proposal_confirmed_by_another",
                condition=~Q(status__in=["confirmed", "returned"]) | (Q(answered_by__isnull=False) & ~Q(answered_by=F("made_by"))),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.application.customer_id


class CounterOffer(models.Model):
    """Less, or over another time, than was asked: the applicant has to agree before it becomes an approval."""

    POLICY = Policy(
        owner="credit",
        meaning=_("terms offered instead of those asked for"),
        retention=_("with the application"),
        personal={"condition_words": "C2"},
        level=3,
        kind="C2",
        purposes=("underwriting",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "condition_words": Column(_("Conditions in words"), mask="text"),
            "way": _("How the applicant answered"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("counter-offer", "Waits for the applicant")
        AGREED = "agreed", pgettext_lazy("counter-offer", "Agreed")
        REFUSED = "refused", pgettext_lazy("counter-offer", "Refused")
        ENDED = "ended", pgettext_lazy("counter-offer", "Ended")

    class Way(models.TextChoices):
        PRESENT = "present", _("at the counter")
        PHONE = "phone", _("by telephone")
        WRITTEN = "written", _("in writing")
        ONLINE = "online", _("online")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.AGREED, Status.REFUSED, Status.ENDED},
        Status.AGREED: set(),
        Status.REFUSED: set(),
        Status.ENDED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"open": "info", "agreed": "good", "refused": "neutral"}

    PERSON = "application__customer"

    public_id = PublicIdField(prefix="G")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="counter_offers")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    amount = MoneyField()
    term = models.PositiveSmallIntegerField(help_text="months")
    annual_rate = RateField()
    conditions = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    condition_words = SealedTextField("credit.counteroffer.condition_words", null=True, blank=True)
    due_on = models.DateField(help_text="the last day it can be agreed to")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    way = models.CharField(max_length=8, choices=Way, blank=True, default="")
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfApplication.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="counter_offer_one_open", fields=["application"], condition=Q(status="open")),
            models.CheckConstraint(name="counter_offer_status_known", condition=Q(status__in=["open", "agreed", "refused", "ended"])),
            models.CheckConstraint(name="counter_offer_of_something", condition=Q(amount__gt=0, term__gt=0, annual_rate__gte=0)),
        ]
        indexes = [
            # the daily expiry of what nobody answered
            models.Index(fields=["due_on"], name="counter_offer_clock", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.application.customer_id


class VerifiedFact(models.Model):
    """What a member of staff found out about one stated fact, from what, as of when. The latest row of a name counts."""

    POLICY = Policy(
        owner="credit",
        meaning=_("stated facts checked by staff"),
        retention=_("with the application"),
        personal={"value": "C2"},
        open_fields={"value": _("compared with what was stated and with the decision's facts; carries no identifier")},
        level=3,
        kind="C2",
        purposes=("underwriting",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "name": _("Which stated fact was checked"),
            "value": Column(_("What was found"), mask="none"),
            "source": _("What it was checked against"),
            "as_of": _("Day the source speaks of"),
        },
    )

    class Source(models.TextChoices):
        PAYSLIP = "payslip", _("Payslip")
        STATEMENT = "statement", _("Bank statement")
        TAX = "tax", _("Tax record")
        EMPLOYER = "employer", _("Employer, by telephone")
        REGISTER = "register", _("Public register")
        VISIT = "visit", _("Visit")
        OTHER = "other", pgettext_lazy("source", "Another source")

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="verified", db_index=False)
    name = models.CharField(max_length=40, help_text="name of the risk fact")
    value = models.JSONField(help_text="amounts as text, so that they stay exact")
    source = models.CharField(max_length=10, choices=Source)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField()
    verified_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verified_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["application", "name", "-id"], name="verified_fact_latest"),  # the file: the latest of each name
        ]

    def __str__(self) -> str:
        return f"{self.application_id}/{self.name}"
