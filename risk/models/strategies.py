"""Strategies and their versions."""

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from risk import words
from risk.models.versions import MOVES, STATUS_KNOWN, TONES, VersionStatus


class Strategy(models.Model):
    """A credit policy with a name; what it does stands in its versions."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a named credit policy"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
    )

    public_id = PublicIdField(prefix="S")
    code = models.SlugField(max_length=60, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.public_id

    @property
    def name(self) -> str:
        return self.name_zh if words.side(get_language() or "en") == "zh" else self.name_en


class StrategyVersion(models.Model):
    """A decision graph with the facts it reads and the texts of its reasons. Frozen once it leaves draft, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("one version of a credit policy"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Number of the version"),
            "graph": _("The rules and their order"),
            "input_schema": _("Facts the strategy asks for"),
            "reasons": _("Codes and sentences of the reasons"),
            "scorecard_code": _("Which scorecard it uses"),
            "note": _("What changed in this version"),
        },
    )
    MOVES = MOVES
    TONES = TONES

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    graph = models.JSONField(help_text="JDM decision graph")
    input_schema = models.JSONField(help_text="declared facts: type, bounds, required, protected")
    reasons = models.JSONField(help_text="texts of the reason codes, for staff and for the customer, in both languages")
    scorecard_code = models.CharField(max_length=60, blank=True, default="", help_text="the scorecard the graph asks for")
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=VersionStatus, default=VersionStatus.DRAFT)
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="strategy_version_number_once", fields=["strategy", "number"]),
            models.UniqueConstraint(name="strategy_one_live_version", fields=["strategy"], condition=Q(status="live")),
            models.CheckConstraint(name="strategy_version_status_known", condition=STATUS_KNOWN),
            models.CheckConstraint(name="strategy_version_live_since", condition=Q(status="draft") | Q(live_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} v{self.number}"
