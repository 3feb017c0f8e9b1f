"""Trials: who is drawn and stays drawn, who may start one, what ends it, what replays; challengers in the shadow."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import given, settings
from hypothesis.strategies import integers, text

from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove, MovedMeanwhile
from risk import engine, outcome_source, registry, strategy_life, strategy_tasks, trials
from risk.models import Decision, ScorecardVersion, ShadowDecision, StrategyVersion, Trial
from risk.trials import AlreadyRunning, OwnTrial, Rate, UnfitChallenger
from tests.fixtures.cast import Cast
from tests.risk.drafts import approved, draft
from tests.risk.support import FACTS, NOON, WEAK, D, artefact, live_scorecard

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def house(cast: Cast) -> Cast:
    live_scorecard(cast.system)
    return cast


def planned(house: Cast, **changes: Any) -> Trial:
    version = changes.pop("version", None) or approved(house, age_min="99")
    values: dict[str, Any] = {"kind": "traffic", "version": version, "share": 10, "why": "fewer young defaults", "minimum_sample": 20}
    return trials.plan(version.strategy, actor=house.risk_analyst, at=NOON, **values | changes)


def running(house: Cast, **changes: Any) -> Trial:
    return trials.start(planned(house, **changes), actor=house.risk_manager, at=NOON)


def decide(house: Cast, customer_id: int | None, **changes: Any) -> Decision:
    return engine.evaluate(FACTS | changes, at=NOON, actor=house.system, customer_id=customer_id, subject="credit.application:A-TEST")


# --- who is drawn -----------------------------------------------------------------------------------------------------------
@given(text("ABCDEFGHJKMNPQRSTVWXYZ23456789", min_size=8, max_size=8), integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_the_share_holds_and_a_customer_stays(name: str, share: int) -> None:
    pair = engine.Pair(1, "a", None, None)
    arms = engine.Arms(pair, 1, f"TR-{name}", share, pair._replace(strategy_id=2))
    drawn = [arms.draw(customer)[1] for customer in range(1, 4001)]
    assert drawn == [arms.draw(customer)[1] for customer in range(1, 4001)]
    # Five standard deviations of a binomial draw of 4,000.
    bound = 5 * (share / 100 * (1 - share / 100) / 4000) ** 0.5
    assert abs(drawn.count("challenger") / 4000 - share / 100) < bound
    assert set(drawn) <= {"champion", "challenger"}
    assert arms.draw(None) == (pair, "")


def test_two_trials_draw_independently() -> None:
    both = sum(engine.bucket("TR-AAAAAAAA", one) < 5000 and engine.bucket("TR-BBBBBBBB", one) < 5000 for one in range(4000))
    assert 850 < both < 1150


def test_a_tenth_is_judged_by_the_challenger_and_each_decision_replays(house: Cast) -> None:
    trial = running(house)
    for customer in range(1, 61):
        decide(house, customer)
    rows = list(Decision.objects.with_versions())
    assert {one.trial_id for one in rows} == {trial.pk}
    for one in rows:
        assert one.strategy_version_id == (trial.challenger_version_id if one.arm == "challenger" else trial.champion_id)
        assert one.outcome == ("decline" if one.arm == "challenger" else "approve")
        assert engine.difference(one) == ""
    drawn = [one.arm for one in rows].count("challenger")
    assert 0 < drawn < 20
    assert decide(house, None).arm == ""
    trials.stop(trial, reason="seen enough", actor=house.risk_manager, at=LATER)
    assert decide(house, 1).arm == ""
    assert all(engine.difference(one) == "" for one in rows), "a decision replays by the versions that judged it, also after the trial"


def test_without_a_trial_an_evaluation_costs_the_same_queries(house: Cast, django_assert_max_num_queries: Any) -> None:
    running(house)
    decide(house, 1)
    with django_assert_max_num_queries(6):
        decide(house, 2)


# --- a model challenges -------------------------------------------------------------------------------------------------------
def model(house: Cast, status: str = "approved", **changes: Any) -> ScorecardVersion:
    """Return another version of the card, approved by three people."""
    kept = copy.deepcopy(artefact())
    kept["content"]["scale"] = kept["content"]["scale"] | changes
    made = registry.add_scorecard_version(
        code=registry.CARD, name_en="Retail scorecard", name_zh="零售评分卡", actor=house.risk_analyst, at=NOON, **kept
    )
    if status == "approved":
        ScorecardVersion.objects.filter(pk=made.pk).update(
            status="validated", developer=house.risk_analyst, validator=house.risk_manager, validated_at=NOON
        )
        ScorecardVersion.objects.filter(pk=made.pk).update(status="approved", approver=house.compliance, approved_at=NOON)
        made.refresh_from_db()
    return made


def test_an_approved_model_challenges_inside_the_live_strategy(house: Cast) -> None:
    champion = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    card = model(house)
    trial = trials.plan(
        champion.strategy, kind="traffic", card=card, share=50, why="a newer card", minimum_sample=20, actor=house.risk_analyst, at=NOON
    )
    trials.start(trial, actor=house.risk_manager, at=NOON)
    rows = [decide(house, customer) for customer in range(1, 21)]
    assert {one.strategy_version_id for one in rows} == {champion.pk}
    assert {one.scorecard_version_id for one in rows if one.arm == "challenger"} == {card.pk}
    assert card.pk not in {one.scorecard_version_id for one in rows if one.arm == "champion"}


def test_what_nobody_approved_judges_nobody(house: Cast) -> None:
    champion = StrategyVersion.objects.get(status="live", strategy__kind="lending")
    told: dict[str, Any] = {"kind": "traffic", "share": 10, "why": "x", "actor": house.risk_analyst, "at": NOON}
    with pytest.raises(UnfitChallenger, match="not approved"):
        trials.plan(champion.strategy, version=draft(house), **told)
    with pytest.raises(UnfitChallenger, match="not approved"):
        trials.plan(champion.strategy, card=model(house, "draft"), **told)
    with pytest.raises(UnfitChallenger, match="champion itself"):
        trials.plan(champion.strategy, version=champion, **told)
    with pytest.raises(UnfitChallenger, match="champion itself"):
        trials.plan(champion.strategy, card=ScorecardVersion.objects.get(status="live"), **told)
    for share in (None, 0, 51):
        with pytest.raises(Invalid):
            trials.plan(champion.strategy, version=approved(house), **told | {"share": share})
    assert not Trial.objects.exists()


# --- who starts, who ends -----------------------------------------------------------------------------------------------------
def test_who_planned_it_does_not_start_it(house: Cast) -> None:
    trial = planned(house)
    with pytest.raises(OwnTrial):
        trials.start(trial, actor=house.risk_analyst, at=NOON)
    with pytest.raises(IntegrityError, match="trial_started_by_another"), transaction.atomic():
        Trial.objects.filter(pk=trial.pk).update(status="running", started_by=house.risk_analyst)


def test_one_trial_runs_at_a_time_and_the_second_of_two_is_told(house: Cast) -> None:
    first = planned(house)
    second = planned(house, version=first.challenger_version)
    stale = Trial.objects.get(pk=first.pk)
    trials.start(first, actor=house.risk_manager, at=NOON)
    with pytest.raises(AlreadyRunning), transaction.atomic():
        trials.start(second, actor=house.risk_manager, at=NOON)
    with pytest.raises((MovedMeanwhile, AlreadyRunning)), transaction.atomic():
        trials.start(stale, actor=house.risk_manager, at=NOON)
    with pytest.raises(IllegalMove):
        trials.withdraw(first, actor=house.risk_analyst, at=NOON)


def test_another_champion_ends_it_at_once(house: Cast) -> None:
    trial = running(house)
    strategy_life.release(StrategyVersion.objects.select_related("strategy").get(pk=trial.challenger_version_id), note="won",
        actor=house.risk_manager, at=LATER)  # fmt: skip
    assert decide(house, 1).arm == ""
    assert [one.stop_code for one in trials.check_running(at=LATER, actor=house.system)] == ["champion"]
    late = planned(house, version=approved(house, age_min="20"))
    strategy_life.roll_back(late.strategy, note="no", actor=house.risk_manager, at=LATER)
    with pytest.raises(UnfitChallenger, match="champion since"):
        trials.start(late, actor=house.risk_manager, at=LATER)


def test_the_stop_rule_waits_for_its_sample_and_then_ends_the_trial(house: Cast) -> None:
    trial = running(house, share=50, stop_approval_pp=D("15"), minimum_sample=20)
    for customer in range(1, 26):
        decide(house, customer)
    assert trials.check_running(at=LATER, actor=house.system) == []
    for customer in range(26, 81):
        decide(house, customer)
    (ended,) = trials.check_running(at=LATER, actor=house.system)
    assert (ended.pk, ended.stop_code, ended.stop_reason) == (trial.pk, "approval", "-100.0 pp")
    assert decide(house, 1).arm == ""


def test_the_stop_rule_ends_a_trial_by_matured_bad_rates(house: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only loans whose time has passed count, only above the least sample, and only a challenger that is worse."""
    trial = running(house, version=approved(house, age_min="19"), share=50, stop_bad_pp=D("10"), minimum_sample=20)
    sides: dict[str, list[str]] = {"champion": [], "challenger": []}
    for customer in range(1, 71):
        made = engine.evaluate(FACTS, at=NOON, actor=house.system, customer_id=customer, subject=f"tests.loan:T-{customer}")
        sides[made.arm].append(f"T-{customer}")
    assert min(map(len, sides.values())) >= 20
    bad: set[str] = set()
    young: set[str] = set()

    def told(ids: Any, *, as_of: Any, horizon_months: int, bad_dpd: int) -> dict[str, outcome_source.Outcome]:
        def of(name: str) -> outcome_source.Outcome:
            status: Any = "bad" if name in bad else "good"
            return outcome_source.Outcome(status, 12, 0, as_of, None, name not in young, D(1), D(0))

        return {name: of(name) for name in ids}

    monkeypatch.setitem(outcome_source.SOURCES._items, "tests.loan", told)
    assert trials.check_running(at=LATER, actor=house.system) == []  # nobody is bad
    bad.update(sides["champion"])
    assert trials.check_running(at=LATER, actor=house.system) == []  # a challenger that is better goes on
    bad.clear()
    bad.update(sides["challenger"][: len(sides["challenger"]) // 2])
    young.update(sides["challenger"][19:])
    assert trials.check_running(at=LATER, actor=house.system) == []  # 19 have had their time: too few
    young.clear()
    (ended,) = trials.check_running(at=LATER, actor=house.system)
    worse = len(bad) / len(sides["challenger"]) * 100
    assert (ended.pk, ended.stop_code, ended.stop_reason) == (trial.pk, "bad", f"{worse:+.1f} pp")


def test_an_interval_holds_its_share() -> None:
    rate = Rate(10, 100)
    assert rate.interval is not None
    assert [round(one, 4) for one in rate.interval] == [0.0552, 0.1744]  # Wilson, as R's prop.test without correction gives it
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval is None


# --- in the shadow ------------------------------------------------------------------------------------------------------------
def test_a_shadow_judges_beside_and_decides_nothing(house: Cast, deliver: Any) -> None:
    trial = planned(house, kind="shadow", share=None)
    assert trial.status == "running"
    made = decide(house, 7)
    assert (made.outcome, made.arm) == ("approve", "")
    deliver()
    kept = ShadowDecision.objects.get()
    assert (kept.decision_id, kept.outcome, kept.differs, kept.reasons[0]) == (made.pk, "decline", True, "age_below_minimum")
    assert trials.judge_in_shadow(made, at=LATER) == 1
    assert ShadowDecision.objects.count() == 1, "twice is as once"
    decide(house, 8, **WEAK)
    deliver()
    champion, challenger = trials.arms(trial, at=LATER)
    assert (champion.outcomes["approve"].count, challenger.outcomes["decline"].count, challenger.decided) == (1, 2, 2)
    with pytest.raises(DatabaseError), transaction.atomic():
        ShadowDecision.objects.update(differs=False)


def test_a_draft_is_not_even_shadowed(house: Cast) -> None:
    with pytest.raises(UnfitChallenger, match="still changes"):
        planned(house, version=draft(house), kind="shadow", share=None)


def test_the_beat_ends_trials_and_releases(house: Cast) -> None:
    running(house)
    assert strategy_tasks.check_trials() == []
    assert strategy_tasks.release_due() == []
