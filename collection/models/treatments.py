"""Treatment of cases: the path a case is on, each step of it with what became of it, and the experiments between strategies."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from customers.models import Message
from governance.models import User
from risk.models import StrategyVersion

CHAMPION, CHALLENGER, HOLDOUT = ARMS = ["champion", "challenger", "holdout"]


class ExperimentQuerySet(models.QuerySet["TreatmentExperiment"]):
    def visible_to(self, user: Any) -> "ExperimentQuerySet":
        """Experiments are the house's and show sums only: who may see them at all, sees each."""
        return self if getattr(user, "is_active", False) else self.none()

    def for_list(self) -> "ExperimentQuerySet":
        return self.select_related("challenger__strategy", "champion__strategy", "planned_by", "started_by")


class TreatmentExperiment(models.Model):
    """A challenger against what is live, and a part of the customers who are only reminded; by a stable hash of the customer."""

    POLICY = Policy(
        owner="collections",
        meaning=_("experiments between treatment strategies"),
        retention=_("10y after it ended"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "why": _("The question it answers"),
            "salt": _("What the arms are drawn with"),
            "challenger_share": _("Share of customers treated by the challenger, per cent"),
            "holdout_share": _("Share of customers who are only reminded, per cent"),
            "minimum_sample": _("Fewest cases an arm needs before it is read"),
            "stop_complaints": _("Complaints per 10,000 contacts above the champion that end it"),
            "ended_why": _("Why it ended"),
            "result": _("Sums of each arm as they stood when it ended"),
        },
    )

    class Status(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("trial", "planned")
        RUNNING = "running", _("running")
        ENDED = "ended", pgettext_lazy("trial", "ended")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PLANNED: {Status.RUNNING, Status.WITHDRAWN},
        Status.RUNNING: {Status.ENDED},
        Status.ENDED: set(),
        Status.WITHDRAWN: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"planned": "info", "running": "good", "ended": "neutral", "withdrawn": "neutral"}

    public_id = PublicIdField(prefix="TX")
    status = models.CharField(max_length=10, choices=Status, default=Status.PLANNED)
    why = models.CharField(max_length=300)
    champion = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="+")
    challenger = models.ForeignKey(StrategyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    challenger_share = models.PositiveSmallIntegerField()
    holdout_share = models.PositiveSmallIntegerField()
    salt = models.CharField(max_length=40)
    minimum_sample = models.PositiveIntegerField()
    stop_complaints = models.PositiveIntegerField()
    planned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    started_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=300, blank=True, default="")
    result = models.JSONField(null=True)

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="treatment_experiment_one_runs", fields=["status"], condition=Q(status="running")),
            models.CheckConstraint(
                name="treatment_experiment_status_known", condition=Q(status__in=["planned", "running", "ended", "withdrawn"])
            ),
            models.CheckConstraint(
                name="treatment_experiment_shares",
                condition=Q(challenger_share__lte=50, holdout_share__lte=30) & (Q(challenger_share__gte=1) | Q(holdout_share__gte=1)),
            ),
            models.CheckConstraint(
                name="treatment_experiment_four_eyes", condition=Q(started_by__isnull=True) | ~Q(started_by=models.F("planned_by"))
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class TreatmentEntry(models.Model):
    """A case on a path: since when, by which version, in which arm, and how far it has come. One runs at a time for a case."""

    POLICY = Policy(
        owner="collections",
        meaning=_("which path of treatment a case was on, and why it ended"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "path": _("Code of the path"),
            "began_on": _("Day the case entered the path"),
            "arm": _("Arm of the experiment"),
            "ended_why": _("Why the path ended"),
            "entered_amount": _("What was overdue when the case entered it, CNY"),
            "through_day": _("Day of the last step that was planned"),
            "through_step": _("Name of the last step that was planned"),
        },
    )

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        ENDED = "ended", pgettext_lazy("trial", "ended")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.RUNNING: {Status.ENDED}, Status.ENDED: set()}

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="treatments", db_index=False)
    version = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(TreatmentExperiment, null=True, on_delete=models.PROTECT, related_name="entries", db_index=False)
    arm = models.CharField(max_length=10, blank=True, default="", db_default="")
    path = models.CharField(max_length=30)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING, db_default="running")
    began_on = models.DateField()
    began_at = models.DateTimeField()
    entered_amount = MoneyField()
    through_day = models.SmallIntegerField(default=-1, db_default=-1, help_text="place of the last step that was planned")
    through_step = models.CharField(max_length=30, blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=16, blank=True, default="", db_default="")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="treatment_one_runs", fields=["case"], condition=Q(status="running")),
            models.CheckConstraint(name="treatment_entry_status_known", condition=Q(status__in=["running", "ended"])),
            models.CheckConstraint(name="treatment_entry_arm_known", condition=Q(arm__in=["", *ARMS])),
            models.CheckConstraint(
                name="treatment_entry_ended_says_why", condition=Q(status="running", ended_why="") | (Q(status="ended") & ~Q(ended_why=""))
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="treatment_of_case"),
            models.Index(fields=["experiment", "arm"], name="treatment_of_arm", condition=Q(experiment__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.path}"


class TreatmentStep(models.Model):
    """One step of a path a case is on: once for ever, with what became of it."""

    POLICY = Policy(
        owner="collections",
        meaning=_("steps of treatment and what became of each"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "name": _("Name of the step in its path"),
            "day": _("Day of the path"),
            "action": _("What is done"),
            "template": _("Which words are sent"),
            "why": _("Rule or reason that kept it, as a code"),
        },
    )

    class Status(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("message", "Planned")
        GIVEN = "given", pgettext_lazy("step", "Handed on")
        WAITING = "waiting", pgettext_lazy("step", "Put off")
        SENT = "sent", pgettext_lazy("message", "Sent")
        DONE = "done", pgettext_lazy("step", "Done")
        BLOCKED = "blocked", pgettext_lazy("step", "Blocked")
        EXITED = "exited", pgettext_lazy("step", "Left out, the path ended")
        SKIPPED = "skipped", pgettext_lazy("step", "Passed over")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PLANNED: {Status.GIVEN, Status.DONE, Status.BLOCKED, Status.EXITED, Status.SKIPPED},
        Status.GIVEN: {Status.WAITING, Status.SENT, Status.DONE, Status.BLOCKED, Status.EXITED},
        Status.WAITING: {Status.GIVEN, Status.SENT, Status.BLOCKED, Status.EXITED},
        Status.SENT: {Status.BLOCKED},
        Status.DONE: set(),
        Status.BLOCKED: set(),
        Status.EXITED: set(),
        Status.SKIPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "planned": "neutral", "given": "info", "waiting": "caution", "sent": "good", "done": "good", "blocked": "bad", "exited": "special",
        "skipped": "neutral",
    }  # fmt: skip

    entry = models.ForeignKey(TreatmentEntry, on_delete=models.PROTECT, related_name="steps", db_index=False)
    name = models.CharField(max_length=30)
    day = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=8)
    template = models.CharField(max_length=40, blank=True, default="", db_default="")
    status = models.CharField(max_length=8, choices=Status, default=Status.PLANNED, db_default="planned")
    why = models.CharField(max_length=60, blank=True, default="", db_default="")
    due_at = models.DateTimeField(help_text="not before; moves when a rule of contact puts a message off")
    planned_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    message = models.OneToOneField(Message, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="treatment_step_once", fields=["entry", "name"]),
            models.CheckConstraint(
                name="treatment_step_status_known",
                condition=Q(status__in=["planned", "given", "waiting", "sent", "done", "blocked", "exited", "skipped"]),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="treatment_step_due", condition=Q(status="planned")),
            models.Index(fields=["message"], name="treatment_step_under_way", condition=Q(status__in=["given", "waiting"])),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} {self.name}"
