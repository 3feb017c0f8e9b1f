"""Challengers: a version or a model that judges a share of the customers, or judges beside the live one and decides nothing."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Policy
from risk.models.scorecards import ScorecardVersion
from risk.models.strategies import Strategy, StrategyVersion

TRIAL_MOVES: dict[str, set[str]] = {"planned": {"running", "withdrawn"}, "running": {"stopped"}, "stopped": set(), "withdrawn": set()}


class TrialQuerySet(models.QuerySet["Trial"]):
    def visible_to(self, user: Any) -> "TrialQuerySet":
        """Narrow to what `user` may list: trials are of no branch and no person, so the permission of the page decides."""
        return self if getattr(user, "is_active", False) else self.none()

    def for_list(self) -> "TrialQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        heavy = ("graph", "input_schema", "reasons", "evidence")
        return self.select_related(
            "strategy", "champion__strategy", "challenger_version__strategy", "challenger_card__scorecard", "planned_by", "started_by"
        ).defer(
            *(f"{name}__{column}" for name in ("champion", "challenger_version") for column in heavy),
            "challenger_card__content", "challenger_card__metrics", "challenger_card__proof",
        )  # fmt: skip


class Trial(models.Model):
    """A challenger beside the champion: on a share of the customers, or in the shadow of every decision."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a trial of a credit policy or a model beside the one that is live"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "share": _("Share of the customers the challenger judges, percent"),
            "minimum_sample": _("Decisions in each arm before anything is concluded"),
            "stop_approval_pp": _("Difference of approval rates that ends the trial, percentage points"),
            "stop_bad_pp": _("Difference of bad rates that ends the trial, percentage points"),
            "why": _("What the trial is to show"),
            "stop_code": _("What ended the trial"),
            "stop_reason": _("Why it was ended"),
        },
    )

    class Kind(models.TextChoices):
        TRAFFIC = "traffic", _("share of the customers")
        SHADOW = "shadow", _("in the shadow")

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Stop(models.TextChoices):
        NONE = "", _("not ended")
        PERSON = "person", _("ended by a person")
        APPROVAL = "approval", _("approval rates lay too far apart")
        BAD = "bad", _("bad rates lay too far apart")
        CHAMPION = "champion", _("another version became champion")

    MOVES = TRIAL_MOVES
    TONES = {"planned": "neutral", "running": "info", "stopped": "neutral", "withdrawn": "neutral"}

    public_id = PublicIdField(prefix="TR")
    kind = models.CharField(max_length=8, choices=Kind)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="trials")
    champion = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="+", help_text="live when the trial was planned")
    challenger_version = models.ForeignKey(StrategyVersion, null=True, on_delete=models.PROTECT, related_name="trials")
    challenger_card = models.ForeignKey(ScorecardVersion, null=True, on_delete=models.PROTECT, related_name="trials")
    share = models.PositiveSmallIntegerField(null=True)
    minimum_sample = models.PositiveIntegerField(default=200)
    stop_approval_pp = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    stop_bad_pp = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    why = models.CharField(max_length=500)
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED)
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(null=True)
    stop_code = models.CharField(max_length=8, choices=Stop, blank=True, default="")
    stop_reason = models.CharField(max_length=500, blank=True, default="")

    objects = TrialQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="trial_has_a_challenger", condition=Q(challenger_version__isnull=False) | Q(challenger_card__isnull=False)
            ),
            models.CheckConstraint(
                name="trial_share_bounded",
                condition=Q(kind="shadow", share__isnull=True) | Q(kind="traffic", share__isnull=False, share__gte=1, share__lte=50),
            ),
            models.CheckConstraint(name="trial_status_known", condition=Q(status__in=list(TRIAL_MOVES))),
            models.CheckConstraint(
                name="trial_started_by_another",
                condition=Q(kind="shadow")
                | ~Q(status__in=["running", "stopped"])
                | Q(started_by__isnull=False) & ~Q(started_by=F("planned_by")),
            ),
            models.UniqueConstraint(name="trial_one_running", fields=["strategy", "kind"], condition=Q(status="running")),
        ]
        indexes = [models.Index(F("strategy"), F("id").desc(), name="trial_of_strategy")]

    def __str__(self) -> str:
        return self.public_id


class ShadowDecision(models.Model):
    """What a challenger in the shadow would have decided, beside the decision that was made. Insert-only, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("what a challenger would have decided; it decided nothing"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("underwriting", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "grade": _("Risk grade, A to E"),
            "score": _("Points of the scorecard"),
            "pd": _("Probability of default within twelve months"),
            "limit": _("Largest amount the decision would allow, CNY"),
            "reasons": _("Codes of the reasons"),
            "differs": _("Whether the outcome is another than the one decided"),
            "failed": _("Why the challenger could not judge"),
        },
    )

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="shadows", db_index=False)
    decision = models.ForeignKey("risk.Decision", on_delete=models.PROTECT, related_name="shadows")
    outcome = models.CharField(max_length=8, blank=True, default="")
    grade = models.CharField(max_length=1, blank=True, default="")
    score = models.IntegerField(null=True)
    pd = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    limit = MoneyField(null=True)
    annual_rate = RateField(null=True)
    reasons = models.JSONField(default=list)
    differs = models.BooleanField()
    failed = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="shadow_once_a_decision", fields=["trial", "decision"]),
            models.CheckConstraint(name="shadow_outcome_known", condition=Q(outcome__in=["", "approve", "refer", "decline"])),
        ]

    def __str__(self) -> str:
        return f"{self.trial} {self.decision}"
