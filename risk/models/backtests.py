"""Backtests and simulations: the question, its arms, and what came out chunk by chunk."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from governance.models import Job, User
from risk.models.scorecards import ScorecardVersion
from risk.models.strategies import Strategy, StrategyVersion


class BacktestQuerySet(models.QuerySet["Backtest"]):
    def visible_to(self, user: Any) -> "BacktestQuerySet":
        """Narrow to what `user` may see: every one with data scope "all", none otherwise, as with the decisions it is about."""
        return self if user.scope == "all" else self.none()

    def for_list(self) -> "BacktestQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("job", "strategy", "created_by").defer("results", "population", "defaults")


class Backtest(models.Model):
    """One question to the past, or to a made population: what would these versions have decided?"""

    POLICY = Policy(
        owner="risk",
        meaning=_("a run of strategy versions over past decisions or a made population"),
        retention=_("10y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("What the person who asked calls it"),
            "population": _("Which applications it runs over, or how they are made"),
            "defaults": _("What stands for a fact that was not stored, by fact"),
            "costs": _("Shares by which profit and loss are reckoned"),
            "total": _("How many applications it runs over"),
            "results": _("What came out, counted and summed; no single person"),
        },
    )

    class Kind(models.TextChoices):
        BACKTEST = "backtest", _("Backtest")
        SIMULATION = "simulation", _("Simulation")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.RUNNING: {Status.DONE, Status.CANCELLED, Status.FAILED}, Status.DONE: set(), Status.CANCELLED: set(), Status.FAILED: set(),
    }  # fmt: skip
    TONES: ClassVar[dict[str, str]] = {"running": "info", "done": "good", "cancelled": "neutral", "failed": "bad"}

    public_id = PublicIdField(prefix="BT")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    population = models.JSONField()
    defaults = models.JSONField(default=dict)
    costs = models.JSONField(default=dict, help_text="lgd, funding, opex as shares in text")
    total = models.PositiveIntegerField()
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    results = models.JSONField(default=dict)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = BacktestQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="backtest_status_known", condition=Q(status__in=["running", "done", "cancelled", "failed"])),
            models.CheckConstraint(name="backtest_kind_known", condition=Q(kind__in=["backtest", "simulation"])),
            models.CheckConstraint(name="backtest_of_somebody", condition=Q(total__gt=0)),
        ]
        indexes = [models.Index(fields=["id"], name="backtest_unfinished", condition=Q(status="running"))]  # the sweeper's question

    def __str__(self) -> str:
        return self.public_id


class BacktestArm(models.Model):
    """One side of the comparison. Place 0 is what the others are held against: a version, or what was decided at the time."""

    POLICY = Policy(
        owner="risk",
        meaning=_("one side of a backtest: a strategy version with a scorecard version, or what was decided"),
        retention=_("10y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "place": _("Place among the sides; 0 is what the others are held against"),
            "strategy_sha256": _("Hash of the strategy version as it was run"),
            "scorecard_sha256": _("Hash of the scorecard version as it was run"),
        },
    )

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="arms")
    place = models.PositiveSmallIntegerField()
    strategy_version = models.ForeignKey(StrategyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    scorecard_version = models.ForeignKey(ScorecardVersion, null=True, on_delete=models.PROTECT, related_name="+")
    strategy_sha256 = models.CharField(max_length=64, blank=True, default="")
    scorecard_sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="backtest_arm_place_once", fields=["backtest", "place"]),
            models.CheckConstraint(name="backtest_arm_runs_something", condition=Q(place=0) | Q(strategy_version__isnull=False)),
            models.CheckConstraint(name="backtest_at_most_four_arms", condition=Q(place__lte=3)),
        ]

    def __str__(self) -> str:
        return f"{self.backtest} {self.place}"


class BacktestChunk(models.Model):
    """A part of the population, worked through in one transaction by whichever worker claims it."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a part of a backtest and what each side said of its applications"),
        retention=_("10y"),
        personal={"given": "C2"},
        open_fields={"given": _("carries no identifier; emptied when the backtest is over")},
        level=3,
        kind="C2",
        purposes=("compliance",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "number": _("Number of the part"),
            "decisions": _("Keys of the decisions it runs over"),
            "given": Column(_("Facts of an uploaded population, without identifiers, until it has run"), mask="none"),
            "first": _("Number of its first application, where the population is made"),
            "size": _("How many applications it has"),
            "rows": _("What each side said of each application, without facts"),
            "counts": _("The same, counted and summed"),
            "flipped": _("How many applications changed sides"),
        },
    )

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    decisions = ArrayField(models.BigIntegerField(), default=list)
    given = models.JSONField(default=list)
    first = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    rows = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    flipped = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="backtest_chunk_number_once", fields=["backtest", "number"])]
        indexes = [models.Index(fields=["backtest", "number"], name="backtest_chunk_open", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.backtest_id}/{self.number}"
