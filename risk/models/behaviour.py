"""How existing borrowers behave: a score a moment, and limits proposed from it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Customer
from governance.models import User
from risk.models.scorecards import ScorecardVersion


class BehaviourScore(models.Model):
    """The score of a borrower as of a moment, with the features it came from. Insert-only: the next one is another row."""

    POLICY = Policy(
        owner="risk",
        meaning=_("behaviour scores of borrowers"),
        retention=_("10y"),
        personal={"features": "C2"},
        open_fields={"features": _("carries no identifier; monitoring and retraining read it in bulk")},
        level=3,
        kind="C2",
        purposes=("servicing", "collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "score": _("Points of the behaviour score"),
            "pd": _("Probability of falling behind within the months of the definition"),
            "reasons": _("Codes of the reasons"),
            "features": Column(_("What was known of the conduct, without identifiers"), mask="none"),
            "as_of": _("Moment it looks at: nothing entered later counts"),
            "cause": _("Why it was made: the month, or a new fact"),
        },
    )

    class Cause(models.TextChoices):
        MONTH = "month", pgettext_lazy("behaviour score", "month's end")
        FACT = "fact", pgettext_lazy("behaviour score", "new fact")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="behaviour_scores", db_index=False)
    scorecard_version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="behaviour_scores", db_index=False)
    score = models.IntegerField()
    pd = models.DecimalField(max_digits=7, decimal_places=6)
    reasons = models.JSONField(default=list)
    features = models.JSONField(default=dict)
    as_of = models.DateTimeField()
    cause = models.CharField(max_length=5, choices=Cause)
    made_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="behaviour_score_once", fields=["customer", "as_of", "scorecard_version"])]
        indexes = [models.Index(F("customer"), F("as_of").desc(), name="behaviour_score_latest")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.as_of:%Y-%m-%d %H:%M}"


class ProposalQuerySet(models.QuerySet["LimitProposal"]):
    def visible_to(self, user: Any) -> "ProposalQuerySet":
        """Narrow to proposals about customers `user` may see."""
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def for_list(self) -> "ProposalQuerySet":
        """Join what a row of a list names."""
        return self.select_related("customer", "score", "decided_by").defer("score__features")


class LimitProposal(models.Model):
    """Another limit for a line, proposed from the behaviour score. Nothing changes by itself: a person decides, the app of lines acts.

    A higher limit needs the customer's consent, and then the second person that lines ask for.
    """

    POLICY = Policy(
        owner="risk",
        meaning=_("limits proposed from the behaviour score, and what was decided"),
        retention=_("10y"),
        level=3,
        kind="C2",
        purposes=("underwriting", "servicing", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "line": _("Which line it is about, as an id"),
            "limit_now": _("Limit when it was proposed, CNY"),
            "limit_proposed": _("Limit proposed, CNY"),
            "direction": _("Higher or lower"),
            "consent_on": _("Day on which the customer agreed to a higher limit"),
            "consent_channel": _("How the customer agreed"),
            "outcome": _("What the app of lines answered, as a code"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("limit proposal", "Open")
        APPROVED = "approved", pgettext_lazy("limit proposal", "Approved")
        REFUSED = "refused", pgettext_lazy("limit proposal", "Refused")
        LAPSED = "lapsed", pgettext_lazy("limit proposal", "Lapsed")
        DONE = "done", pgettext_lazy("limit proposal", "Handed on")
        FAILED = "failed", pgettext_lazy("limit proposal", "Not possible")

    class Direction(models.TextChoices):
        UP = "up", pgettext_lazy("limit", "higher")
        DOWN = "down", pgettext_lazy("limit", "lower")

    class Channel(models.TextChoices):
        PHONE = "phone", _("By telephone, recorded")
        WRITTEN = "written", _("In writing")
        COUNTER = "counter", _("At the counter")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.APPROVED, Status.REFUSED, Status.LAPSED},
        Status.APPROVED: {Status.DONE, Status.FAILED},
        Status.REFUSED: set(),
        Status.LAPSED: set(),
        Status.DONE: set(),
        Status.FAILED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"refused": "neutral", "lapsed": "neutral", "up": "good", "down": "warn"}

    public_id = PublicIdField(prefix="LP")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="limit_proposals")
    line = models.CharField(max_length=80, help_text="app.model:public id of the line")
    score = models.ForeignKey(BehaviourScore, on_delete=models.PROTECT, related_name="proposals")
    direction = models.CharField(max_length=4, choices=Direction)
    limit_now = MoneyField()
    limit_proposed = MoneyField()
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    consent_on = models.DateField(null=True, blank=True)
    consent_channel = models.CharField(max_length=7, choices=Channel, blank=True, default="")
    outcome = models.CharField(max_length=60, blank=True, default="")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="limit_proposal_one_open_a_line", fields=["line"], condition=Q(status="open")),
            models.CheckConstraint(
                name="limit_proposal_status_known", condition=Q(status__in=["open", "approved", "refused", "lapsed", "done", "failed"])
            ),
            models.CheckConstraint(
                name="limit_proposal_direction",
                condition=Q(direction="up", limit_proposed__gt=F("limit_now")) | Q(direction="down", limit_proposed__lt=F("limit_now")),
            ),
            models.CheckConstraint(
                name="limit_proposal_raise_with_consent",
                condition=~Q(status__in=["approved", "done", "failed"])
                | Q(direction="down")
                | Q(consent_on__isnull=False) & ~Q(consent_channel=""),
            ),
        ]
        indexes = [models.Index(F("status"), F("id").desc(), name="limit_proposal_status")]

    def __str__(self) -> str:
        return self.public_id
