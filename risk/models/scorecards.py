"""Models of every kind (the first was a scorecard, hence the name) and their versions."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from risk import words


class Scorecard(models.Model):
    """A model with a name; bins and points, or trees, stand in its versions."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a named model"),
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


class ModelKind(models.TextChoices):
    SCORECARD = "scorecard", _("scorecard")
    LIGHTGBM = "lightgbm", "LightGBM"
    BLEND = "blend", pgettext_lazy("model", "blend")


class ModelStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    VALIDATED = "validated", pgettext_lazy("model", "validated")
    APPROVED = "approved", pgettext_lazy("model", "approved")
    LIVE = "live", _("live")
    RETIRED = "retired", _("retired")
    REJECTED = "rejected", pgettext_lazy("model", "rejected")


# Straight from draft to live goes only what the house itself brings: `registry.make_live` holds the system to it, the database everybody.
MODEL_MOVES: dict[str, set[str]] = {
    ModelStatus.DRAFT: {ModelStatus.VALIDATED, ModelStatus.REJECTED, ModelStatus.LIVE},
    ModelStatus.VALIDATED: {ModelStatus.APPROVED, ModelStatus.REJECTED},
    ModelStatus.APPROVED: {ModelStatus.LIVE, ModelStatus.RETIRED},
    ModelStatus.LIVE: {ModelStatus.RETIRED},
    ModelStatus.RETIRED: {ModelStatus.LIVE},  # going back to what served before
    ModelStatus.REJECTED: set(),
}
MODEL_TONES = {
    "draft": "neutral", "validated": "info", "approved": "good", "live": "good", "retired": "neutral", "rejected": "bad",
}  # fmt: skip
BY_THE_HOUSE = Q(developer__isnull=True)


class ScorecardVersionQuerySet(models.QuerySet["ScorecardVersion"]):
    def visible_to(self, user: Any) -> "ScorecardVersionQuerySet":
        """Narrow to what `user` may list: models belong to no branch and to no person, so the permission of the page decides."""
        return self if getattr(user, "is_active", False) else self.none()

    def for_list(self) -> "ScorecardVersionQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("scorecard", "developer", "validator", "approver", "data_set").defer(
            "content", "metrics", "proof", "data_set__columns", "data_set__problems"
        )


class ScorecardVersion(models.Model):
    """A model as JSON, with the figures it was judged by and who answers for it. What it says is frozen once it leaves draft, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("one version of a model"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "number": _("Number of the version"),
            "content": _("The model itself: bins and points, or trees"),
            "metrics": _("How well it separates, measured"),
            "data_sha256": _("Hash of the data it was trained on"),
            "note": _("What changed in this version"),
            "tier": _("How much hangs on the model: 1 decides alone, 2 helps to decide, 3 informs"),
            "proof": _("Proof that our reading of the model scores as the library does, made at approval"),
            "review_due": _("Day by which the model is looked at again"),
            "fairness_reason": _("Why a gap between groups is accepted"),
            "retirement_reason": _("Why the version no longer serves"),
        },
    )
    MOVES = MODEL_MOVES
    TONES = MODEL_TONES

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=ModelKind, default=ModelKind.SCORECARD)
    content = models.JSONField()
    metrics = models.JSONField(help_text="ranking on training and hold-out rows; proof that our scoring equals the library's")
    sha256 = models.CharField(max_length=64)
    data_sha256 = models.CharField(max_length=64, help_text="of the training data")
    data_set = models.ForeignKey("risk.DataSet", null=True, blank=True, on_delete=models.PROTECT, related_name="versions")
    status = models.CharField(max_length=9, choices=ModelStatus, default=ModelStatus.DRAFT)
    tier = models.PositiveSmallIntegerField(default=2, help_text="1 decides alone, 2 helps to decide, 3 informs")
    note = models.CharField(max_length=200, blank=True, default="")
    developer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="none: the house's own"
    )
    validator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    validated_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    proof = models.JSONField(default=dict, blank=True, help_text="made at approval: rows compared, largest difference")
    review_due = models.DateField(null=True, blank=True)
    fairness_reason = models.CharField(max_length=400, blank=True, default="")
    retirement_reason = models.CharField(max_length=400, blank=True, default="")

    objects = ScorecardVersionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="scorecard_version_number_once", fields=["scorecard", "number"]),
            models.UniqueConstraint(name="scorecard_one_live_version", fields=["scorecard"], condition=Q(status="live")),
            models.CheckConstraint(name="scorecard_version_status_known", condition=Q(status__in=list(ModelStatus.values))),
            models.CheckConstraint(name="scorecard_version_kind_known", condition=Q(kind__in=list(ModelKind.values))),
            models.CheckConstraint(name="scorecard_version_tier_known", condition=Q(tier__in=[1, 2, 3])),
            models.CheckConstraint(name="scorecard_version_live_since", condition=~Q(status="live") | Q(live_at__isnull=False)),
            models.CheckConstraint(
                name="scorecard_version_validated_by",
                condition=Q(status__in=["draft", "rejected"]) | BY_THE_HOUSE | Q(validator__isnull=False, validated_at__isnull=False),
            ),
            models.CheckConstraint(
                name="scorecard_version_approved_by",
                condition=Q(status__in=["draft", "validated", "rejected"])
                | BY_THE_HOUSE
                | Q(approver__isnull=False, approved_at__isnull=False),
            ),
            # NULL makes a comparison unknown, which a check lets pass: whoever is named differs from whoever else is named.
            models.CheckConstraint(
                name="scorecard_version_three_people",
                condition=~Q(developer=F("validator")) & ~Q(developer=F("approver")) & ~Q(validator=F("approver")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scorecard} v{self.number}"


class ModelActQuerySet(models.QuerySet["ModelAct"]):
    def visible_to(self, user: Any) -> "ModelActQuerySet":
        """Narrow to what `user` may list: as of the versions they are about."""
        return self if getattr(user, "is_active", False) else self.none()

    def for_list(self) -> "ModelActQuerySet":
        """Name the joins of a row of the history."""
        return self.select_related("by", "version__scorecard").defer("version__content", "version__metrics", "version__proof")


class ModelAct(models.Model):
    """What a person said or did about a version: validation, approval, review, retirement. Insert-only, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("what was said and done about a version of a model"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "text": _("Report or reason, about the model and no person"),
            "checklist": _("Which points were looked at"),
        },
    )

    class Kind(models.TextChoices):
        TRAINED = "trained", pgettext_lazy("model", "trained")
        EDITED = "edited", pgettext_lazy("model", "edited")
        VALIDATED = "validated", pgettext_lazy("model", "validated")
        APPROVED = "approved", pgettext_lazy("model", "approved")
        REJECTED = "rejected", pgettext_lazy("model", "rejected")
        CHAMPION = "champion", pgettext_lazy("model", "made champion")
        REVIEWED = "reviewed", pgettext_lazy("model", "annual review")
        RETIRED = "retired", _("retired")

    TONES: ClassVar[dict[str, str]] = {"approved": "good", "champion": "good", "rejected": "bad", "validated": "info"}

    version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=9, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=20, blank=True, default="")
    text = models.TextField(blank=True, default="")
    checklist = models.JSONField(default=list)

    objects = ModelActQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="model_act_kind_known",
                condition=Q(kind__in=["trained", "edited", "validated", "approved", "rejected", "champion", "reviewed", "retired"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version_id}"

    @property
    def status(self) -> str:
        return self.kind

    def get_status_display(self) -> str:
        return str(self.Kind(self.kind).label)
