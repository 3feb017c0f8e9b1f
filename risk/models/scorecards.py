"""Scorecards and their versions."""

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from risk import words
from risk.models.versions import MOVES, STATUS_KNOWN, TONES, VersionStatus


class Scorecard(models.Model):
    """A scorecard with a name; bins and points stand in its versions."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a named scorecard"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
    )

    public_id = PublicIdField(prefix="M")
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


class ScorecardVersion(models.Model):
    """Bins, points and reason texts as JSON, with the figures it was judged by. Frozen once it leaves draft, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("one version of a scorecard"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Number of the version"),
            "content": _("The scorecard itself: bins and points"),
            "metrics": _("How well it separates, measured"),
            "data_sha256": _("Hash of the data it was trained on"),
            "note": _("What changed in this version"),
        },
    )
    MOVES = MOVES
    TONES = TONES

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    metrics = models.JSONField(help_text="ranking on training and hold-out rows; proof that our scoring equals the library's")
    sha256 = models.CharField(max_length=64)
    data_sha256 = models.CharField(max_length=64, help_text="of the training data")
    status = models.CharField(max_length=8, choices=VersionStatus, default=VersionStatus.DRAFT)
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="scorecard_version_number_once", fields=["scorecard", "number"]),
            models.UniqueConstraint(name="scorecard_one_live_version", fields=["scorecard"], condition=Q(status="live")),
            models.CheckConstraint(name="scorecard_version_status_known", condition=STATUS_KNOWN),
            models.CheckConstraint(name="scorecard_version_live_since", condition=Q(status="draft") | Q(live_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.scorecard} v{self.number}"
