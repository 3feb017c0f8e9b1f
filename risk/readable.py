"""A policy as a document one can read: each rule a sentence, each value with its meaning, each source of law with its date."""

from typing import Any

from django.utils.translation import gettext as _

from risk import display, graphs, kinds, words
from risk.models import StrategyVersion


def sections(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the stages of a version: name, `values` as (label, value) and `rules` as sentences with their source, where there is one."""
    if told := kinds.of(version.strategy.kind).sections:
        return told(version, language)
    graph = graphs.read(version.graph)
    raw = {node["id"]: node for node in version.graph["nodes"]}
    found = []
    for stage in graph.stages[:-1]:
        values: list[tuple[str, str]] = []
        rules: list[dict[str, Any] | None] = []
        for node in graph.nodes:
            if node.stage != stage:
                continue
            content = raw[node.id].get("content") or {}
            if node.type == "expressionNode":
                values += [
                    (display.label(one["key"], language), display.literal(one["key"], one["value"], language))
                    for one in content["expressions"] if _is_plain(one["value"])
                ]  # fmt: skip
            elif node.type == "decisionTableNode":
                rules += [_rule(rule, row, content, version, language) for rule, row in zip(node.rules, content["rules"], strict=True)]
        name = str(display.STAGES.get(stage, stage))
        if values or rules:
            found.append({"name": name, "values": values, "rules": [one for one in rules if one]})
    return found


def _is_plain(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _rule(rule: graphs.Rule, row: dict[str, Any], table: dict[str, Any], version: StrategyVersion, language: str) -> dict[str, Any] | None:
    given = {column["field"]: str(row.get(column["id"]) or "").strip('"') for column in table["outputs"]}
    outcome = next((value for field, value in given.items() if field.endswith("outcome")), "")
    grade = given.get("grade", "")
    if outcome == "pass" and not grade:
        return None  # what passes needs no sentence
    told = {
        "when": display.threshold(rule.threshold, language) or _("otherwise"),
        "outcome": str(display.OUTCOME_WORDS.get(outcome, outcome)),
        "name": words.heading(rule.reason, version.reasons, language=language) if rule.reason else "",
        "grade": grade,
    }
    if grade and rule.reason:
        sentence = _("%(when)s: grade %(grade)s, %(outcome)s.") % told
    elif grade:
        sentence = _("%(when)s: grade %(grade)s.") % told
    else:
        sentence = _("%(name)s: %(outcome)s when %(when)s.") % told
    source = version.reasons.get(rule.reason, {}).get("source") or {}
    return {
        "sentence": sentence,
        "outcome": outcome,
        "source": source.get(words.side(language), ""),
        "since": source.get("since", ""),
        "unverified": source.get("verification") in ("unverified", "secondary"),
    }
