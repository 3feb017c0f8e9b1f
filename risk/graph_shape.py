"""Whether a graph that came from outside is one at all: its form, its size, its expressions. Pure.

The editor sends well-formed graphs; an address is open to anything. Everything after this may rely on the form.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from risk.findings import ERROR, Finding

KINDS = {"inputNode", "outputNode", "decisionTableNode", "expressionNode", "switchNode", "customNode", "functionNode", "decisionNode"}
HIT_POLICIES = ("first", "collect")
BYTES, NODES, EDGES, ROWS, COLUMNS, CELL, DEPTH = 1_000_000, 120, 400, 500, 40, 2_000, 24


def problems(graph: Any) -> list[Finding]:
    """Return what is wrong with the form of `graph`; the first few, since one misfit often brings many."""
    if found := unkept(graph):
        return found
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list) or not isinstance(graph.get("edges"), list):
        return [Finding("no_graph", ERROR)]
    if len(graph["nodes"]) > NODES or len(graph["edges"]) > EDGES:
        return [Finding("too_many_nodes", ERROR, args={"limit": NODES})]
    found = [finding for place, raw in enumerate(graph["nodes"]) for finding in _node(place, raw)]
    for edge in graph["edges"]:
        if (
            not isinstance(edge, dict)
            or not all(_text(edge.get(name), 200) for name in ("sourceId", "targetId"))
            or not isinstance(edge.get("sourceHandle") or "", str)
        ):
            found.append(Finding("edge_form", ERROR))
    return found[:20]


def unkept(content: Any) -> list[Finding]:
    """Return why any JSON from outside cannot be kept at all: its size, its depth, its characters."""
    try:
        size = len(json.dumps(content, allow_nan=False))
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):  # lone surrogates, NaN, a depth Python itself refuses
        return [Finding("unreadable", ERROR)]
    if size > BYTES:
        return [Finding("too_large", ERROR, args={"limit": BYTES // 1000})]
    return [Finding("unreadable", ERROR)] if _deep(content, DEPTH) or _has_nul(content) else []


def _node(place: int, raw: Any) -> Iterator[Finding]:
    if not isinstance(raw, dict) or not _text(raw.get("id"), 120) or not _text(raw.get("name"), 120) or raw.get("type") not in KINDS:
        yield Finding("node_form", ERROR, args={"place": place + 1})
        return
    about: dict[str, Any] = {"node": raw["id"], "label": raw["name"]}
    content = raw.get("content")
    if content is not None and not isinstance(content, dict):
        yield Finding("content_form", ERROR, **about)
        return
    given: Mapping[str, Any] = content or {}
    kind = raw["type"]
    if kind == "decisionTableNode":
        yield from _table(given, about)
    elif kind == "expressionNode":
        rows = given.get("expressions")
        if not _rows(rows, ("key", "value")):
            yield Finding("content_form", ERROR, **about)
        elif len(rows or ()) > ROWS:
            yield Finding("too_many_rows", ERROR, **about, args={"limit": ROWS})
    elif kind == "switchNode":
        rows = given.get("statements")
        if not _rows(rows, ("id",)) or not all(isinstance(row.get("condition") or "", str) for row in rows or ()):
            yield Finding("content_form", ERROR, **about)
        elif (given.get("hitPolicy") or "first") not in HIT_POLICIES:
            yield Finding("hit_policy", ERROR, **about)
    elif kind == "customNode":
        config = given.get("config")
        if not isinstance(given.get("kind"), str) or not isinstance(config, dict) or not isinstance(config.get("code"), str):
            yield Finding("content_form", ERROR, **about)


def _table(given: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Finding]:
    if given.get("hitPolicy") not in HIT_POLICIES:
        yield Finding("hit_policy", ERROR, **about)
        return
    inputs, outputs, rules = given.get("inputs"), given.get("outputs"), given.get("rules")
    columns_fit = _rows(inputs, ("id",)) and _rows(outputs, ("id", "field")) and bool(outputs)
    if not columns_fit or not all(isinstance(column.get("field") or "", str) for column in inputs or ()):
        yield Finding("content_form", ERROR, **about)
        return
    assert isinstance(inputs, list)
    assert isinstance(outputs, list)
    columns = [column["id"] for column in (*inputs, *outputs)]
    if len(columns) != len(set(columns)) or not isinstance(rules, list) or not all(isinstance(row, dict) for row in rules):
        yield Finding("content_form", ERROR, **about)
        return
    if len(rules) > ROWS or len(columns) > COLUMNS:
        yield Finding("too_many_rows", ERROR, **about, args={"limit": ROWS})
        return
    for place, row in enumerate(rules):
        if (
            not _text(row.get("_id"), 120)
            or not isinstance(row.get("_description") or "", str)
            or not all(isinstance(row.get(column) or "", str) and len(row.get(column) or "") <= CELL for column in columns)
        ):
            yield Finding("row_form", ERROR, **about, row=place + 1)


def _rows(rows: Any, names: tuple[str, ...]) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) and all(_text(row.get(name), CELL) for name in names) for row in rows)


def _text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def _deep(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return left == 0 or any(_deep(one, left - 1) for one in (value.values() if isinstance(value, dict) else value))


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(name) or _has_nul(one) for name, one in value.items())
    return isinstance(value, list) and any(_has_nul(one) for one in value)
