"""The short path gives the verdict of the long one: over people the policy meets, and over graphs that it must not take."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk import facts, registry, words
from risk.quick import Quick
from risk.scorecards import Scorecard
from risk.strategies import COMPARED, Strategy
from tests.risk.support import FACTS, MIDDLING, WEAK, D, card, strategy

SCHEMA = words.data("input_schema")


def value_of(fact: facts.Fact) -> st.SearchStrategy[Any]:
    least, most = int(fact.least or 0), int(fact.most) if fact.most is not None else 200_000
    fitting: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "category": st.sampled_from(sorted(fact.values) or ["-"]),
        "integer": st.integers(least, min(most, 400)),
        "money": st.decimals(max(least, 1), most, places=2),
        "decimal": st.decimals(least, min(most, 1), places=4),
    }
    return fitting[fact.type]


DECLARED = facts.read_schema(SCHEMA).facts
# A known applicant with a few facts drawn anew: wholly random people never get past admission.
people = st.builds(
    lambda base, drawn: {**FACTS, **base, **drawn},
    st.sampled_from([{}, WEAK, MIDDLING]),
    st.fixed_dictionaries({}, optional={name: value_of(fact) for name, fact in DECLARED.items()}).map(
        lambda drawn: dict(list(drawn.items())[:4])
    ),
)


def same(long: Strategy, short: Quick, known: dict[str, Any]) -> None:
    was, now = long.run(known), short.run(known)
    assert {name: getattr(now, name) for name in COMPARED} == {name: getattr(was, name) for name in COMPARED}


@settings(max_examples=150, deadline=None)
@given(people)
def test_the_verdict_is_the_same(known: dict[str, Any]) -> None:
    same(strategy(), short_path(), known)


def short_path() -> Quick:
    made = Quick(strategy(), words.data(registry.RETAIL))
    assert made.why_not == ""
    return made


@pytest.mark.parametrize("known", [
    FACTS, FACTS | WEAK, FACTS | MIDDLING, FACTS | {"age": 17}, FACTS | {"income": None}, FACTS | {"income": 1.5}, FACTS | {"nobody": 1},
    FACTS | {"monthly_debt": D("4500.00")}, FACTS | {"amount": D("1.00")}, FACTS | {"purpose": "none of them"},
])  # fmt: skip
def test_each_way_out_of_the_graph_is_the_same(known: dict[str, Any]) -> None:
    same(strategy(), short_path(), known)


def test_the_score_is_told_only_where_the_path_came_by_it() -> None:
    assert short_path().run(FACTS | {"age": 17}).score is None
    assert short_path().run(FACTS).score == strategy().run(FACTS).score is not None


def test_without_its_card_it_refers() -> None:
    bare = Strategy(words.data(registry.RETAIL), SCHEMA, words.data("policy_reasons"), None)
    same(bare, Quick(bare, words.data(registry.RETAIL)), FACTS)


def changed(change: Any) -> tuple[Strategy, Quick]:
    graph = copy.deepcopy(words.data(registry.RETAIL))
    change(graph, next(node for node in graph["nodes"] if node["type"] == "expressionNode"))
    made = Strategy(graph, SCHEMA, words.data("policy_reasons"), card())
    return made, Quick(made, graph)


def test_a_graph_that_changes_what_the_card_reads_goes_the_long_way() -> None:
    def change(graph: Any, node: Any) -> None:
        node["content"]["expressions"].append({"id": "more", "key": "age", "value": "age + 30"})

    long, short = changed(change)
    assert "age" in short.why_not
    same(long, short, FACTS | WEAK)


def test_a_graph_that_keeps_facts_back_goes_the_long_way() -> None:
    def change(graph: Any, node: Any) -> None:
        node["content"]["passThrough"] = False

    long, short = changed(change)
    assert short.why_not
    same(long, short, FACTS)


def test_an_error_in_the_graph_is_told_as_the_long_way_tells_it() -> None:
    def change(graph: Any, node: Any) -> None:
        node["content"]["expressions"].append({"id": "more", "key": "broken", "value": "date('never') + [1]"})

    long, short = changed(change)
    assert long.run(FACTS).reasons == ("engine_error",)
    same(long, short, FACTS)


def test_a_card_that_cannot_read_a_value_is_told_as_the_long_way_tells_it() -> None:
    odd = replace(card(), features=(replace(card().features[0], name="checking_status", splits=(1.0,)), *card().features[1:]))
    assert isinstance(odd, Scorecard)
    made = Strategy(words.data(registry.RETAIL), SCHEMA, words.data("policy_reasons"), odd)
    same(made, Quick(made, words.data(registry.RETAIL)), FACTS)
