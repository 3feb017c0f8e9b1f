"""What happens to people's rights over time: delegation, breaking the glass, a leaver's work handed on."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models.identity import Role, User
from governance.models.records import Job


class Offboarding(models.Model):
    """A leaver's work goes to others; then the account is suspended and its sessions end."""

    POLICY = Policy(
        owner="governance",
        meaning=_("leavers and who took over what"),
        retention=_("10y"),
        personal={"reason": "C1"},
        level=2,
        kind="C1",
        purposes=("staff",),
        basis="employment",
        columns={
            "takers": _("Who takes over what"),
            "reason": Column(_("Why the person leaves"), mask="text", encrypted=True),
        },
    )

    class Status(models.TextChoices):
        RUNNING = "running", pgettext_lazy("leaving", "Under way")
        DONE = "done", pgettext_lazy("leaving", "Done")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.DONE}, Status.DONE: set()}
    TONES: ClassVar[dict[str, str]] = {"running": "info", "done": "good"}

    public_id = PublicIdField(prefix="OB")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    takers = models.JSONField(default=dict, help_text="holding → id of who takes it over; nothing for what ends or goes back to everybody")
    reason = SealedTextField("governance.offboarding.reason")
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    ordered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="offboarding_status_known", condition=Q(status__in=["running", "done"])),
            models.CheckConstraint(name="offboarding_by_another", condition=~Q(user=F("ordered_by"))),
            models.UniqueConstraint(name="offboarding_one_running", fields=["user"], condition=Q(status="running")),
        ]

    def __str__(self) -> str:
        return self.public_id


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def in_force(self, at: datetime) -> "DelegationQuerySet":
        """Narrow to those that give rights at `at`: agreed, not ended, within their dates, of a role its giver still holds."""
        rows = self.filter(agreed_at__isnull=False, ended_at__isnull=True, since__lte=at, until__gt=at)
        return rows.filter(giver__is_active=True, giver__role=F("role"))

    def standing(self, at: datetime) -> "DelegationQuerySet":
        """Narrow to those that give rights at `at` or will."""
        return self.filter(ended_at__isnull=True, until__gt=at)


class Delegation(models.Model):
    """A person's own role, lent to another from a moment to a moment. What was lent is not lent on."""

    POLICY = Policy(
        owner="governance",
        meaning=_("who acts for whom, and when"),
        retention=_("10y"),
        personal={"reason": "C1"},
        level=2,
        kind="C1",
        purposes=("staff",),
        basis="employment",
        columns={
            "reason": Column(_("Why the rights were lent"), mask="text", encrypted=True),
        },
    )

    public_id = PublicIdField(prefix="DG")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    giver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    taker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_taken")
    role = models.ForeignKey(
        Role, on_delete=models.PROTECT, related_name="+", help_text="the giver's; it gives nothing once they hold another"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = SealedTextField("governance.delegation.reason")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    agreed_at = models.DateTimeField(null=True, blank=True, help_text="at once by the giver; by a second person where another proposed it")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="before its time")
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = DelegationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="delegation_of_two", condition=~Q(giver=F("taker"))),
            models.CheckConstraint(name="delegation_ends", condition=Q(until__gt=F("since"))),
        ]

    def __str__(self) -> str:
        return self.public_id

    def state(self, at: datetime) -> tuple[str, str, object]:
        """Return code, tone and word of how it stands."""
        if self.ended_at is not None:
            return "ended", "neutral", pgettext_lazy("delegation", "Ended early")
        if self.until <= at:
            return "over", "neutral", pgettext_lazy("delegation", "Over")
        if self.agreed_at is None:
            return "proposed", "info", pgettext_lazy("delegation", "Waits for a second person")
        if self.since > at:
            return "later", "info", pgettext_lazy("delegation", "Begins later")
        return "in_force", "good", pgettext_lazy("delegation", "In force")


class BreakGlass(models.Model):
    """A person opens the rows of one customer that they would not see, for a reason, for an hour at most; somebody reviews it."""

    POLICY = Policy(
        owner="governance",
        meaning=_("emergency access to one person's records"),
        retention=_("10y"),
        personal={"reason": "C1", "words": "C1"},
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "customer_id": _("Whose records"),
            "subject": _("Public id of the same"),
            "reason": Column(_("Why it was needed"), mask="text", encrypted=True),
            "verdict": _("What the review found"),
            "words": Column(_("What the reviewer said"), mask="text", encrypted=True),
        },
    )

    LONGEST = timedelta(minutes=60)

    class Verdict(models.TextChoices):
        JUSTIFIED = "justified", _("It was justified")
        UNJUSTIFIED = "unjustified", _("It was not justified")

    public_id = PublicIdField(prefix="BG")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    customer_id = models.BigIntegerField(help_text="whose rows; no foreign key: governance knows nobody's models")
    subject = models.CharField(max_length=16, help_text="the public id of the same")
    reason = SealedTextField("governance.breakglass.reason")
    started_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="given back before its time")
    review_due_at = models.DateTimeField()
    verdict = models.CharField(max_length=11, choices=Verdict, blank=True)
    words = SealedTextField("governance.breakglass.words", null=True, blank=True)
    reviewed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="glass_an_hour_at_most", condition=Q(until__gt=F("started_at")) & Q(until__lte=F("started_at") + timedelta(minutes=60))
            ),
            models.CheckConstraint(
                name="glass_reviewed_by_another",
                condition=Q(verdict="", reviewed_by__isnull=True) | Q(verdict__in=["justified", "unjustified"]) & ~Q(reviewed_by=F("user")),
            ),
        ]
        indexes = [
            # what one person opened lately: the quota, and what stands open at each request of theirs
            models.Index(fields=["user", "-started_at"], name="glass_of_user"),
            # the reviews that wait, the first due first
            models.Index(fields=["review_due_at"], name="glass_to_review", condition=Q(verdict="")),
        ]

    def __str__(self) -> str:
        return self.public_id

    def is_open(self, at: datetime) -> bool:
        return self.ended_at is None and self.until > at
