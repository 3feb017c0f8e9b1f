"""A strategy asks for features of the catalogue: computed when somebody is judged, kept with the decision, as of then in a backtest."""

import copy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.lib import features
from risk import backtest_report, backtests, decisions, engine, registry, strategy_facts, strategy_life, strategy_versions, words
from risk.backtests import Side
from risk.models import Decision, StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.drafts import draft, graph, node
from tests.risk.support import FACTS, NOON, live_scorecard

LATER = NOON + timedelta(days=40)
ABOUT = "credit.application:{}"


def asking(cast: Cast, *names: str, when: str) -> StrategyVersion:
    """Return a draft that asks for features and declines where `when` holds."""
    made = draft(cast)
    content = graph()
    rules = node(content, "admission-rules")
    row = dict.fromkeys(rules["rules"][0], "") | {
        "_id": "new-people", "_description": "new people", "admission-rules-when": when,
        "admission-rules-outcome": '"decline"', "admission-rules-reason": '"no_income"',
    }  # fmt: skip
    rules["rules"].append(row)
    schema = copy.deepcopy(made.input_schema)
    schema["facts"] += [strategy_facts.declaration(name) for name in names]
    return strategy_versions.save(made, revision=made.revision, graph=content, input_schema=schema, actor=cast.risk_analyst, at=NOON)


def live(cast: Cast, version: StrategyVersion) -> None:
    sent = strategy_life.send(version, note="features", actor=cast.risk_analyst, at=NOON)
    strategy_life.approve(sent, note="agreed", actor=cast.risk_manager, at=NOON)
    registry.make_live(sent, actor=cast.risk_manager, at=NOON)


@pytest.fixture
def application(cast: Cast, make_customer: Callable[..., Any]) -> Any:
    from tests.credit.conftest import Desk

    live_scorecard(cast.system)
    return Desk(cast, make_customer).draft()


def judge(cast: Cast, application: Any, at: Any = NOON, **changes: Any) -> Decision:
    subject = ABOUT.format(application.public_id)
    return engine.evaluate(FACTS | changes, at=at, actor=cast.system, subject=subject, customer_id=application.customer_id)


def test_a_feature_is_computed_at_judgement_kept_and_replayed(cast: Cast, application: Any) -> None:
    live(cast, asking(cast, "months_known", "consent_to_marketing", when="months_known < 1"))
    young, old = judge(cast, application), judge(cast, application, at=LATER)
    assert (young.outcome, old.outcome) == ("decline", "approve")
    assert (young.facts["months_known"], old.facts["months_known"]) == (0, 1)
    assert young.facts["consent_to_marketing"] is False
    assert young.sources["months_known"] == {"source": "feature customers.profile", "as_of": NOON.isoformat(timespec="seconds")}
    row = next(one for stage in young.trace for one in stage["nodes"] if one.get("row") == "new-people")
    assert row["result"] == "hit" and row["values"] == {"months_known": 0}
    assert [decisions.replayed(Decision.objects.get(pk=one.pk)) for one in (young, old)] == ["", ""]


def test_what_is_told_stands_and_a_version_that_asks_for_none_asks_the_database_for_none(cast: Cast, application: Any) -> None:
    with CaptureQueriesContext(connection) as queries:
        judge(cast, application)
    assert not any("AS known" in one["sql"] or "EXECUTE features" in one["sql"] for one in queries)
    live(cast, asking(cast, "months_known", when="months_known < 1"))
    assert judge(cast, application, months_known=7).facts["months_known"] == 7


def test_what_the_house_tells_is_not_looked_for_elsewhere() -> None:
    """A figure of the bureau is a feature too: where the house may not tell it, no decision gets it by the back door."""
    name = next(name for name in words.offered() if features.find(name))
    assert strategy_facts.filled([name], {}, customer_id=1, at=NOON) == ({}, {})


def test_who_has_no_file_has_no_feature(cast: Cast, application: Any) -> None:
    live(cast, asking(cast, "months_known", when="months_known == null"))
    made = engine.evaluate(FACTS, at=NOON, actor=cast.system)
    assert made.outcome == "decline" and "months_known" not in made.facts


def test_a_backtest_computes_it_as_of_each_decision_and_says_so(cast: Cast, application: Any) -> None:
    first, second = judge(cast, application), judge(cast, application, at=LATER)
    stranger = engine.evaluate(FACTS, at=NOON, actor=cast.system)
    assert first.outcome == second.outcome == stranger.outcome == "approve" and "months_known" not in first.facts
    asked = backtests.ask(
        name="New people", sides=[Side(asking(cast, "months_known", when="months_known < 1"))], actor=cast.risk_analyst, at=LATER
    )
    with CaptureQueriesContext(connection) as queries:
        done = backtests.run(asked.pk, at=LATER)
    declared = [row["name"] for row in StrategyVersion.objects.latest("number").input_schema["facts"]]
    assert done is not None and sum("AS known" in one["sql"] for one in queries) == len(features.sources_of(declared))  # for all of them
    side = done.results["arms"][1]
    assert side["computed"] == {"months_known": 2} and side["absent"]["months_known"] == 1
    assert side["out"] == {"no_income": 1}
    line = next(row for row in backtest_report.Report(done, language="en").absent() if row["fact"] == "months_known")
    assert line["computed"] and line["missed"]
    assert line["cells"][1] == {"number": 3, "missed": 1}


def test_a_simulation_drawn_from_the_past_has_it_too(cast: Cast, application: Any) -> None:
    from risk.made import Made

    judge(cast, application)
    version = asking(cast, "months_known", when="months_known < 1")
    asked = backtests.simulate(name="Drawn", sides=[Side(version)], population=Made(limit=5), actor=cast.risk_analyst, at=LATER)
    done = backtests.run(asked.pk, at=LATER)
    assert done is not None and done.results["arms"][1]["reasons"] == {"no_income": 5}


@pytest.mark.parametrize(("row", "code"), [
    ({"name": "mood", "type": "integer"}, "unknown_fact"), ({"name": "months_known", "type": "money"}, "other_type"),
])  # fmt: skip
def test_a_fact_nobody_tells_is_refused_at_save(cast: Cast, row: dict[str, Any], code: str) -> None:
    live_scorecard(cast.system)
    made = draft(cast)
    schema = copy.deepcopy(made.input_schema)
    schema["facts"].append({"required": False, "protected": False, "meaning": "?"} | row)
    with pytest.raises(strategy_versions.Unfit) as refusal:
        strategy_versions.save(made, revision=1, graph=made.graph, input_schema=schema, actor=cast.risk_analyst, at=NOON)
    assert [one.code for one in refusal.value.findings] == [code]


def test_a_protected_feature_is_declared_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    house = next(row for row in words.data("input_schema")["facts"] if row["protected"])
    found = strategy_facts.problems({"facts": [house | {"protected": False}]})
    assert [one.code for one in found] == ["unprotected"]


def test_everything_that_is_offered_has_a_declaration_in_both_languages() -> None:
    for name in strategy_facts.every():
        row = strategy_facts.declaration(name)
        assert row and row["type"] in features.TYPES and row["meaning"]
        assert row["label_en"] and row["label_zh"] and row["label_zh"] != name
    assert strategy_facts.declaration("nobody") is None


def test_the_seeded_declaration_is_one_that_is_told() -> None:
    assert strategy_facts.problems(words.data("input_schema")) == []


def test_money_comes_in_cents_into_a_stored_decision() -> None:
    assert strategy_facts.feature_values.as_text({"a": Decimal("1.50"), "b": None, "c": 3}) == {"a": "1.50", "c": 3}
