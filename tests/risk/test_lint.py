"""The linter, by examples: what it finds, and that it finds nothing in what is shipped but facts nobody uses."""

from typing import Any

from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples

from risk import facts, lint, version_diff, words
from risk.facts import Fact
from risk.lint_tables import Table
from tests.risk.drafts import graph, node, with_value

SCHEMA = words.data("input_schema")
REASONS = words.data("policy_reasons")


def found(content: dict[str, Any], schema: Any = None, reasons: Any = None) -> set[tuple[str, str, int]]:
    given_schema = schema or SCHEMA
    rows = lint.findings(content, facts.read_schema(given_schema), given_schema, reasons or REASONS)
    return {(one.code, one.node, one.row) for one in rows}


def table(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = node(content, name)["rules"]
    return rows


def test_the_shipped_strategy_has_no_error() -> None:
    assert not [one for one in lint.findings(graph(), facts.read_schema(SCHEMA), SCHEMA, REASONS) if one.is_error]


def test_a_row_below_one_that_takes_everything_is_unreachable() -> None:
    content = graph()
    rows = table(content, "affordability-dti")
    rows.insert(0, rows.pop())
    assert {("unreachable", "affordability-dti", 2), ("unreachable", "affordability-dti", 3)} <= found(content)


def test_a_name_that_stands_for_a_constant_is_read_as_that_constant() -> None:
    """The row "> dti_limit" comes after "> dti_decline": with the limit above the other it is never reached."""
    assert ("unreachable", "affordability-dti", 2) in found(with_value(graph(), "dti_limit", "0.9"))
    assert ("unreachable", "affordability-dti", 2) not in found(graph())


def test_a_gap_is_told_with_an_example() -> None:
    content = graph()
    table(content, "scorecard-grade")[4]["scorecard-grade-score"] = "< 500"
    assert ("gap", "scorecard-grade", 0) in found(content)
    told = next(one for one in lint.findings(content, facts.read_schema(SCHEMA), SCHEMA, REASONS) if one.code == "gap")
    assert told.args["case"] in ("card.score = 500", "500 < card.score < 510")


def test_rows_that_overlap_in_part_are_told() -> None:
    content = graph()
    rows = table(content, "scorecard-grade")
    rows[1]["scorecard-grade-score"], rows[2]["scorecard-grade-score"] = "[540..575)", "[530..560]"
    assert ("overlap", "scorecard-grade", 3) in found(content)


def test_conditions_that_exclude_each_other_never_hold() -> None:
    content = graph()
    table(content, "scorecard-grade")[0]["scorecard-grade-score"] = "> 600 and < 500"
    table(content, "admission-rules")[0]["admission-rules-purpose"] = '"a_yacht"'
    assert {("never_true", "scorecard-grade", 1), ("never_true", "admission-rules", 1)} <= found(content)


def test_a_switch_without_an_else_and_a_path_without_an_outcome() -> None:
    content = graph()
    node(content, "admission-gate")["statements"][1]["condition"] = 'admission_outcome == "pass"'
    assert ("no_else", "admission-gate", 0) in found(content)
    content = graph()
    for edge in content["edges"]:
        if edge["sourceId"] == "admission-gate" and edge["targetId"] == "verdict":
            edge["targetId"] = "end"  # the verdict is what makes the outcome
    assert "no_outcome" in {code for code, _node, _row in found(content)}


def test_a_protected_attribute_and_what_stands_for_it() -> None:
    content = graph()
    node(content, "admission-rules")["inputs"][1]["field"] = "personal_status_sex"
    assert ("protected", "admission-rules", 0) in found(content)
    schema = {"facts": [row | ({"proxy_for": "personal_status_sex"} if row["name"] == "age" else {}) for row in SCHEMA["facts"]]}
    rows = lint.findings(graph(), facts.read_schema(schema), schema, REASONS)
    assert next((one.code, one.level) for one in rows if one.args.get("name") == "age") == ("proxy", "warning")


def test_reasons_without_texts_and_half_texts() -> None:
    reasons = {code: texts for code, texts in REASONS.items() if code != "no_bureau_consent"}
    assert ("no_reason_text", "admission-rules", 1) in found(graph(), reasons=reasons)
    assert "half_a_text" in {code for code, _n, _r in found(graph(), reasons=REASONS | {"x": {"en": "Only English."}})}


def test_unused_facts_and_values() -> None:
    content = graph()
    node(content, "admission-policy")["expressions"].append({"id": "n", "key": "nobody_reads", "value": "1"})
    assert ("unused_value", "admission-policy", 0) in found(content)
    schema = facts.read_schema(SCHEMA)
    unused = {
        one.args["name"] for one in lint.findings(graph(), schema, SCHEMA, REASONS, card_names=["savings"]) if one.code == "unused_fact"
    }
    assert "telephone" in unused
    assert not {"savings", "age", "foreign_worker"} & unused


# --- the grid -----------------------------------------------------------------------------------------------------------------
def grid(rows: list[dict[str, str]]) -> Table:
    columns = [{"id": "n", "name": "N", "field": "age"}, {"id": "c", "name": "C", "field": "housing"}]
    known = facts.read_schema(SCHEMA).facts
    return Table({"inputs": columns, "rules": [row | {"_id": str(place)} for place, row in enumerate(rows)]}, known, {})


signs = sampled_from(["<", "<=", ">", ">=", "=="])
cells = lists(tuples(signs, integers(15, 25), sampled_from(["", '"rent"', '"own", "free"', 'not in ["rent"]'])), min_size=1, max_size=5)


@given(cells)
@settings(max_examples=60, deadline=None)
def test_unreachable_and_gaps_are_as_trying_every_case_says(rows: list[tuple[str, int, str]]) -> None:
    """Against brute force over every whole age and every kind of housing."""
    made = grid([{"n": f"{sign} {number}", "c": home} for sign, number, home in rows])
    compare = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "==": int.__eq__}
    homes = {"": {"rent", "own", "free"}, '"rent"': {"rent"}, '"own", "free"': {"own", "free"}, 'not in ["rent"]': {"own", "free"}}
    reached, open_ones = set(), 0
    for age in range(131):
        for home in ("rent", "own", "free"):
            first = next(
                (place for place, (sign, number, told) in enumerate(rows) if compare[sign](age, number) and home in homes[told]), None
            )
            open_ones += first is None
            reached.add(first)
    assert set(made.unreachable()) | set(made.never_true()) == set(range(len(rows))) - reached
    assert (made.gap() is not None) == bool(open_ones)


def test_a_declared_bound_closes_a_gap() -> None:
    assert grid([{"n": "< 18"}, {"n": ">= 18"}]).gap() is None
    assert grid([{"n": "[0..17]"}, {"n": "[18..130]"}]).gap() is None, "ages are whole and lie between 0 and 130"
    assert (
        grid([{"n": "[0..17]"}, {"n": "[19..130]"}]).gap() == "age = 18"
        or grid([{"n": "[0..17]"}, {"n": "[19..130]"}]).gap() == "17 < age < 19"
    )
    assert isinstance(facts.read_schema(SCHEMA).facts["age"], Fact)


# --- what differs -----------------------------------------------------------------------------------------------------------------
def changed(now: dict[str, Any], schema: Any = None, reasons: Any = None) -> list[version_diff.Part]:
    was = {"graph": graph(), "input_schema": SCHEMA, "reasons": REASONS}
    return version_diff.parts(was, {"graph": now, "input_schema": schema or SCHEMA, "reasons": reasons or REASONS})


def test_nothing_differs_from_itself() -> None:
    assert changed(graph()) == []


def test_rows_changed_added_removed_and_moved_are_told() -> None:
    content = graph()
    rows = table(content, "scorecard-grade")
    rows[2]["scorecard-grade-score"] = ">= 540"
    rows.append({"_id": "new", "_description": "else", "scorecard-grade-grade": '"E"'})
    del rows[0]
    (part,) = changed(content)
    told = {(line.kind, line.row, line.what, line.was, line.now) for line in part.lines}
    assert (part.kind, part.change, part.id) == ("node", "changed", "scorecard-grade")
    assert any(kind == "changed" and row == 2 and was == ">= 535" and now == ">= 540" for kind, row, _what, was, now in told)
    assert {kind for kind, *_rest in told} == {"changed", "added", "removed"}
    content = graph()
    table(content, "scorecard-grade").reverse()
    (part,) = changed(content)
    assert {line.kind for line in part.lines} == {"moved"}
    assert version_diff.count([part]) == len(part.lines)


def test_nodes_values_facts_reasons_and_edges_are_told() -> None:
    content = with_value(graph(), "age_min", "20")
    content["nodes"].append({"id": "more", "type": "expressionNode", "name": "More", "content": {"expressions": []}})
    content["edges"].append({"id": "e", "sourceId": "facts", "targetId": "more"})
    schema = {"facts": [row | ({"min": 18} if row["name"] == "age" else {}) for row in SCHEMA["facts"]]}
    found_parts = {part.kind: part for part in changed(content, schema, REASONS | {"x": {"en": "X."}}) if part.id != "more"}
    assert set(found_parts) == {"node", "edges", "facts", "reasons"}
    assert found_parts["node"].lines[0] == version_diff.Line("changed", "age_min", "18", "20")
    assert found_parts["facts"].lines[0] == version_diff.Line("changed", "age.min", "0", "18")
    assert found_parts["reasons"].lines[0].now == "X."
