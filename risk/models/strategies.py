"""Strategies, their versions, the cases they are tried on, and what people said about them."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from governance.models import User
from risk import words


class StrategyStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    TESTING = "testing", _("testing")
    APPROVED = "approved", pgettext_lazy("strategy version", "approved")
    SCHEDULED = "scheduled", _("scheduled")
    LIVE = "live", _("live")
    RETIRED = "retired", _("retired")
    REJECTED = "rejected", _("rejected")


# A version that left "draft" is frozen; from testing it may go back to be changed, and is then tested and approved anew.
STRATEGY_MOVES: dict[str, set[str]] = {
    "draft": {"testing", "live"},  # straight to live only for what the house brings itself: `registry.make_live` refuses people
    "testing": {"draft", "approved", "rejected"},
    "approved": {"scheduled", "live", "rejected"},
    "scheduled": {"live", "approved"},
    "live": {"retired"},
    "retired": {"live"},  # going back to what served before
    "rejected": set(),
}
STRATEGY_TONES = {
    "draft": "neutral", "testing": "info", "approved": "good", "scheduled": "info", "live": "good", "retired": "neutral", "rejected": "bad",
}  # fmt: skip
BEFORE_RELEASE = ["draft", "testing", "approved", "scheduled", "rejected"]


class StrategyQuerySet(models.QuerySet["Strategy"]):
    def visible_to(self, user: Any) -> "StrategyQuerySet":
        """Narrow to what `user` may list: strategies are of no branch and no person, so the permission of the page decides."""
        return self if getattr(user, "is_active", False) else self.none()


class Strategy(models.Model):
    """A credit policy with a name; what it does stands in its versions."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a named credit policy"),
        retention=_("10y after its last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={"kind": _("What it decides about")},
    )

    public_id = PublicIdField(prefix="S")
    kind = models.CharField(max_length=20, default="lending", db_default="lending", help_text="what it decides about, see risk/kinds.py")
    code = models.SlugField(max_length=60, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)

    objects = StrategyQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.public_id

    @property
    def name(self) -> str:
        return self.name_zh if words.side(get_language() or "en") == "zh" else self.name_en


class StrategyVersionQuerySet(models.QuerySet["StrategyVersion"]):
    def for_list(self) -> "StrategyVersionQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("strategy", "made_by").defer("graph", "input_schema", "reasons", "evidence")


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
            "revision": _("How often the draft was saved; a stale page is refused by it"),
            "hands": _("Who made or changed it: none of them approves it"),
            "decision_note": _("Why it was approved or rejected"),
            "evidence": _("Cases and lint as they stood when it was approved"),
            "release_reason": _("Why it was released or rolled back"),
        },
    )
    MOVES = STRATEGY_MOVES
    TONES = STRATEGY_TONES

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    graph = models.JSONField(help_text="JDM decision graph")
    input_schema = models.JSONField(help_text="declared facts: type, bounds, required, protected")
    reasons = models.JSONField(help_text="texts of the reason codes, for staff and for the customer, in both languages")
    scorecard_code = models.CharField(max_length=60, blank=True, default="", help_text="the scorecard the graph asks for")
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=StrategyStatus, default=StrategyStatus.DRAFT)
    note = models.CharField(max_length=200, blank=True, default="")
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    hands = models.JSONField(default=list, help_text="keys of everybody who made or changed it")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=500, blank=True, default="")
    evidence = models.JSONField(default=dict)
    release_at = models.DateTimeField(null=True, help_text="when a scheduled version goes live")
    released_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    release_reason = models.CharField(max_length=500, blank=True, default="")
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    objects = StrategyVersionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="strategy_version_number_once", fields=["strategy", "number"]),
            models.UniqueConstraint(name="strategy_one_live_version", fields=["strategy"], condition=Q(status="live")),
            models.CheckConstraint(name="strategy_version_status_known", condition=Q(status__in=[*BEFORE_RELEASE, "live", "retired"])),
            models.CheckConstraint(name="strategy_version_live_since", condition=Q(status__in=BEFORE_RELEASE) | Q(live_at__isnull=False)),
            # A CHECK passes on NULL: what the house brings itself has neither.
            models.CheckConstraint(
                name="strategy_version_four_eyes",
                condition=Q(decided_by__isnull=True) | Q(made_by__isnull=True) | ~Q(decided_by=F("made_by")),
            ),
            models.CheckConstraint(
                name="strategy_version_approved_by_somebody",
                condition=~Q(status__in=["approved", "scheduled"]) | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(name="strategy_version_scheduled_for", condition=~Q(status="scheduled") | Q(release_at__isnull=False)),
        ]
        indexes = [models.Index(fields=["release_at"], name="strategy_version_due", condition=Q(status="scheduled"))]

    def __str__(self) -> str:
        return f"{self.strategy} v{self.number}"


class StrategyCase(models.Model):
    """Facts with the outcome somebody expects: kept with the strategy, run on each of its versions."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a case a credit policy is tried on"),
        retention=_("10y after the strategy's last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("What the case shows"),
            "facts": _("Invented facts, without a person behind them"),
            "expected": _("What the strategy is to conclude"),
        },
    )

    public_id = PublicIdField(prefix="SK")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="cases")
    name = models.CharField(max_length=120)
    facts = models.JSONField()
    expected = models.JSONField(help_text="outcome; where wanted also grade, limit, annual_rate and reasons that must be among them")
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="strategy_case_name_once", fields=["strategy", "name"])]

    def __str__(self) -> str:
        return self.public_id


class StrategyNote(models.Model):
    """What somebody said about a version, or a node of it; and what each step of its life was given as a reason. Insert-only, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a comment on a credit policy"),
        retention=_("10y after the strategy's last decision"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "node": _("Which step of the graph it is about"),
            "act": _("Which step of the version's life it explains"),
            "text": _("The comment"),
        },
    )

    class Act(models.TextChoices):
        COMMENT = "", _("comment")
        SENT = "testing", _("sent for approval")
        BACK = "draft", _("taken back to draft")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        SCHEDULED = "scheduled", _("scheduled")
        UNSCHEDULED = "unscheduled", _("taken off the schedule")
        RELEASED = "live", _("released")
        ROLLED_BACK = "rolled_back", _("rolled back")

    public_id = PublicIdField(prefix="SC")
    version = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="notes")
    node = models.CharField(max_length=120, blank=True, default="")
    act = models.CharField(max_length=12, choices=Act, blank=True, default="")
    text = models.CharField(max_length=1000)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="strategy_note_says_something", condition=~Q(text=""))]

    def __str__(self) -> str:
        return self.public_id
