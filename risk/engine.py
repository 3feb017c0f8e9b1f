"""The door to judgement: `evaluate` runs the live strategy on facts and stores the verdict with everything needed to repeat it."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from ledger import log
from risk import scorecards, scoring, strategies, strategy_facts, suggestions
from risk.models import Decision, ScorecardVersion, StrategyVersion
from risk.registry import content_sha256
from risk.strategies import Strategy, Verdict

KEPT = 64


class NoLiveStrategy(DomainError):
    """Nothing may be judged: the strategy has no live version."""

    code = "no_live_strategy"


class Tampered(DomainError):
    """The stored content of a version is not what was registered."""

    code = "version_tampered"


class Pair(NamedTuple):
    """A strategy version and the scorecard version it is run with, each by id and content hash."""

    strategy_id: int
    strategy_sha256: str
    scorecard_id: int | None
    scorecard_sha256: str | None


class Arms(NamedTuple):
    """What judges now: the champion, and the challenger of a running trial with the share of customers it gets, in percent."""

    champion: Pair
    trial_id: int | None = None
    trial: str = ""
    share: int = 0
    challenger: Pair | None = None

    def draw(self, customer_id: int | None) -> tuple[Pair, str]:
        """Return who judges a customer and the name of the arm; nobody without a number takes part in a trial."""
        if self.challenger is None or customer_id is None:
            return self.champion, ""
        drawn = bucket(self.trial, customer_id) < self.share * BUCKETS // 100
        return (self.challenger, "challenger") if drawn else (self.champion, "champion")


BUCKETS = 10_000


def bucket(trial: str, customer_id: int) -> int:
    """Return the place of a customer among 10,000: the same each time, and unrelated from one trial to another."""
    return int.from_bytes(hashlib.sha256(f"{trial}:{customer_id}".encode()).digest()[:8]) % BUCKETS


_compiled: OrderedDict[Pair, Strategy] = OrderedDict()
_lock = threading.Lock()


def evaluate(
    facts: Mapping[str, Any],
    *,
    at: datetime,
    actor: Any,
    strategy: str = "retail_installment",
    subject: str = "",
    customer_id: int | None = None,
    sources: Mapping[str, Mapping[str, str]] | None = None,
) -> Decision:
    """Judge `facts` by the live version of `strategy`; store the decision and record `risk.decision.made`.

    Arguments and refusals are those of `judged`. Holds no lock.
    """
    decision = judged(facts, at=at, strategy=strategy, subject=subject, customer_id=customer_id, sources=sources)
    with transaction.atomic():
        decision.save(force_insert=True)
        log.record(
            "risk.decision.made", decision, actor=actor, at=at, customer_id=customer_id, decision=decision.public_id, about=subject,
            outcome=decision.outcome, grade=decision.grade, reasons=decision.reasons,
            strategy_version=decision.strategy_version_id, scorecard_version=decision.scorecard_version_id,
            **({"trial": decision.trial_id, "arm": decision.arm} if decision.arm else {}),
        )  # fmt: skip
    return decision


def judged(
    facts: Mapping[str, Any],
    *,
    at: datetime,
    strategy: str = "retail_installment",
    subject: str = "",
    customer_id: int | None = None,
    sources: Mapping[str, Mapping[str, str]] | None = None,
) -> Decision:
    """Return the decision on `facts` without storing it.

    While a trial runs, `customer_id` draws the arm, always the same one; without it the champion judges and no arm is noted. What the
    version asks for, `facts` lack and the catalogue of features knows of the customer is computed as of `at` and kept with the decision.

    What the facts lack never raises: such a case is referred, with the fact's name among the reasons. `subject` names what is judged as
    `app.model:public_id`; `sources` says per fact where it comes from and as of when.

    :raises NoLiveStrategy: if the strategy has no live version
    :raises Tampered: if a version's content differs from its hash
    """
    began = time.perf_counter_ns()
    arms = live_arms(strategy)
    pair, arm = arms.draw(customer_id)
    runnable = compiled(pair)
    known, computed = strategy_facts.filled(runnable.catalogue, facts, customer_id=customer_id, at=at)
    verdict = runnable.run(known)
    took = (time.perf_counter_ns() - began) // 1_000
    return Decision(
        subject=subject,
        strategy_version_id=pair.strategy_id,
        scorecard_version_id=pair.scorecard_id,
        trial_id=arms.trial_id if arm else None,
        arm=arm,
        sources=_known_sources({**computed, **(sources or {})}, verdict),
        at=at,
        duration_us=took,
        **{name: getattr(verdict, name) for name in ("outcome", "grade", "score", "pd", "limit", "binding", "annual_rate")},
        reasons=list(verdict.reasons),
        figures=dict(verdict.figures),
        facts=dict(verdict.facts),
        trace=list(verdict.trace),
    )


LIVE = """
SELECT version.id, version.sha256, card.id, card.sha256, trial.id, trial.public_id, trial.share,
       other.id, other.sha256, other_card.id, other_card.sha256
FROM risk_strategy AS strategy
JOIN risk_strategyversion AS version ON version.strategy_id = strategy.id AND version.status = 'live'
LEFT JOIN (risk_scorecardversion AS card JOIN risk_scorecard AS named ON named.id = card.scorecard_id)
    ON named.code = version.scorecard_code AND card.status = 'live'
LEFT JOIN risk_trial AS trial
    ON trial.strategy_id = strategy.id AND trial.kind = 'traffic' AND trial.status = 'running' AND trial.champion_id = version.id
LEFT JOIN risk_strategyversion AS other ON other.id = CASE WHEN trial.id IS NOT NULL THEN COALESCE(trial.challenger_version_id, version.id) END
LEFT JOIN (risk_scorecardversion AS other_card JOIN risk_scorecard AS other_named ON other_named.id = other_card.scorecard_id)
    ON trial.id IS NOT NULL AND CASE WHEN trial.challenger_card_id IS NULL
        THEN other_named.code = other.scorecard_code AND other_card.status = 'live' ELSE other_card.id = trial.challenger_card_id END
WHERE strategy.code = %s
"""


def live_arms(strategy: str) -> Arms:
    """Return the live version of a strategy with the live version of its scorecard, and the running trial's challenger, in one query.

    A trial whose champion is no longer live is over, whether or not anybody has noted it.

    :raises NoLiveStrategy: if there is no live version
    """
    with connection.cursor() as cursor:  # by hand: building this query through the ORM takes longer than running it
        cursor.execute(LIVE, [strategy])
        found = cursor.fetchone()
    if found is None:
        raise NoLiveStrategy(_("The strategy “%(code)s” has no live version.") % {"code": strategy})
    if found[4] is None:
        return Arms(Pair(*found[:4]))
    return Arms(Pair(*found[:4]), found[4], found[5], found[6], Pair(*found[7:]))


def live(strategy: str) -> Pair:
    """Return the champion: the live version of a strategy with the live version of its scorecard.

    :raises NoLiveStrategy: if there is none
    """
    return live_arms(strategy).champion


def compiled(pair: Pair) -> Strategy:
    """Return the runnable strategy of a pair, compiled once per process. The hashes are part of the key.

    :raises Tampered: if a version's content differs from its hash
    """
    with _lock:
        if pair in _compiled:
            _compiled.move_to_end(pair)
            return _compiled[pair]
    made = _compile(pair)
    with _lock:
        _compiled[pair] = made
        while len(_compiled) > KEPT:
            _compiled.popitem(last=False)
    return made


def repeat(decision: Decision) -> Verdict:
    """Run the facts of a decision again through the versions that decided it.

    :raises Tampered: if a version's content differs from its hash
    """
    return strategy_of(decision).run(decision.facts)


def suggestions_for(decision: Decision) -> list[suggestions.Suggestion]:
    """Return what the versions that decided would approve in the place of what they did not; empty for an approval."""
    if decision.outcome == strategies.APPROVE:
        return []
    try:
        return suggestions.find(strategy_of(decision), decision.facts, decision.reasons)
    except (Tampered, strategies.BadStrategy, scorecards.BadCard):
        return []  # the replay says what is wrong


def strategy_of(decision: Decision) -> Strategy:
    """Return the strategy with the card that decided, runnable.

    :raises Tampered: if a version's content differs from its hash
    """
    card = decision.scorecard_version
    pair = Pair(decision.strategy_version_id, decision.strategy_version.sha256, card.pk if card else None, card.sha256 if card else None)
    return compiled(pair)


def difference(decision: Decision) -> str:
    """Return the first difference between a decision and its repetition; empty when the verdict is the same."""
    try:
        return strategies.first_difference(decision.verdict(), repeat(decision))
    except (Tampered, strategies.BadStrategy, scorecards.BadCard) as refusal:
        return f"version: {refusal}"


def _compile(pair: Pair) -> Strategy:
    version = StrategyVersion.objects.get(pk=pair.strategy_id)
    if content_sha256(version.graph, version.input_schema, version.reasons) != pair.strategy_sha256:
        raise Tampered(_("The stored content of %(version)s is not what was registered.") % {"version": version})
    card = None
    if pair.scorecard_id is not None:
        kept = ScorecardVersion.objects.get(pk=pair.scorecard_id)
        if content_sha256(kept.content) != pair.scorecard_sha256:
            raise Tampered(_("The stored content of %(version)s is not what was registered.") % {"version": kept})
        card = scoring.load(kept.content)
    return Strategy(version.graph, version.input_schema, version.reasons, card)


def _known_sources(sources: Mapping[str, Mapping[str, str]], verdict: Verdict) -> dict[str, dict[str, str]]:
    """Keep source and date of facts that were kept themselves; nothing else that a caller may have put there."""
    return {name: {key: str(one[key])[:40] for key in ("source", "as_of") if key in one}
            for name, one in sources.items() if name in verdict.facts}  # fmt: skip
