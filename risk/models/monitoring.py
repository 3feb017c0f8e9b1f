"""What monitoring found: a run of figures a version and day, and alerts with a life of their own."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models import Customer
from governance.fields import SealedTextField
from governance.models import User
from risk.models.scorecards import ScorecardVersion
from risk.models.strategies import StrategyVersion


class MonitorRun(models.Model):
    """The figures of one version as of one day: of its calendar month up to that day. Run again for the day, it is written anew."""

    POLICY = Policy(
        owner="risk",
        meaning=_("figures of monitoring, by version and day"),
        retention=_("10y"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "on": _("Last day the figures look at"),
            "month": _("First day of the month they are of"),
            "decisions": _("Decisions of the month"),
            "figures": _("The statistics: counts by bin, indices, measures with their intervals; nothing of a person"),
            "took_ms": _("How long the run took, in milliseconds"),
        },
    )

    on = models.DateField()
    month = models.DateField()
    scorecard_version = models.ForeignKey(ScorecardVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    strategy_version = models.ForeignKey(StrategyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    decisions = models.PositiveIntegerField()
    figures = models.JSONField()
    made_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="monitor_run_once_a_scorecard", fields=["scorecard_version", "on"]),
            models.UniqueConstraint(name="monitor_run_once_a_strategy", fields=["strategy_version", "on"]),
            models.CheckConstraint(
                name="monitor_run_of_one",
                condition=Q(scorecard_version__isnull=False, strategy_version__isnull=True)
                | Q(scorecard_version__isnull=True, strategy_version__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["month", "on"], name="monitor_run_month")]

    def __str__(self) -> str:
        return f"{self.scorecard_version or self.strategy_version} {self.on}"


class AlertQuerySet(models.QuerySet["RiskAlert"]):
    def visible_to(self, user: Any) -> "AlertQuerySet":
        """Narrow to what `user` may list: every alert with data scope "all", none otherwise."""
        return self if user.scope == "all" else self.none()

    def for_list(self) -> "AlertQuerySet":
        """Join what a row of a list names."""
        related = ("scorecard_version__scorecard", "strategy_version__strategy", "customer", "acknowledged_by", "closed_by")
        heavy = ("content", "metrics")
        graph = ("graph", "input_schema", "reasons")
        return self.select_related(*related).defer(
            "words", *(f"scorecard_version__{name}" for name in heavy), *(f"strategy_version__{name}" for name in graph)
        )

    def standing(self) -> "AlertQuerySet":
        """Narrow to those nobody has closed."""
        return self.filter(status__in=RiskAlert.STANDING)


class RiskAlert(models.Model):
    """Something left its bounds. One stands for a cause at a time; it is acknowledged, and closed with a reason."""

    POLICY = Policy(
        owner="risk",
        meaning=_("alerts of monitoring and early warnings, and what was done about them"),
        retention=_("10y"),
        personal={"words": "C2"},
        level=3,
        kind="C2",
        purposes=("operation", "compliance"),
        basis="contract",
        lies_open=_("codes, dates and statistics; lists are sorted and counted by them"),
        columns={
            "cause": _("What it is about, as a key: kind, version or person, feature"),
            "kind": _("What left its bounds"),
            "level": _("Watch or act"),
            "feature": _("Which feature, where it is about one"),
            "value": Column(_("What was measured"), mask="none"),
            "threshold": Column(_("Where the bound lay"), mask="none"),
            "seen_on": _("Last day on which it was found"),
            "passed_on": _("First day on which it was no longer found; empty while it is"),
            "reason": _("Why it was closed, from a closed list"),
            "words": Column(_("What the closer wrote"), mask="text"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("alert", "Open")
        ACKNOWLEDGED = "acknowledged", pgettext_lazy("alert", "Acknowledged")
        CLOSED = "closed", pgettext_lazy("alert", "Closed")

    class Kind(models.TextChoices):
        SCORE_SHIFT = "score_shift", _("The scores have shifted")
        FEATURE_SHIFT = "feature_shift", _("A feature has shifted")
        MISSING = "missing", _("A feature is missing more often")
        RANKING = "ranking", _("The score ranks worse")
        CALIBRATION = "calibration", _("More go bad than was predicted")
        APPROVAL = "approval", _("The approval rate has moved")
        OVERRIDES = "overrides", _("Many referrals are overridden")
        LATENCY = "latency", _("Decisions take long")
        EARLY_WARNING = "early_warning", _("A customer is likely to fall behind")

    class Level(models.TextChoices):
        WATCH = "watch", pgettext_lazy("alert", "watch")
        ACT = "act", pgettext_lazy("alert", "act")

    class Reason(models.TextChoices):
        RETRAINED = "retrained", _("Retrained or recalibrated")
        POLICY = "policy", _("Answered by a change of policy")
        EXPLAINED = "explained", _("Explained by a change in who applies")
        DATA = "data", _("A fault of the data, mended")
        HELPED = "helped", _("The customer was helped")
        FALSE = "false", _("A false alarm")
        ACCEPTED = "accepted", _("Known and accepted")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.ACKNOWLEDGED, Status.CLOSED},
        Status.ACKNOWLEDGED: {Status.CLOSED},
        Status.CLOSED: set(),
    }
    STANDING: ClassVar[tuple[str, ...]] = ("open", "acknowledged")
    TONES: ClassVar[dict[str, str]] = {"open": "warn", "acknowledged": "info", "closed": "neutral", "watch": "caution", "act": "bad"}

    public_id = PublicIdField(prefix="WA")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=160)
    kind = models.CharField(max_length=14, choices=Kind)
    level = models.CharField(max_length=5, choices=Level)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    scorecard_version = models.ForeignKey(ScorecardVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts")
    strategy_version = models.ForeignKey(StrategyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="risk_alerts")
    feature = models.CharField(max_length=80, blank=True, default="")
    value = models.DecimalField(max_digits=16, decimal_places=6)
    threshold = models.DecimalField(max_digits=16, decimal_places=6)
    opened_at = models.DateTimeField()
    seen_on = models.DateField()
    passed_on = models.DateField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=9, choices=Reason, blank=True, default="")
    words = SealedTextField("risk.riskalert.words", null=True, blank=True, help_text="the closer's words: people write names into them")

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="risk_alert_one_standing_a_cause", fields=["cause"], condition=Q(status__in=["open", "acknowledged"])
            ),
            models.CheckConstraint(name="risk_alert_status_known", condition=Q(status__in=["open", "acknowledged", "closed"])),
            models.CheckConstraint(name="risk_alert_level_known", condition=Q(level__in=["watch", "act"])),
            models.CheckConstraint(
                name="risk_alert_closed_with_reason", condition=~Q(status="closed") | Q(closed_at__isnull=False) & ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(F("status"), F("id").desc(), name="risk_alert_status"),
        ]

    def __str__(self) -> str:
        return self.public_id
