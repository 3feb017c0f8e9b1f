"""Quality of contacts: the form in versions, reviews of single contacts, and contacts whose words raised a flag."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.contacts import Contact
from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

FLAG_KINDS = ["threat", "insult", "third_party", "complaint"]


class QualityForm(models.Model):
    """One version of the questions a contact is scored by. A version that was used is not edited."""

    POLICY = Policy(
        owner="collections",
        meaning=_("versions of the form that contacts are scored by"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Number of the version"),
            "questions": _("The questions with their weights, in both languages"),
            "why": _("What the change is for"),
        },
    )

    number = models.PositiveIntegerField(unique=True)
    questions = models.JSONField()
    why = models.CharField(max_length=200, blank=True, default="")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"v{self.number}"


class OfContactQuerySet(ScopedQuerySet[Any]):
    """Scope: that of the contact's case; with scope *own* what is about oneself."""

    scope_owner = "contact__actor"
    scope_team = "contact__case__branch"
    scope_customer = "contact__case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(contact__actor=user.pk)
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(contact__case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        return self.select_related("contact__case__customer", "contact__actor")


class QualityReviewQuerySet(OfContactQuerySet):
    def for_list(self) -> Self:
        return super().for_list().select_related("reviewer", "form")


class QualityReview(models.Model):
    """One contact looked at: drawn by chance or for its words, scored by the form, answered by who made it; a second scoring calibrates."""

    POLICY = Policy(
        owner="collections",
        meaning=_("scores of contacts, and what collectors replied"),
        retention=_("3y"),
        personal={"note": "C2", "reply": "C2", "answer": "C2"},
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "round": _("First scoring, or a second one to calibrate"),
            "drawn": _("Why it was drawn"),
            "seed": _("What the sample was drawn with"),
            "answers": _("The answer to each question"),
            "score": _("Score, 0 to 100"),
            "failed": _("Whether a question that may not fail did"),
            "note": Column(_("What the reviewer noted, in words"), mask="text"),
            "reply": Column(_("What the collector replied, in words"), mask="text"),
            "answer": Column(_("What was answered, in words"), mask="text"),
            "scored_at": _("When it was scored"),
            "replied_at": _("When the collector replied"),
        },
    )
    PERSON = "contact__case__customer"

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("quality", "To be scored")
        SCORED = "scored", pgettext_lazy("quality", "Scored")
        REPLIED = "replied", pgettext_lazy("quality", "Collector replied")
        CLOSED = "closed", pgettext_lazy("quality", "Settled")

    class Drawn(models.TextChoices):
        CHANCE = "chance", pgettext_lazy("quality", "By chance")
        FLAG = "flag", pgettext_lazy("quality", "For its words")
        SECOND = "second", pgettext_lazy("quality", "Second scoring")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.WAITING: {Status.SCORED},
        Status.SCORED: {Status.REPLIED},
        Status.REPLIED: {Status.CLOSED},
        Status.CLOSED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"waiting": "info", "scored": "good", "replied": "caution", "closed": "neutral"}

    public_id = PublicIdField(prefix="QR")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    round = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    drawn = models.CharField(max_length=8, choices=Drawn)
    seed = models.CharField(max_length=40, blank=True, default="")
    form = models.ForeignKey(QualityForm, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    answers = models.JSONField(default=dict)
    score = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    failed = models.BooleanField(default=False)
    note = SealedTextField("collections.qualityreview.note", null=True, blank=True)
    reply = SealedTextField("collections.qualityreview.reply", null=True, blank=True)
    answer = SealedTextField("collections.qualityreview.answer", null=True, blank=True)
    drawn_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    drawn_at = models.DateTimeField()
    reviewer = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    scored_at = models.DateTimeField(null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)

    objects = QualityReviewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="quality_review_once_a_round", fields=["contact", "round"]),
            models.CheckConstraint(name="quality_review_status_known", condition=Q(status__in=["waiting", "scored", "replied", "closed"])),
            models.CheckConstraint(
                name="quality_review_scored_is_whole",
                condition=Q(status="waiting", score__isnull=True)
                | Q(
                    ~Q(status="waiting"),
                    score__gte=0,
                    score__lte=Decimal(100),
                    score__isnull=False,
                    reviewer__isnull=False,
                    form__isnull=False,
                ),
            ),
            models.CheckConstraint(name="quality_review_round_known", condition=Q(round__in=[1, 2])),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="quality_review_by_status")]

    def __str__(self) -> str:
        return self.public_id


class ContactFlag(models.Model):
    """Words of one kind that stood in the note or the transcript of a contact. The words stay there; this says where to look."""

    POLICY = Policy(
        owner="collections",
        meaning=_("contacts whose words raised a flag"),
        retention=_("3y"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        columns={
            "kind": _("Kind of words"),
            "number": _("How many words of the kind stood there"),
            "where": _("In the note or in the transcript"),
            "outcome": _("What the look at it found"),
            "found_at": _("When the words were found"),
            "settled_at": _("When it was looked at"),
        },
    )

    class Kind(models.TextChoices):
        THREAT = "threat", pgettext_lazy("words", "Threat")
        INSULT = "insult", pgettext_lazy("words", "Insult")
        THIRD_PARTY = "third_party", pgettext_lazy("words", "Told to a third party")
        COMPLAINT = "complaint", pgettext_lazy("words", "Complaint")

    class Where(models.TextChoices):
        NOTE = "note", pgettext_lazy("words", "Note")
        TRANSCRIPT = "transcript", pgettext_lazy("words", "Transcript")

    class Result(models.TextChoices):
        OPEN = "open", pgettext_lazy("flag", "To be looked at")
        CONFIRMED = "confirmed", pgettext_lazy("flag", "Confirmed")
        HARMLESS = "harmless", pgettext_lazy("flag", "Harmless")

    public_id = PublicIdField(prefix="CF")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="flags", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    where = models.CharField(max_length=10, choices=Where)
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=10, choices=Result, default=Result.OPEN)
    found_at = models.DateTimeField()
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = OfContactQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="contact_flag_once", fields=["contact", "kind", "where"]),
            models.CheckConstraint(name="contact_flag_kind_known", condition=Q(kind__in=FLAG_KINDS)),
            models.CheckConstraint(
                name="contact_flag_settled_is_whole",
                condition=Q(outcome="open", settled_by__isnull=True, settled_at__isnull=True)
                | Q(outcome__in=["confirmed", "harmless"], settled_by__isnull=False, settled_at__isnull=False),
            ),
            models.CheckConstraint(name="contact_flag_of_something", condition=Q(number__gt=0)),
        ]
        indexes = [models.Index(fields=["-id"], name="contact_flag_open", condition=Q(outcome="open"))]

    def __str__(self) -> str:
        return self.public_id
