"""The strict door: what does not fit refers the case by name; money goes through exactly."""

from decimal import Decimal as D
from typing import Any

import pytest
import zen
from hypothesis import given
from hypothesis.strategies import booleans, decimals, dictionaries, integers, none, one_of, sampled_from, text

from risk import facts
from tests.risk.support import FACTS, strategy

SCHEMA = strategy().schema


def found(**changes: Any) -> list[str]:
    return [problem.reason for problem in facts.check(FACTS | changes, SCHEMA)[1]]


def test_good_facts_have_no_problem() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("income", None, "missing"), ("consent_bureau", None, "missing"), ("purpose", None, "missing"),
        ("income", 9000.0, "wrong_type"), ("income", "nine", "wrong_type"), ("income", True, "wrong_type"), ("income", [1], "wrong_type"),
        ("income", D("NaN"), "wrong_type"), ("income", D("Infinity"), "wrong_type"), ("income", "1e3", "wrong_type"),
        ("income", D("9000.005"), "not_in_cents"), ("income", D("-1.00"), "out_of_range"), ("income", D(10) ** 12, "out_of_range"),
        ("term", 12.0, "wrong_type"), ("term", "12", "wrong_type"), ("term", True, "wrong_type"), ("term", D(12), "wrong_type"),
        ("term", 0, "out_of_range"), ("age", 131, "out_of_range"), ("installment_rate", 5, "out_of_range"),
        ("consent_bureau", 1, "wrong_type"), ("consent_bureau", "yes", "wrong_type"),
        ("purpose", "yacht", "unknown_category"), ("purpose", 3, "wrong_type"), ("savings", "", "unknown_category"),
        ("rate_a", 0.12, "wrong_type"), ("rate_a", D("1.5"), "out_of_range"), ("rate_a", D("0.1234567"), "out_of_range"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(name: str, value: Any, kind: str) -> None:
    assert found(**{name: value}) == [f"fact_{kind}:{name}"]
    verdict = strategy().run(FACTS | {name: value})
    assert (verdict.outcome, verdict.reasons) == ("refer", (f"fact_{kind}:{name}",))
    assert verdict.score is None


def test_optional_facts_may_be_absent() -> None:
    assert found(job=None, telephone=None, rate_a=None) == []


def test_an_undeclared_fact_is_named_and_its_value_is_not_kept() -> None:
    clean, problems = facts.check(FACTS | {"employer": "Far Sea Ltd"}, SCHEMA)
    assert [problem.reason for problem in problems] == ["fact_undeclared:employer"]
    assert "Far Sea" not in str(facts.stored(FACTS, clean, problems))


def test_a_name_that_is_no_name_is_not_kept_either() -> None:
    assert found(**{"13800001234": 1}) == ["fact_undeclared:unnamed"]


def test_the_value_of_a_misfit_is_not_kept() -> None:
    raw = FACTS | {"income": "Wang Xiaoming", "purpose": "310101199003070013"}
    clean, problems = facts.check(raw, SCHEMA)
    kept = facts.stored(raw, clean, problems)
    assert kept["income"] == {"unfit": "wrong_type"}
    assert kept["purpose"] == {"unfit": "unknown_category"}


@given(dictionaries(sampled_from(sorted(SCHEMA.facts)), one_of(none(), booleans(), integers(), decimals(), text()), max_size=8))
def test_stored_facts_are_judged_as_the_first_time(changes: dict[str, Any]) -> None:
    raw = FACTS | changes
    clean, problems = facts.check(raw, SCHEMA)
    again, same = facts.check(facts.stored(raw, clean, problems), SCHEMA)
    assert again == clean
    assert same == problems


def test_protected_attributes_never_reach_the_engine() -> None:
    clean, problems = facts.check(FACTS | {"personal_status_sex": "male_single", "foreign_worker": True}, SCHEMA)
    assert not problems
    given_ = facts.for_engine(clean, SCHEMA)
    assert not {"personal_status_sex", "foreign_worker"} & set(given_)


# --- money through the engine --------------------------------------------------------------------------------------
ECHO = {
    "nodes": [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}, "content": {}},
        {"id": "e", "type": "expressionNode", "name": "e", "position": {"x": 0, "y": 0}, "content": {"expressions": [
            {"id": "1", "key": "same", "value": "x"}, {"id": "2", "key": "text", "value": "string(x)"},
            {"id": "3", "key": "cents", "value": "x * 100"}], "passThrough": False}},
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ],
    "edges": [
        {"id": "1", "sourceId": "in", "targetId": "e", "type": "edge"},
        {"id": "2", "sourceId": "e", "targetId": "out", "type": "edge"},
    ],
}  # fmt: skip
ENGINE = zen.ZenEngine({"loader": {"type": "static", "content": {"echo": ECHO}}})
ONE = facts.read_schema({"facts": [{"name": "x", "type": "money", "required": True, "protected": False, "meaning": ""}]})


@given(decimals("-999999999999.99", "999999999999.99", places=2))
def test_every_amount_goes_through_the_engine_unchanged(amount: D) -> None:
    result = ENGINE.evaluate("echo", facts.for_engine({"x": amount}, ONE))["result"]
    assert D(result["text"]) == amount  # what the engine itself holds
    assert facts.money(result["same"]) == amount  # what we read back
    assert result["cents"] == int(amount * 100)  # its arithmetic is decimal


@given(decimals("0", "999.999999", places=6))
def test_every_rate_goes_through_the_engine_unchanged(rate: D) -> None:
    result = ENGINE.evaluate("echo", facts.for_engine({"x": rate}, ONE))["result"]
    assert D(result["text"]) == rate
    assert D(repr(result["same"])) == rate


@pytest.mark.parametrize("value", [1.005, None, "1.00", True, float("nan")])
def test_what_is_not_in_cents_is_not_read_back_as_money(value: Any) -> None:
    with pytest.raises(ValueError, match="not"):
        facts.money(value)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Income", "type": "money"}, {"name": "x", "type": "float"}, {"name": "x", "type": "category"},
        {"name": "x", "type": "money", "values": ["a"]}, {"name": "x", "type": "money", "required": True, "protected": True},
    ],
)  # fmt: skip
def test_a_schema_that_says_nothing_sensible_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(facts.BadSchema):
        facts.read_schema({"facts": [{"required": False, "protected": False, "meaning": ""} | row]})
