"""One pass of the engine gives the verdict and the trace of the plain way: over people the policy meets, over graphs it must not take."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk import facts, registry, words
from risk.scorecards import Scorecard
from risk.strategies import HIT, NOT_REACHED, Strategy
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


def same(made: Strategy, known: dict[str, Any]) -> None:
    """Hold one pass, with trace and without, against the engine's own trace of the graph as it was drawn."""
    plain, told, short = made.run(known, plainly=True), made.run(known), made.concludes(known)
    assert told == plain
    assert short == replace(plain, facts={}, trace=())


@settings(max_examples=200, deadline=None)
@given(people)
def test_verdict_and_trace_are_the_same(known: dict[str, Any]) -> None:
    same(strategy(), known)


def test_the_shipped_graph_goes_the_short_way() -> None:
    assert strategy().why_not_short == strategy().why_not_told == ""


@pytest.mark.parametrize("known", [
    FACTS, FACTS | WEAK, FACTS | MIDDLING, FACTS | {"age": 17}, FACTS | {"income": None}, FACTS | {"income": 1.5}, FACTS | {"nobody": 1},
    FACTS | {"monthly_debt": D("4500.00")}, FACTS | {"amount": D("1.00")}, FACTS | {"purpose": "none of them"}, FACTS | {"shared_mobile": 9},
])  # fmt: skip
def test_each_way_out_of_the_graph_is_the_same(known: dict[str, Any]) -> None:
    same(strategy(), known)


def test_the_score_is_told_only_where_the_path_came_by_it() -> None:
    assert strategy().concludes(FACTS | {"age": 17}).score is None
    assert strategy().concludes(FACTS).score == strategy().run(FACTS, plainly=True).score is not None


def test_without_its_card_it_refers() -> None:
    same(Strategy(words.data(registry.RETAIL), SCHEMA, words.data("policy_reasons"), None), FACTS)


def changed(change: Any) -> Strategy:
    graph = copy.deepcopy(words.data(registry.RETAIL))
    nodes = {node["id"]: node for node in graph["nodes"]}
    change(nodes)
    return Strategy(graph, SCHEMA, words.data("policy_reasons"), card())


def expression(node: Any, key: str, value: str) -> None:
    node["content"]["expressions"].append({"id": f"more-{key}", "key": key, "value": value})


def test_a_graph_that_changes_what_the_card_reads_goes_the_plain_way() -> None:
    made = changed(lambda nodes: expression(nodes["admission-policy"], "age", "age + 30"))
    assert "age" in made.why_not_short and "age" in made.why_not_told
    same(made, FACTS | WEAK)


def test_a_graph_that_keeps_facts_back_goes_the_plain_way() -> None:
    made = changed(lambda nodes: nodes["admission-policy"]["content"].update(passThrough=False))
    assert made.why_not_short
    same(made, FACTS)


@pytest.mark.parametrize("text", [
    "admission_hits", "admission_hits[0]", "filter(admission_hits, #.reason != null)", "map(admission_hits, #)", "keys(admission_hits)",
    "map(admission_hits, values(#))", "$nodes", '$nodes["Admission: rules"]', "$root", "[admission_hits]",
])  # fmt: skip
def test_a_graph_that_hands_whole_hits_on_is_traced_the_plain_way(text: str) -> None:
    """The number of a row that is told for the trace must not get into anything the graph makes."""
    made = changed(lambda nodes: expression(nodes["admission-outcome"], "seen", text))
    assert made.why_not_told
    same(made, FACTS | {"current_dpd": 5})


@pytest.mark.parametrize("text", [
    "len(admission_hits)", "some(admission_hits, #.reason == \"overdue_lately\" and #.outcome == \"refer\")",
    "map(admission_hits ?? [], #.reason)", "count(admission_hits, #.outcome == \"refer\")", "other_hits", "\"admission_hits\"",
])  # fmt: skip
def test_a_graph_that_looks_at_hits_keeps_the_short_way(text: str) -> None:
    made = changed(lambda nodes: expression(nodes["admission-outcome"], "seen", text))
    assert made.why_not_told == ""
    same(made, FACTS | {"current_dpd": 5})


def test_a_table_that_writes_over_what_it_reads_is_traced_the_plain_way() -> None:
    def change(nodes: Any) -> None:
        nodes["limit-check"]["content"]["outputs"][0]["field"] = "limit"

    made = changed(change)
    assert "writes over" in made.why_not_told and made.why_not_short == ""
    same(made, FACTS)


def test_a_first_hit_below_a_name_of_its_own_is_told() -> None:
    def change(nodes: Any) -> None:
        nodes["affordability-dti"]["content"]["outputPath"] = "burden"
        for node in nodes.values():
            for one in (node.get("content") or {}).get("expressions", ()):
                one["value"] = one["value"].replace("dti_outcome", "burden.dti_outcome").replace("dti_reason", "burden.dti_reason")
            for row in (node.get("content") or {}).get("rules", ()):
                row.update({key: value.replace("dti_outcome", "burden.dti_outcome") for key, value in row.items()})

    made = changed(change)
    assert made.why_not_told == ""
    for debt in ("0.00", "4000.00", "6000.00"):
        same(made, FACTS | {"monthly_debt": D(debt)})


def test_the_row_that_fired_is_told_of_rows_that_say_the_same() -> None:
    """Two rows with one reason: only the number of the row tells them apart."""

    def change(nodes: Any) -> None:
        rules = nodes["referral-rules"]["content"]["rules"]
        rules[1]["referral-rules-reason"] = rules[0]["referral-rules-reason"]

    made = changed(change)
    same(made, FACTS | {"exposure": D("190000.00")})
    rows = [one for stage in made.run(FACTS | {"exposure": D("190000.00")}).trace if stage["stage"] == "referral"
            for one in stage["nodes"] if "row" in one]  # fmt: skip
    assert [one["result"] == HIT for one in rows] == [False, True]


def test_what_a_gate_kept_from_running_is_not_reached() -> None:
    stages = {stage["stage"]: stage["result"] for stage in strategy().run(FACTS | {"age": 17}).trace}
    assert stages["admission"] == HIT and stages["scorecard"] == stages["limit"] == NOT_REACHED


def test_an_error_in_the_graph_is_told_as_the_plain_way_tells_it() -> None:
    made = changed(lambda nodes: expression(nodes["admission-policy"], "broken", "date('never') + [1]"))
    assert made.run(FACTS).reasons == ("engine_error",)
    same(made, FACTS)


def test_a_card_that_cannot_read_a_value_is_told_as_the_plain_way_tells_it() -> None:
    odd = replace(card(), features=(replace(card().features[0], name="checking_status", splits=(1.0,)), *card().features[1:]))
    assert isinstance(odd, Scorecard)
    same(Strategy(words.data(registry.RETAIL), SCHEMA, words.data("policy_reasons"), odd), FACTS)
