"""Strategies in the demonstration: a challenger on a tenth of the customers since the first day, a draft under way, cases, comments."""

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from governance.models import User
from risk import probe, registry, strategy_cases, strategy_life, strategy_versions, trials
from risk.models import StrategyVersion

# Invented facts, each a small change of one good payer.
GOOD: dict[str, Any] = {
    "amount": "6000.00", "term": 12, "purpose": "car_used", "product_min": "1000.00", "product_max": "50000.00", "term_min": 3,
    "term_max": 36, "rate_a": "0.12", "rate_b": "0.15", "rate_c": "0.18", "rate_d": "0.20", "rate_cap": "0.24", "age": 40,
    "income": "9000.00", "monthly_debt": "500.00", "exposure": "0.00", "exposure_cap": "200000.00", "current_dpd": 0,
    "consent_bureau": True, "checking_status": "no_account", "credit_history": "existing_paid_till_now", "savings": "1000_or_more",
    "employment": "7_years_or_more", "installment_rate": 2, "other_debtors": "none", "property": "real_estate", "other_plans": "none",
    "housing": "own", "existing_credits": 1,
}  # fmt: skip
CASES: list[tuple[str, dict[str, Any]]] = [
    ("Good payer", {}),
    ("Seventeen years old", {"age": 17}),
    ("No consent to a bureau query", {"consent_bureau": False}),
    ("Debt takes too much of the income", {"monthly_debt": "6500.00"}),
    ("Forty days late here", {"current_dpd": 40}),
    ("Income is missing", {"income": None}),
]


def begin(staff: Mapping[str, User], *, at: datetime) -> None:
    """Keep the cases, approve a stricter version and give it a tenth of the customers, before the first application comes."""
    live = StrategyVersion.objects.select_related("strategy").get(strategy__code=registry.RETAIL, status="live")
    declared = {row["name"] for row in live.input_schema["facts"]}
    base = {**{name: value for name, value in probe.made_up(live.input_schema)[1].items() if name not in GOOD}, **GOOD}
    for name, changes in CASES:
        given = {fact: value for fact, value in {**base, **changes}.items() if fact in declared}
        expected = _expected(live, given)
        strategy_cases.add(live.strategy, name=name, facts_given=given, expected=expected, actor=staff["analyst"], at=at)
    draft = strategy_versions.draft_from(live, note="Debt-to-income at most 50 %", actor=staff["analyst"], at=at)
    graph = copy.deepcopy(draft.graph)
    if not _set(graph, "dti_limit", "0.50"):
        return
    draft = strategy_versions.save(draft, revision=draft.revision, graph=graph, actor=staff["analyst"], at=at)
    node = next(raw["id"] for raw in graph["nodes"] if raw["type"] == "expressionNode")
    strategy_life.comment(draft, text="Why 50 %? Let the trial show what it saves and whom it loses.", node=node, actor=staff["compliance"], at=at)  # fmt: skip
    version = strategy_life.send(draft, note="Fewer loans that take half of the income", actor=staff["analyst"], at=at)
    strategy_life.approve(
        version, note="Facts kept for reports only are meant to be unused.", actor=staff["risk"], at=at + timedelta(hours=1)
    )
    trial = trials.plan(
        live.strategy, kind="traffic", version=version, share=10, minimum_sample=200, stop_approval_pp=None, stop_bad_pp=None,
        why="Does a lower limit of debt-to-income save losses without losing good customers?", actor=staff["analyst"],
        at=at + timedelta(hours=2),
    )  # fmt: skip
    trials.start(trial, actor=staff["risk"], at=at + timedelta(hours=3))


def fill(staff: Mapping[str, User], *, at: datetime) -> None:
    """Leave a draft of the analyst's and a version that waits for a second person."""
    live = StrategyVersion.objects.select_related("strategy").get(strategy__code=registry.RETAIL, status="live")
    waiting = strategy_versions.draft_from(live, note="Applicants from 20", actor=staff["analyst"], at=at)
    graph = copy.deepcopy(waiting.graph)
    if _set(graph, "age_min", "20"):
        waiting = strategy_versions.save(waiting, revision=waiting.revision, graph=graph, actor=staff["analyst"], at=at)
        strategy_life.send(waiting, note="To be held against a backtest before it is approved", actor=staff["analyst"], at=at)
    strategy_versions.draft_from(live, note="Longer terms for grades A and B", actor=staff["analyst"], at=at)


def _expected(version: StrategyVersion, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the live version concludes: the cases of the demonstration pin what is shipped."""
    from risk.models import StrategyCase

    (ran,) = strategy_cases.run_all(version, [StrategyCase(facts=dict(given), expected={"outcome": "approve"})])
    return {"outcome": ran.verdict.outcome, "grade": ran.verdict.grade}


def _set(graph: dict[str, Any], key: str, value: str) -> bool:
    for raw in graph["nodes"]:
        for row in (raw.get("content") or {}).get("expressions") or ():
            if row["key"] == key:
                row["value"] = value
                return True
    return False
