"""Absences of collectors, and what was handed over for them; and re-assignments in bulk."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.assignment import OfHouseQuerySet
from collection.models.case import Case
from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from customers.models import Activity
from governance.models import Job, LegalEntity, Team, User


class Absence(models.Model):
    """Days a collector is away, first and last included, and who stands in for them; nobody named: everybody in the queue."""

    POLICY = Policy(
        owner="collections",
        meaning=_("absences of collectors"),
        retention=_("2y after it ended"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={
            "reason": _("Kind of absence"),
            "since": _("First day away"),
            "until": _("Last day away"),
            "began_at": _("When the work was handed over"),
            "ended_at": _("When the work came back"),
        },
    )

    class Reason(models.TextChoices):
        LEAVE = "leave", pgettext_lazy("absence", "Leave")
        ILL = "ill", pgettext_lazy("absence", "Ill")
        TRAINING = "training", pgettext_lazy("absence", "Training")
        OTHER = "other", pgettext_lazy("absence", "Other")

    class Status(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("absence", "Planned")
        RUNNING = "running", pgettext_lazy("absence", "Away")
        OVER = "over", pgettext_lazy("absence", "Back")
        CANCELLED = "cancelled", pgettext_lazy("absence", "Cancelled")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PLANNED: {Status.RUNNING, Status.CANCELLED},
        Status.RUNNING: {Status.OVER},
        Status.OVER: set(),
        Status.CANCELLED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"planned": "info", "running": "special", "over": "neutral", "cancelled": "neutral"}
    STANDING: ClassVar[tuple[str, ...]] = (Status.PLANNED, Status.RUNNING)

    public_id = PublicIdField(prefix="AB")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=8, choices=Reason)
    since = models.DateField()
    until = models.DateField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OfHouseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="absence_status_known", condition=Q(status__in=["planned", "running", "over", "cancelled"])),
            models.CheckConstraint(name="absence_reason_known", condition=Q(reason__in=["leave", "ill", "training", "other"])),
            models.CheckConstraint(name="absence_ends_after_it_began", condition=Q(until__gte=F("since"))),
            models.CheckConstraint(name="absence_deputy_is_another", condition=Q(deputy__isnull=True) | ~Q(deputy=F("person"))),
        ]
        indexes = [
            models.Index(fields=["legal_entity", "since"], name="absence_of_days", condition=Q(status__in=["planned", "running"])),
        ]

    def __str__(self) -> str:
        return self.public_id


class AbsencePiece(models.Model):
    """A case or a task that was handed over for an absence; it comes back if nobody touched it: its version says so."""

    POLICY = Policy(
        owner="collections",
        meaning=_("what was handed over for an absence"),
        retention=_("with the absence"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={"number": _("Version of the row after it was handed over"), "came_back": _("Whether it came back untouched")},
    )

    absence = models.ForeignKey(Absence, on_delete=models.PROTECT, related_name="pieces", db_index=False)
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(Activity, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    came_back = models.BooleanField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="absence_case_once", fields=["absence", "case"]),
            models.UniqueConstraint(name="absence_task_once", fields=["absence", "task"]),
            models.CheckConstraint(
                name="absence_piece_is_one", condition=Q(case__isnull=False, task__isnull=True) | Q(case__isnull=True, task__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.absence_id}"


class Reassignment(models.Model):
    """Many cases given to others at once: fixed and counted when it is looked at, done in the background, case by case against its version."""

    POLICY = Policy(
        owner="collections",
        meaning=_("re-assignments of many cases"),
        retention=_("5y"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={
            "asked": _("Which cases were asked for"),
            "ids": _("The cases as they were counted"),
            "versions": _("Version of each case as it was counted"),
            "people": _("To whom the cases go, by turns"),
            "by_rules": _("Whether the assignment rules place them"),
            "next": _("How far it is"),
            "seen": _("What was counted before it began"),
            "beat_at": _("When a worker was last at it"),
        },
    )

    class Status(models.TextChoices):
        SEEN = "seen", pgettext_lazy("reassignment", "Counted")
        RUNNING = "running", pgettext_lazy("reassignment", "Running")
        STOPPING = "stopping", pgettext_lazy("reassignment", "Being stopped")
        STOPPED = "stopped", pgettext_lazy("reassignment", "Stopped")
        DONE = "done", pgettext_lazy("reassignment", "Done")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.SEEN: {Status.RUNNING},
        Status.RUNNING: {Status.STOPPING, Status.DONE},
        Status.STOPPING: {Status.STOPPED, Status.DONE},
        Status.STOPPED: set(),
        Status.DONE: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"seen": "neutral", "running": "info", "stopping": "caution", "stopped": "warn", "done": "good"}

    public_id = PublicIdField(prefix="RS")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.SEEN)
    asked = models.JSONField(default=dict)
    ids = ArrayField(models.BigIntegerField())
    versions = ArrayField(models.PositiveIntegerField())
    people = ArrayField(models.BigIntegerField(), default=list)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    by_rules = models.BooleanField(default=False)
    seen = models.JSONField(default=dict)
    next = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OfHouseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="reassignment_status_known", condition=Q(status__in=["seen", "running", "stopping", "stopped", "done"])
            ),
        ]
        indexes = [models.Index(fields=["legal_entity", "-id"], name="reassignment_of_house")]

    def __str__(self) -> str:
        return self.public_id
