"""Scores of cases: who pays by themselves, whose debt gets graver, how and when they answer; and trials of the queue's order on past days."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Policy
from governance.models import Job, LegalEntity, User
from risk.models import ScorecardVersion


class CaseScore(models.Model):
    """What the last night reckoned for one case. Of a probability it says whether a model made it or the rate of the case's bucket."""

    POLICY = Policy(
        owner="collections",
        meaning=_("scores of cases, by a model or by the rate of their bucket"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "cure": _("Probability that it is paid up by itself within the days of the rule"),
            "cure_by": _("Whether a model or the bucket's rate says so"),
            "roll": _("Probability that it is in a graver bucket after thirty days"),
            "roll_by": _("Whether a model or the bucket's rate says so"),
            "reasons": _("Codes of the reasons of the models"),
            "channel": _("Channel by which the customer answers best"),
            "hour": _("First hour of the two in which they answer best, by their clock"),
            "rate": _("Share of attempts expected to be answered then"),
            "tries": _("Attempts on the customer the share rests on"),
            "orders": _("Whether the queue is ordered by it"),
            "as_of": _("Moment up to which facts were looked at"),
        },
    )

    class By(models.TextChoices):
        MODEL = "model", pgettext_lazy("score", "model")
        BUCKET = "bucket", _("rate of the bucket")
        NOBODY = "", _("too little history")

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="scores")
    cure = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    cure_by = models.CharField(max_length=6, choices=By, blank=True, default="")
    cure_version = models.ForeignKey(ScorecardVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    roll = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    roll_by = models.CharField(max_length=6, choices=By, blank=True, default="")
    roll_version = models.ForeignKey(ScorecardVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reasons = models.JSONField(default=dict)
    channel = models.CharField(max_length=8, blank=True, default="")
    hour = models.PositiveSmallIntegerField(null=True)
    rate = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    tries = models.PositiveIntegerField(default=0)
    orders = models.BooleanField(
        default=False, db_default=False, help_text="the queue takes its chance from the model, by the rule of that night"
    )
    as_of = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="case_score_is_a_share",
                condition=(Q(cure__isnull=True) | Q(cure__gte=0, cure__lte=1)) & (Q(roll__isnull=True) | Q(roll__gte=0, roll__lte=1)),
            ),
            models.CheckConstraint(
                name="case_score_best_is_whole",
                condition=Q(channel="", hour__isnull=True, rate__isnull=True)
                | (~Q(channel="") & Q(hour__isnull=False, rate__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"scores of {self.case_id}"


class QueueBacktest(models.Model):
    """The order of the queue held against other orders on the cases of a past day, by the cash that came in afterwards. Sums only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("backtests of the order of the queue"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "day": _("Day whose cases are ordered, as known at its end"),
            "days": _("Days after it whose cash is counted"),
            "result": _("Shares of cash by order, with intervals"),
        },
    )

    public_id = PublicIdField(prefix="QB")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    days = models.PositiveSmallIntegerField()
    result = models.JSONField(null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="queue_backtest_looks_ahead", condition=Q(days__gte=1, days__lte=180))]

    def __str__(self) -> str:
        return self.public_id
