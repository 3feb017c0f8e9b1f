"""The way to court: letters before action, legal actions with their diary and costs."""

import uuid
from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from collection.models.limitation import OfCaseQuerySet
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import ContactAttempt
from governance.fields import SealedTextField
from governance.models import Job, User

ZERO = Decimal("0.00")
LETTER_STATUSES = ["made", "sent", "delivered", "returned", "dropped"]
STAGES = ["proposed", "pre_action", "filed", "accepted", "hearing", "judgment", "enforcement", "ended", "refused"]
OVER = ["ended", "refused"]
COST_KINDS = ["court", "lawyer", "service", "preservation", "enforcement", "travel", "other"]
OUTCOMES = ["paid", "settled", "mediated", "withdrawn", "dismissed", "enforced", "unenforceable"]


class LetterQuerySet(OfCaseQuerySet):
    """Letters of cases."""


class PreActionLetter(models.Model):
    """A last demand before filing: amounts of the ledger on one day, in the words of one version, kept as the very file that went out."""

    POLICY = Policy(
        owner="collections",
        meaning=_("letters before legal action"),
        retention=_("5y after the case closed"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "text_version": _("Version of the words"),
            "as_of": _("Business date of the amounts"),
            "pay_by": _("Day until which payment is asked for"),
            "contested": _("What is contested and therefore not demanded, CNY"),
            "data": _("Amounts by loan as they were demanded; no words about people"),
            "media_type": _("Kind of file"),
            "tracking": _("Number of the courier's or registered letter"),
            "sent_on": _("Business date it was sent"),
            "delivered_on": _("Day it reached the debtor"),
            "returned_on": _("Day it came back"),
        },
    )
    FILE_LABEL = "collections.pre_action_letter.content"

    class Status(models.TextChoices):
        MADE = "made", pgettext_lazy("letter", "Made, not sent")
        SENT = "sent", pgettext_lazy("letter", "Sent")
        DELIVERED = "delivered", pgettext_lazy("letter", "Delivered")
        RETURNED = "returned", pgettext_lazy("letter", "Came back")
        DROPPED = "dropped", pgettext_lazy("letter", "Not sent")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.MADE: {Status.SENT, Status.DROPPED},
        Status.SENT: {Status.DELIVERED, Status.RETURNED},
        Status.DELIVERED: set(),
        Status.RETURNED: set(),
        Status.DROPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"made": "caution", "sent": "info", "delivered": "good", "returned": "bad", "dropped": "neutral"}

    public_id = PublicIdField(prefix="LT")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="letters", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.MADE)
    text_version = models.CharField(max_length=20)
    as_of = models.DateField()
    pay_by = models.DateField()
    amount = MoneyField(help_text="what is demanded")
    contested = MoneyField(default=ZERO)
    data = models.JSONField(default=dict)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=80, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    tracking = models.CharField(max_length=40, blank=True, default="")
    sent_on = models.DateField(null=True, blank=True)
    delivered_on = models.DateField(null=True, blank=True)
    returned_on = models.DateField(null=True, blank=True)
    attempt = models.ForeignKey(ContactAttempt, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField(default=1)

    objects = LetterQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="letter_status_known", condition=Q(status__in=LETTER_STATUSES)),
            models.CheckConstraint(name="letter_demands_something", condition=Q(amount__gt=0, contested__gte=0)),
            models.CheckConstraint(name="letter_paid_after", condition=Q(pay_by__gt=F("as_of"))),
            models.CheckConstraint(
                name="letter_sent_is_counted",
                condition=Q(status__in=["made", "dropped"], sent_on__isnull=True, attempt__isnull=True)
                | Q(status__in=["sent", "delivered", "returned"], sent_on__isnull=False, attempt__isnull=False),
            ),
            models.CheckConstraint(
                name="letter_delivered_has_day",
                condition=Q(status="delivered", delivered_on__isnull=False) | (~Q(status="delivered") & Q(delivered_on__isnull=True)),
            ),
            models.UniqueConstraint(name="letter_one_made_per_case", fields=["case"], condition=Q(status="made")),
        ]
        indexes = [models.Index(fields=["case", "-id"], name="letter_of_case")]

    def __str__(self) -> str:
        return self.public_id


class LegalActionQuerySet(OfCaseQuerySet):
    def for_list(self) -> Self:
        return super().for_list().select_related("proposed_by")

    def open(self) -> Self:
        """Narrow to those that are neither refused nor over."""
        return self.exclude(status__in=OVER)


class LegalAction(models.Model):
    """Taking a debt to court: proposed, decided by authority against its expected recovery, then stage by stage to its end."""

    POLICY = Policy(
        owner="collections",
        meaning=_("legal actions about debts, and what became of them"),
        retention=_("5y after the case closed"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "source": _("Whether a person or a step of treatment proposed it"),
            "claim": _("What is claimed, CNY"),
            "expected": _("What the action is expected to bring, CNY"),
            "cost_forecast": _("What it is expected to cost, CNY"),
            "above": _("Whether the cost lay above what it is expected to bring when it was approved"),
            "court": _("Court or arbitration body"),
            "case_number": _("Number the court gave"),
            "next_what": _("What the next deadline is for"),
            "next_on": _("Day of the next deadline"),
            "proposed_on": _("Business date it was proposed"),
            "filed_on": _("Day it was filed"),
            "judged_on": _("Day the judgment took effect"),
            "ended_on": _("Day it ended"),
        },
    )

    class Status(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("legal", "Waits for a decision")
        PRE_ACTION = "pre_action", pgettext_lazy("legal", "Before action")
        FILED = "filed", pgettext_lazy("legal", "Filed")
        ACCEPTED = "accepted", pgettext_lazy("legal", "Accepted by the court")
        HEARING = "hearing", pgettext_lazy("legal", "Hearing")
        JUDGMENT = "judgment", pgettext_lazy("legal", "Judgment")
        ENFORCEMENT = "enforcement", pgettext_lazy("legal", "Enforcement")
        ENDED = "ended", pgettext_lazy("legal", "Ended")
        REFUSED = "refused", pgettext_lazy("legal", "Not gone on with")

    class Source(models.TextChoices):
        PERSON = "person", pgettext_lazy("legal", "A person")
        TREATMENT = "treatment", pgettext_lazy("legal", "A step of treatment")

    class Outcome(models.TextChoices):
        PAID = "paid", pgettext_lazy("legal", "Paid")
        SETTLED = "settled", pgettext_lazy("legal", "Settled out of court")
        MEDIATED = "mediated", pgettext_lazy("legal", "Mediated by the court")
        WITHDRAWN = "withdrawn", pgettext_lazy("legal", "Withdrawn")
        DISMISSED = "dismissed", pgettext_lazy("legal", "Dismissed")
        ENFORCED = "enforced", pgettext_lazy("legal", "Enforced")
        UNENFORCEABLE = "unenforceable", pgettext_lazy("legal", "Nothing to enforce on")

    class Deadline(models.TextChoices):
        ANSWER = "answer", pgettext_lazy("legal", "Answer to the letter")
        FILE = "file", pgettext_lazy("legal", "File")
        FEE = "fee", pgettext_lazy("legal", "Pay the court's fee")
        EVIDENCE = "evidence", pgettext_lazy("legal", "Hand in evidence")
        HEARING = "hearing", pgettext_lazy("legal", "Hearing")
        APPEAL = "appeal", pgettext_lazy("legal", "End of the time for appeal")
        PERFORM = "perform", pgettext_lazy("legal", "Debtor has to pay by")
        ENFORCE = "enforce", pgettext_lazy("legal", "Apply for enforcement")
        OTHER = "other", pgettext_lazy("legal", "Another deadline")

    AT_COURT = (Status.FILED, Status.ACCEPTED, Status.HEARING, Status.JUDGMENT, Status.ENFORCEMENT)
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PROPOSED: {Status.PRE_ACTION, Status.REFUSED},
        Status.PRE_ACTION: {Status.FILED, Status.ENDED},
        Status.FILED: {Status.ACCEPTED, Status.ENDED},
        Status.ACCEPTED: {Status.HEARING, Status.JUDGMENT, Status.ENDED},
        Status.HEARING: {Status.JUDGMENT, Status.ENDED},
        Status.JUDGMENT: {Status.ENFORCEMENT, Status.ENDED},
        Status.ENFORCEMENT: {Status.ENDED},
        Status.ENDED: set(),
        Status.REFUSED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "proposed": "caution", "pre_action": "info", "filed": "info", "accepted": "info", "hearing": "info", "judgment": "good",
        "enforcement": "info", "ended": "neutral", "refused": "neutral",
    }  # fmt: skip

    public_id = PublicIdField(prefix="LG")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="legal_actions", db_index=False)
    status = models.CharField(max_length=11, choices=Status, default=Status.PROPOSED)
    source = models.CharField(max_length=9, choices=Source, default=Source.PERSON)
    claim = MoneyField()
    expected = MoneyField()
    cost_forecast = MoneyField()
    above = models.BooleanField(default=False)
    court = models.CharField(max_length=80, blank=True, default="")
    case_number = models.CharField(max_length=60, blank=True, default="")
    next_what = models.CharField(max_length=8, choices=Deadline, blank=True, default="")
    next_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=13, choices=Outcome, blank=True, default="")
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField()
    proposed_on = models.DateField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    filed_on = models.DateField(null=True, blank=True)
    judged_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = LegalActionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="legal_one_open_per_case", fields=["case"], condition=~Q(status__in=["ended", "refused"])),
            models.CheckConstraint(name="legal_status_known", condition=Q(status__in=STAGES)),
            models.CheckConstraint(name="legal_claims_something", condition=Q(claim__gt=0, expected__gte=0, cost_forecast__gte=0)),
            models.CheckConstraint(name="legal_four_eyes", condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by"))),
            models.CheckConstraint(name="legal_decided_is_whole", condition=Q(status="proposed") | Q(decided_at__isnull=False)),
            models.CheckConstraint(
                name="legal_ended_says_how",
                condition=Q(status="ended", outcome__in=OUTCOMES, ended_on__isnull=False) | (~Q(status="ended") & Q(outcome="")),
            ),
            models.CheckConstraint(
                name="legal_at_court_was_filed",
                condition=~Q(status__in=["filed", "accepted", "hearing", "judgment", "enforcement"]) | Q(filed_on__isnull=False),
            ),
            models.CheckConstraint(
                name="legal_deadline_is_whole",
                condition=Q(next_what="", next_on__isnull=True) | (~Q(next_what="") & Q(next_on__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="legal_of_case"),
            models.Index(fields=["next_on"], name="legal_next", condition=Q(next_on__isnull=False)),  # whose day has come
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status not in OVER

    @property
    def at_court(self) -> bool:
        return self.status in self.AT_COURT


class LegalDiary(models.Model):
    """One line of the diary of a legal action: the stage it reached or what happened in it. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("diaries of legal actions"),
        retention=_("with the case"),
        personal={"note": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "stage": _("Stage of the action then"),
            "on": _("Day it happened"),
            "note": Column(_("What happened, in words"), mask="text"),
            "court": _("Court or arbitration body"),
            "case_number": _("Number the court gave"),
            "next_what": _("What the next deadline is for"),
            "next_on": _("Day of the next deadline"),
        },
    )
    PERSON = "action__case__customer"

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    action = models.ForeignKey(LegalAction, on_delete=models.PROTECT, related_name="diary", db_index=False)
    stage = models.CharField(max_length=11, choices=LegalAction.Status)
    on = models.DateField()
    court = models.CharField(max_length=80, blank=True, default="")
    case_number = models.CharField(max_length=60, blank=True, default="")
    next_what = models.CharField(max_length=8, choices=LegalAction.Deadline, blank=True, default="")
    next_on = models.DateField(null=True, blank=True)
    note = SealedTextField("collections.legaldiary.note", null=True, blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="legal_diary_stage_known", condition=Q(stage__in=STAGES))]
        indexes = [models.Index(fields=["action", "-id"], name="legal_diary_of_action")]

    def __str__(self) -> str:
        return f"{self.action_id} {self.stage}"


class LegalCost(models.Model):
    """One cost of a legal action. Insert-only: a mistake is taken back by a row that reverses it."""

    POLICY = Policy(
        owner="collections",
        meaning=_("costs of legal actions"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={"on": _("Day it was incurred")},
    )

    class Kind(models.TextChoices):
        COURT = "court", _("Court's fee")
        LAWYER = "lawyer", _("Lawyer")
        SERVICE = "service", _("Service of papers")
        PRESERVATION = "preservation", _("Preservation of assets")
        ENFORCEMENT = "enforcement", _("Enforcement")
        TRAVEL = "travel", pgettext_lazy("legal cost", "Travel")
        OTHER = "other", pgettext_lazy("legal cost", "Other")

    public_id = PublicIdField(prefix="LC")
    action = models.ForeignKey(LegalAction, on_delete=models.PROTECT, related_name="costs", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    amount = MoneyField()
    on = models.DateField()
    reference = models.CharField(max_length=60, blank=True, default="")
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversal")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="legal_cost_kind_known", condition=Q(kind__in=COST_KINDS)),
            models.CheckConstraint(
                name="legal_cost_of_something",
                condition=Q(amount__gt=0, reverses__isnull=True) | Q(amount__lt=0, reverses__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["action", "id"], name="legal_cost_of_action")]

    def __str__(self) -> str:
        return self.public_id


class FilingPack(models.Model):
    """What a court needs of one action, in one sealed file that a job makes; the index names each part with its hash."""

    POLICY = Policy(
        owner="collections",
        meaning=_("filing packs of legal actions"),
        retention=_("with the case"),
        personal={"reason": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "reason": Column(_("What it is needed for, in words"), mask="text"),
            "index": _("Parts of the file with their size and hash"),
            "media_type": _("Kind of file"),
            "file_key": _("What the sealed file is bound to"),
        },
    )
    PERSON = "action__case__customer"
    FILE_LABEL = "collections.filing_pack.content"

    public_id = PublicIdField(prefix="FP")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    action = models.ForeignKey(LegalAction, on_delete=models.PROTECT, related_name="packs", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = SealedTextField("collections.filingpack.reason")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True, blank=True)
    media_type = models.CharField(max_length=40, blank=True, default="")
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    storage_key = models.CharField(max_length=80, unique=True, null=True)
    file_key = models.UUIDField(null=True, editable=False, help_text="what the sealed file is bound to; `seal_key` binds the reason")
    index = models.JSONField(default=list)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="pack_made_is_whole",
                condition=Q(made_at__isnull=True, storage_key__isnull=True)
                | Q(made_at__isnull=False, storage_key__isnull=False, size__gt=0),
            )
        ]
        indexes = [models.Index(fields=["action", "-id"], name="pack_of_action")]

    def __str__(self) -> str:
        return self.public_id
