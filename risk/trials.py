"""Trials: a challenger on a share of the customers, or in the shadow; what ends one; what came of it.

Planned by one person, started by another; the challenger itself was approved by a second person before. A customer stays in one arm.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import notices
from governance.lifecycle import move
from governance.models import User
from ledger import log
from risk import engine, outcome_source, scorecards, stability, strategies
from risk.facts import BadSchema
from risk.models import Decision, ScorecardVersion, ShadowDecision, Strategy, StrategyVersion, Trial
from risk.permissions import RELEASE_STRATEGY
from risk.strategies import OUTCOMES

Status, Kind, Stop = Trial.Status, Trial.Kind, Trial.Stop
ARMS = ("champion", "challenger")
LONGEST = 500
APPROVED_CARDS = ("approved", "live")
SHADOWED = ("testing", "approved", "scheduled", "live", "retired")
MOST_SUBJECTS = 5_000


class UnfitChallenger(Invalid):
    """The challenger cannot judge beside the champion; the message says why."""

    code = "unfit_challenger"


class AlreadyRunning(DomainError):
    """One trial of a kind runs on a strategy at a time."""

    code = "trial_running"


class OwnTrial(NotAllowed):
    """Who planned a trial does not start it."""

    code = "own_trial"


@transaction.atomic
def plan(
    strategy: Strategy,
    *,
    kind: str,
    why: str,
    actor: User,
    at: datetime,
    version: StrategyVersion | None = None,
    card: ScorecardVersion | None = None,
    share: int | None = None,
    minimum_sample: int = 200,
    stop_approval_pp: Decimal | None = None,
    stop_bad_pp: Decimal | None = None,
) -> Trial:
    """Plan a trial of a strategy version, of a model, or of both together, against what is live.

    A trial in the shadow decides nothing and starts at once; one on a share of the customers waits for another person.

    :param share: percent of the customers, 1 to 50; none for the shadow
    :raises UnfitChallenger: if the challenger was not approved, is the champion, or cannot run with what it is given
    :raises AlreadyRunning: if another shadow runs
    """
    champion = StrategyVersion.objects.filter(strategy=strategy, status="live").first()
    if champion is None:
        raise UnfitChallenger(_("The strategy has no live version to challenge."))
    why = _said(why, "why")
    if kind == Kind.TRAFFIC and not (share and 1 <= share <= 50):
        raise Invalid(_("The share lies between 1 and 50 percent."), fields={"share": _("Choose 1 to 50 percent.")})
    _fits(champion, version, card, kind)
    trial = Trial.objects.create(
        kind=kind, strategy=strategy, champion=champion, challenger_version=version, challenger_card=card,
        share=share if kind == Kind.TRAFFIC else None, minimum_sample=minimum_sample, stop_approval_pp=stop_approval_pp,
        stop_bad_pp=stop_bad_pp, why=why, planned_by=actor, planned_at=at,
    )  # fmt: skip
    log.record("risk.trial.planned", trial, actor=actor, at=at, of=strategy.public_id, kind=kind, share=trial.share)
    if kind == Kind.SHADOW:
        return _run(trial, actor=actor, at=at)
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[RELEASE_STRATEGY]).order_by("pk")
    _tell(people, trial, "risk.trial_waits", actor=actor, at=at)
    return trial


@transaction.atomic
def start(trial: Trial, *, actor: User, at: datetime) -> Trial:
    """Let the challenger judge its share from now on.

    :raises OwnTrial: if the actor planned it
    :raises UnfitChallenger: if what was planned no longer fits: another champion, a challenger that was withdrawn
    :raises AlreadyRunning: if another trial runs on the strategy
    """
    if actor.is_also(trial.planned_by_id):
        raise OwnTrial(_("You planned this trial, so another person must start it."))
    champion = StrategyVersion.objects.get(pk=trial.champion_id)
    if champion.status != "live":
        raise UnfitChallenger(_("Another version became champion since the trial was planned. Plan it anew."))
    version = StrategyVersion.objects.get(pk=trial.challenger_version_id) if trial.challenger_version_id else None
    card = ScorecardVersion.objects.get(pk=trial.challenger_card_id) if trial.challenger_card_id else None
    _fits(champion, version, card, trial.kind)
    return _run(trial, actor=actor, at=at)


def running(strategy: Strategy) -> Trial | None:
    """Return the trial that has a share of the strategy's customers now: another waits until it ends."""
    return Trial.objects.filter(strategy=strategy, kind=Kind.TRAFFIC, status=Status.RUNNING).first()


def _run(trial: Trial, *, actor: User, at: datetime) -> Trial:
    try:
        with transaction.atomic():
            move(trial, Status.RUNNING, actor=actor, at=at, started_by=actor, started_at=at)
    except IntegrityError as error:
        if "trial_one_running" not in str(error):
            raise
        raise AlreadyRunning(_("Another trial of this kind runs on the strategy. Stop it first.")) from error
    return trial


@transaction.atomic
def stop(trial: Trial, *, reason: str, actor: User, at: datetime, code: str = Stop.PERSON) -> Trial:
    """End a running trial: from now on the champion judges everybody."""
    reason = _said(reason, "reason")
    facts = {"code": code}
    move(trial, Status.STOPPED, actor=actor, at=at, facts=facts, stopped_by=actor, stopped_at=at, stop_code=code, stop_reason=reason)
    _tell([trial.planned_by, *([trial.started_by] if trial.started_by else [])], trial, "risk.trial_stopped", actor=actor, at=at)
    return trial


@transaction.atomic
def withdraw(trial: Trial, *, actor: User, at: datetime) -> Trial:
    """Take back a trial that was planned and not started."""
    return move(trial, Status.WITHDRAWN, actor=actor, at=at)


def _fits(champion: StrategyVersion, version: StrategyVersion | None, card: ScorecardVersion | None, kind: str) -> None:
    allowed = SHADOWED if kind == Kind.SHADOW else ("approved", "scheduled")
    if version is not None and version.strategy_id != champion.strategy_id:
        raise UnfitChallenger(_("The challenger is a version of another strategy."))
    if version is not None and version.pk != champion.pk and version.status not in allowed:
        raise UnfitChallenger(
            _("%(version)s was not approved by a second person, so it judges nobody.") % {"version": version}
            if kind == Kind.TRAFFIC else _("A draft still changes. Send it for approval first.")
        )  # fmt: skip
    if card is not None and card.status not in APPROVED_CARDS and kind == Kind.TRAFFIC:
        raise UnfitChallenger(_("The model was not approved, so it judges nobody."))
    if (version is None or version.pk == champion.pk) and card is None:
        raise UnfitChallenger(_("The challenger is the champion itself."))
    judging = version or champion
    if card is not None and not judging.scorecard_code:
        raise UnfitChallenger(_("The strategy asks for no model, so there is nothing to replace."))
    pair = pair_of(judging, card)
    if card is not None and pair == engine.live(champion.strategy.code):
        raise UnfitChallenger(_("The challenger is the champion itself."))
    try:
        engine.compiled(pair)
    except (strategies.BadStrategy, BadSchema, scorecards.BadCard, engine.Tampered) as problem:
        raise UnfitChallenger(_("The challenger cannot run in this strategy: %(problem)s") % {"problem": problem}) from problem


def pair_of(version: StrategyVersion, card: ScorecardVersion | None) -> engine.Pair:
    """Return a version with the model it would be run with: the one given, else the live one it asks for."""
    if card is None and version.scorecard_code:
        card = ScorecardVersion.objects.filter(scorecard__code=version.scorecard_code, status="live").first()
    return engine.Pair(version.pk, version.sha256, card.pk if card else None, card.sha256 if card else None)


# --- in the shadow --------------------------------------------------------------------------------------------------------
def judge_in_shadow(decision: Decision, *, at: datetime) -> int:
    """Let each shadow of the decision's strategy judge the same facts; return how many did. Twice is as once."""
    rows = Trial.objects.filter(kind=Kind.SHADOW, status=Status.RUNNING, strategy__versions=decision.strategy_version_id)
    made = []
    for trial in rows.select_related("challenger_version", "challenger_card", "champion"):
        row = ShadowDecision(trial=trial, decision=decision, differs=False, at=at)
        try:
            verdict = engine.compiled(pair_of(trial.challenger_version or trial.champion, trial.challenger_card)).run(decision.facts)
        except (strategies.BadStrategy, BadSchema, scorecards.BadCard, engine.Tampered) as problem:
            row.failed = str(problem)[:200]
        else:
            for name in ("outcome", "grade", "score", "pd", "limit", "annual_rate"):
                setattr(row, name, getattr(verdict, name))
            row.reasons, row.differs = list(verdict.reasons), verdict.outcome != decision.outcome
        made.append(row)
    ShadowDecision.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


# --- what came of it --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval (Wilson); None where there is nothing to divide by."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        found = stability.share(self.count, self.of)
        return None if found.low is None or found.high is None else (found.low, found.high)


@dataclass(frozen=True)
class Arm:
    """What one side of a trial did."""

    name: str
    decided: int
    outcomes: dict[str, Rate]
    bad: Rate

    @property
    def approved(self) -> Rate:
        return self.outcomes["approve"]


def arms(trial: Trial, *, at: datetime) -> list[Arm]:
    """Return both sides of a trial: how they decided, and how what they approved turned out as far as its horizon has passed."""
    if trial.kind == Kind.SHADOW:
        return _shadow_arms(trial)
    counted = dict.fromkeys(((arm, outcome) for arm in ARMS for outcome in OUTCOMES), 0)
    for arm, outcome, number in (
        Decision.objects.filter(trial=trial).values_list("arm", "outcome").annotate(n=Count("pk")).order_by("arm", "outcome")
    ):
        counted[arm, outcome] = number
    return [_arm(name, {outcome: counted[name, outcome] for outcome in OUTCOMES}, _bad(trial, name, at=at)) for name in ARMS]


def _shadow_arms(trial: Trial) -> list[Arm]:
    rows = ShadowDecision.objects.filter(trial=trial, failed="")
    found = []
    for name, column in (("champion", "decision__outcome"), ("challenger", "outcome")):
        counted = dict.fromkeys(OUTCOMES, 0) | dict(rows.values_list(column).annotate(n=Count("pk")).order_by(column))
        found.append(_arm(name, counted, Rate(0, 0)))
    return found


def _arm(name: str, counted: dict[str, int], bad: Rate) -> Arm:
    decided = sum(counted.values())
    return Arm(name, decided, {outcome: Rate(number, decided) for outcome, number in counted.items()}, bad)


def _bad(trial: Trial, arm: str, *, at: datetime) -> Rate:
    """Return the bad among what the arm approved and whose horizon has passed; the newest few thousand of a long trial."""
    rows = Decision.objects.filter(trial=trial, arm=arm, outcome="approve").exclude(subject="").order_by("-pk")
    told = outcome_source.outcomes(rows.values_list("subject", flat=True)[:MOST_SUBJECTS], as_of=at.date())
    counting = [one for one in told.values() if one.counts]
    return Rate(sum(one.bad for one in counting), len(counting))


def too_far_apart(trial: Trial, sides: Iterable[Arm]) -> tuple[str, str] | None:
    """Return what ends the trial and the sentence for it; None while nothing does. Below the minimum sample nothing does."""
    champion, challenger = sides
    for code, bound, one, other in (
        (Stop.APPROVAL, trial.stop_approval_pp, champion.approved, challenger.approved),
        (Stop.BAD, trial.stop_bad_pp, champion.bad, challenger.bad),
    ):
        if bound is None or one.value is None or other.value is None or min(one.of, other.of) < trial.minimum_sample:
            continue
        apart = (Decimal(str(other.value)) - Decimal(str(one.value))) * 100
        if abs(apart) > bound if code == Stop.APPROVAL else apart > bound:
            return code, f"{apart:+.1f} pp"
    return None


def check_running(*, at: datetime, actor: Any) -> list[Trial]:
    """End each running trial whose stop rule holds, or whose champion is live no longer; return them."""
    ended = []
    for trial in (
        Trial.objects.filter(status=Status.RUNNING).select_related("champion", "strategy", "planned_by", "started_by").order_by("pk")
    ):
        found = (Stop.CHAMPION.value, str(_("Another version became champion."))) if trial.champion.status != "live" else None
        if found is None and trial.kind == Kind.TRAFFIC:
            found = too_far_apart(trial, arms(trial, at=at))
        if found:
            ended.append(stop(trial, code=found[0], reason=found[1], actor=actor, at=at))
    return ended


def _said(text: str, name: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(_("A reason is needed."), fields={name: _("Say why: whoever reads the history needs it.")})
    if len(text) > LONGEST:
        raise Invalid(_("The text is too long."), fields={name: _("At most %(n)s characters.") % {"n": LONGEST}})
    return text


def _tell(people: Iterable[User], trial: Trial, code: str, *, actor: User, at: datetime) -> None:
    url = reverse("trial", args=[trial.public_id])
    notices.tell(people, code=code, key=f"{code}:{trial.public_id}", url=url, at=at, actor=actor, of=trial.public_id)


@notices.words("risk.trial_waits", icon="strategies")
def _waits(notice: Any) -> Any:
    return _("The trial %(id)s waits for somebody to start it.") % {"id": notice.facts["of"]}


@notices.words("risk.trial_stopped", icon="strategies", tone="caution")
def _stopped(notice: Any) -> Any:
    return _("The trial %(id)s was ended.") % {"id": notice.facts["of"]}
