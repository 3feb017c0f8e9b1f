"""What was judged: decisions that nobody can change."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Column, Policy
from risk import words
from risk.models.scorecards import ScorecardVersion
from risk.models.strategies import StrategyVersion
from risk.strategies import Verdict


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user: Any) -> "DecisionQuerySet":
        """Narrow to what `user` may list: every decision with data scope "all", none otherwise.

        A single decision of one's own customer is opened through `decisions.get_for`, which asks the app that knows the subject.
        """
        return self if user.scope == "all" else self.none()

    def for_list(self) -> "DecisionQuerySet":
        """Name the joins of a list row and leave out the heavy columns."""
        return self.select_related("strategy_version__strategy", "scorecard_version__scorecard").defer(
            "trace", "facts", "sources", "figures", "strategy_version__graph", "strategy_version__input_schema",
            "strategy_version__reasons", "scorecard_version__content", "scorecard_version__metrics",
        )  # fmt: skip

    def for_replay(self) -> "DecisionQuerySet":
        """Join the versions by id and hash only: their content is compiled once per process, not read once per decision."""
        return self.select_related("strategy_version", "scorecard_version").only(
            "public_id", "outcome", "grade", "score", "pd", "limit", "binding", "annual_rate", "reasons", "figures", "facts", "trace",
            "strategy_version__sha256", "scorecard_version__sha256",
        )  # fmt: skip

    def with_versions(self) -> "DecisionQuerySet":
        """Join what a page about one decision shows."""
        return self.select_related("strategy_version__strategy", "scorecard_version__scorecard")


class Decision(models.Model):
    """One verdict with the facts and versions it came from. Insert-only, by trigger."""

    POLICY = Policy(
        owner="risk",
        meaning=_("a verdict with facts, reasons and trace, so that it can be explained and repeated"),
        retention=_("10y"),
        personal={"facts": "C2", "trace": "C2", "figures": "C2", "subject": "C1"},
        open_fields={
            "facts": _("carries no identifier; replay and monitoring read it in bulk"),
            "trace": _("carries no identifier; shown as it was"),
            "figures": _("carries no identifier; amounts the sentences are filled with"),
        },
        level=3,
        kind="C2",
        purposes=("underwriting", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "subject": Column(_("Which application it is about, as an id"), mask="none"),
            "grade": _("Risk grade, A to E"),
            "score": _("Points of the scorecard"),
            "pd": _("Probability of default within twelve months"),
            "limit": _("Largest amount the decision allows, CNY"),
            "binding": _("Which rule bounded the limit"),
            "arm": _("Which side of a trial judged it"),
            "reasons": _("Codes of the reasons"),
            "figures": Column(_("Amounts the sentences of the reasons are filled with"), mask="none"),
            "facts": Column(_("What the decision knew of the person, without identifiers"), mask="none"),
            "sources": _("Where each fact came from"),
            "trace": Column(_("Each step the strategy took"), mask="none"),
            "duration_us": _("How long it took, in microseconds"),
        },
    )
    TONES: ClassVar[dict[str, str]] = {"approve": "good", "refer": "caution", "decline": "bad"}

    class Outcome(models.TextChoices):
        APPROVE = "approve", _("approve")
        REFER = "refer", _("refer")
        DECLINE = "decline", _("decline")

    public_id = PublicIdField(prefix="D")
    subject = models.CharField(max_length=80, blank=True, default="", help_text="app.model:public id of what was judged")
    strategy_version = models.ForeignKey(StrategyVersion, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    scorecard_version = models.ForeignKey(ScorecardVersion, null=True, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    trial = models.ForeignKey("risk.Trial", null=True, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    arm = models.CharField(max_length=10, blank=True, default="", help_text="champion or challenger, where a trial drew the customer")
    outcome = models.CharField(max_length=8, choices=Outcome)
    grade = models.CharField(max_length=1, blank=True, default="")
    score = models.IntegerField(null=True)
    pd = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    limit = MoneyField(null=True)
    binding = models.CharField(max_length=20, blank=True, default="")
    annual_rate = RateField(null=True)
    reasons = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    sources = models.JSONField(default=dict, help_text="per fact: source and as_of, where the caller said so")
    trace = models.JSONField(default=list)
    at = models.DateTimeField()
    stored_at = models.DateTimeField(db_default=Now())
    duration_us = models.PositiveIntegerField(help_text="checking, scoring and rules, without the database")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="decision_outcome_known", condition=Q(outcome__in=["approve", "refer", "decline"])),
            models.CheckConstraint(
                name="decision_approval_is_complete",
                condition=~Q(outcome="approve")
                | Q(grade__gt="", limit__isnull=False, limit__gt=0, annual_rate__isnull=False, annual_rate__gte=0),
            ),
            models.CheckConstraint(name="decision_refusal_has_reason", condition=Q(outcome="approve") | ~Q(reasons=[])),
            models.CheckConstraint(
                name="decision_arm_of_a_trial",
                condition=Q(arm="", trial__isnull=True) | Q(arm__in=["champion", "challenger"], trial__isnull=False),
            ),
            models.CheckConstraint(name="decision_score_has_version", condition=Q(score__isnull=True) | Q(scorecard_version__isnull=False)),
        ]
        indexes = [
            models.Index(F("subject"), F("id").desc(), name="decision_subject"),
            models.Index(F("strategy_version"), F("id").desc(), name="decision_strategy_version"),
            # monitoring reads the decisions of a month; they come in the order of time, so that a few kilobytes say where each month lies
            BrinIndex(fields=["at"], name="decision_at", pages_per_range=32),
            models.Index(fields=["trial", "arm", "outcome"], name="decision_trial", condition=Q(trial__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def status(self) -> str:
        return self.outcome

    def get_status_display(self) -> str:
        return str(self.Outcome(self.outcome).label)

    def verdict(self) -> Verdict:
        """Return what was stored as the strategy gave it, to be held against a second run."""
        return Verdict(
            outcome=self.outcome, grade=self.grade, score=self.score, pd=self.pd, limit=self.limit, binding=self.binding,
            annual_rate=self.annual_rate, reasons=tuple(self.reasons), figures=self.figures, facts=self.facts, trace=tuple(self.trace),
        )  # fmt: skip

    def texts(self) -> dict[str, Any]:
        """Return the reason texts of the versions that decided."""
        card = self.scorecard_version.content.get("reasons", {}) if self.scorecard_version else {}
        return {**card, **self.strategy_version.reasons}

    def reason_sentences(self, language: str = "", *, customer: bool = False) -> list[str]:
        """Return the reasons as sentences, for staff or in the customer's words, in `language` or the current one.

        A customer hears at most four reasons, each once, and never of a fact's technical name.
        """
        language = language or get_language() or "en"
        texts, values = self.texts(), {**self.facts, **self.figures}
        codes = self.reasons[:4] if customer else self.reasons
        told = [words.sentence(code, texts, values, language=language, customer=customer, currency=settings.CURRENCY) for code in codes]
        return list(dict.fromkeys(told))
