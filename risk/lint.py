"""What is wrong, or looks wrong, with a strategy: read from its graph alone, before it decides about anybody. Pure.

An error keeps a version from being approved; a warning needs a word from who approves it. The graph has passed `graph_shape.problems`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from risk import graphs, kinds
from risk.facts import Schema
from risk.findings import ERROR, WARNING, Finding
from risk.lint_tables import NUMBER, Table

RESULT = ("outcome", "reasons")  # what the end of every path must have: who concludes nothing refers the case
KNOWN_RESULTS = frozenset({*RESULT, "grade", "limit", "binding", "annual_rate", "figures"})
CARD = {"card"}
MOST_PATHS = 400
Raw = Mapping[str, Any]
# What keeps even a draft from being saved: it could not be run, or would read what it may not.
REFUSED_AT_SAVE = {
    "one_input", "one_output", "two_ids", "edge_nowhere", "circle", "kind_refused", "custom_kind", "two_scorecards", "path_ends",
    "unknown_name", "protected", "no_reason_text", "reserved_name",
}  # fmt: skip


def findings(
    graph: Raw,
    schema: Schema,
    input_schema: Raw,
    reasons: Mapping[str, Any],
    card_names: Iterable[str] | None = None,
    kind: kinds.Kind | None = None,
) -> list[Finding]:
    """Return everything found, errors first, each in the order of the graph.

    :param card_names: facts the scorecard reads; None when there is none, and then no fact of a scored strategy is called unused
    """
    standing = list(_standing(graph))
    if standing:
        return standing
    walk = Walk(graph, schema)
    found = [
        *_kinds(graph),
        *walk.names(),
        *_protected(graph, schema, input_schema),
        *_reason_texts(graph, reasons),
        *_paths(graph, kind.results if kind else RESULT),
        *walk.tables(),
        *walk.unused(card_names, kind.known if kind else KNOWN_RESULTS),
        *(kind.fitting(graph, schema) if kind and kind.fitting else ()),
    ]
    spared = kind.spares if kind else frozenset()
    return sorted((one for one in found if one.code not in spared), key=lambda one: one.level != ERROR)


def blocking(graph: Raw, schema: Schema, input_schema: Raw, reasons: Mapping[str, Any], kind: kinds.Kind | None = None) -> list[Finding]:
    """Return what keeps a draft from being saved."""
    return [one for one in findings(graph, schema, input_schema, reasons, kind=kind) if one.code in REFUSED_AT_SAVE]


def _about(raw: Raw) -> dict[str, Any]:
    return {"node": raw["id"], "label": raw["name"]}


def _standing(graph: Raw) -> Iterator[Finding]:
    """Yield what makes any further reading pointless."""
    nodes, edges = graph["nodes"], graph["edges"]
    kinds = Counter(raw["type"] for raw in nodes)
    if kinds["inputNode"] != 1:
        yield Finding("one_input", ERROR)
    if kinds["outputNode"] != 1:
        yield Finding("one_output", ERROR)
    ids = Counter(raw["id"] for raw in nodes)
    for raw in nodes:
        if ids[raw["id"]] > 1:
            yield Finding("two_ids", ERROR, **_about(raw))
    if any(edge[end] not in ids for edge in edges for end in ("sourceId", "targetId")):
        yield Finding("edge_nowhere", ERROR)
        return
    order = {raw["id"] for raw in graphs.ordered(graph)}
    for raw in nodes:
        if raw["id"] not in order:
            yield Finding("circle", ERROR, **_about(raw))


def _kinds(graph: Raw) -> Iterator[Finding]:
    for raw in graph["nodes"]:
        if raw["type"] in ("functionNode", "decisionNode"):
            yield Finding("kind_refused", ERROR, **_about(raw))
        elif raw["type"] == "customNode" and raw["content"]["kind"] != graphs.SCORECARD:
            yield Finding("custom_kind", ERROR, **_about(raw), args={"kind": raw["content"]["kind"]})
    if len({raw["content"]["config"]["code"] for raw in graph["nodes"] if raw["type"] == "customNode"}) > 1:
        yield Finding("two_scorecards", ERROR)


def _protected(graph: Raw, schema: Schema, input_schema: Raw) -> Iterator[Finding]:
    proxies = {row["name"]: str(row["proxy_for"]) for row in input_schema.get("facts", ()) if row.get("proxy_for")}
    for raw in graph["nodes"]:
        mentioned = set(graphs.mentioned(raw))
        for name in sorted(schema.protected & mentioned):
            yield Finding("protected", ERROR, **_about(raw), args={"name": name})
        for name in sorted(set(proxies) & mentioned):
            yield Finding("proxy", WARNING, **_about(raw), args={"name": name, "of": proxies[name]})


def _reason_texts(graph: Raw, reasons: Mapping[str, Any]) -> Iterator[Finding]:
    for node in graphs.read(graph).nodes:
        for rule in node.rules:
            if rule.reason and rule.reason != "null" and rule.reason not in reasons:
                yield Finding("no_reason_text", ERROR, node.id, node.label, rule.place + 1, {"reason": rule.reason})
    for code, texts in reasons.items():
        if not isinstance(texts, Mapping) or not all(
            str(texts.get(key) or "").strip() for key in ("en", "zh", "customer_en", "customer_zh")
        ):
            yield Finding("half_a_text", ERROR, args={"reason": code})


def _paths(graph: Raw, results: tuple[str, ...] = RESULT) -> Iterator[Finding]:
    """Follow every way the switches allow; each must reach the end with an outcome and its reasons."""
    nodes = {raw["id"]: raw for raw in graph["nodes"]}
    leads: dict[str, list[Raw]] = {}
    for edge in graph["edges"]:
        leads.setdefault(edge["sourceId"], []).append(edge)
    for raw in graph["nodes"]:
        if raw["type"] != "outputNode" and not leads.get(raw["id"]):
            yield Finding("path_ends", ERROR, **_about(raw))
        if raw["type"] == "switchNode":
            yield from _branches(raw, leads.get(raw["id"], []))
    start = next(raw["id"] for raw in graph["nodes"] if raw["type"] == "inputNode")
    told: set[str] = set()
    for ran in _runs([raw["id"] for raw in graphs.ordered(graph)], nodes, leads, start):
        ends = [name for name in ran if nodes[name]["type"] == "outputNode"]
        made = {key for name in ran for key in produced(nodes[name])}
        missing = [key for key in results if key not in made] if ends else []
        if not ends or missing:
            last = nodes[[name for name in ran if nodes[name]["type"] != "outputNode"][-1]]
            if last["id"] not in told:
                told.add(last["id"])
                yield Finding("no_outcome", ERROR, **_about(last), args={"names": ", ".join(missing or results)})
    reached = {name for ran in _runs([raw["id"] for raw in graphs.ordered(graph)], nodes, leads, start) for name in ran}
    for name, raw in nodes.items():
        if name not in reached:
            yield Finding("not_reached", ERROR, **_about(raw))


def _branches(raw: Raw, edges: list[Raw]) -> Iterator[Finding]:
    handles = {edge.get("sourceHandle") for edge in edges}
    statements = raw["content"].get("statements") or []
    for place, statement in enumerate(statements):
        if edges and statement["id"] not in handles:
            yield Finding("branch_ends", ERROR, **_about(raw), row=place + 1)
    if statements and all(str(statement.get("condition") or "").strip() for statement in statements):
        yield Finding("no_else", ERROR, **_about(raw))


def _runs(order: Sequence[str], nodes: Mapping[str, Raw], leads: Mapping[str, list[Raw]], start: str) -> Iterator[list[str]]:
    """Yield the nodes that run, in order, for each choice of the switches that are met."""
    waiting: list[dict[str, str]] = [{}]
    for _round in range(MOST_PATHS):
        if not waiting:
            return
        choices = waiting.pop()
        on, ran, asked = {start}, [], ""
        for name in order:
            if name not in on:
                continue
            ran.append(name)
            edges = leads.get(name, [])
            if nodes[name]["type"] == "switchNode":
                handles = list(dict.fromkeys(str(edge.get("sourceHandle") or "") for edge in edges))
                if name not in choices and handles:
                    asked = name
                    waiting += [choices | {name: handle} for handle in handles]
                    break
                edges = [edge for edge in edges if str(edge.get("sourceHandle") or "") == choices.get(name)]
            on |= {edge["targetId"] for edge in edges}
        if not asked:
            yield ran


def produced(raw: Raw) -> set[str]:
    """Return the names a node adds, each up to its first dot."""
    content = raw.get("content") or {}
    if content.get("outputPath"):
        return {str(content["outputPath"]).split(".")[0]}
    if raw["type"] == "expressionNode":
        return {row["key"].split(".")[0] for row in content.get("expressions") or ()}
    if raw["type"] == "decisionTableNode":
        return {column["field"].split(".")[0] for column in content["outputs"]}
    return set(CARD) if raw["type"] == "customNode" else set()


def reads(raw: Raw) -> set[str]:
    """Return the names a node needs to be there: not the fields it fills itself."""
    content = raw.get("content") or {}
    columns = {column["id"]: str(column.get("field") or "") for column in content.get("inputs") or ()}
    texts = [*columns.values(), *_texts([raw])]
    return {word for text in texts for word in graphs.words(text)}


class Walk:
    """The graph in its order, with what is known before each node."""

    def __init__(self, graph: Raw, schema: Schema) -> None:
        self.graph, self.schema = graph, schema
        self.nodes = graphs.ordered(graph)
        self.before: dict[str, set[str]] = {}
        self.constants: dict[str, dict[str, Decimal]] = {}
        leading: dict[str, list[str]] = {}
        for edge in graph["edges"]:
            leading.setdefault(edge["targetId"], []).append(edge["sourceId"])
        after: dict[str, set[str]] = {}
        fixed: dict[str, dict[str, Decimal]] = {}
        for raw in self.nodes:
            name, content = raw["id"], raw.get("content") or {}
            known: set[str] = set().union(*(after[one] for one in leading.get(name, ())))
            constants: dict[str, Decimal] = {}
            for one in leading.get(name, ()):
                constants |= fixed[one]
            self.before[name], self.constants[name] = known, constants
            made = produced(raw)
            keeps = raw["type"] in ("switchNode", "customNode", "outputNode") or content.get("passThrough") is not False
            after[name] = (known if keeps else set()) | made
            fixed[name] = {key: value for key, value in constants.items() if key not in made} | _constants(raw)
            if raw["type"] == "inputNode":
                after[name] = {fact for fact in schema.facts if fact not in schema.protected}

    def names(self) -> Iterator[Finding]:
        """Yield names that nothing before the node gives."""
        for raw in self.nodes:
            content = raw.get("content") or {}
            if content.get("inputField") or content.get("executionMode") == "loop":
                continue  # the names are those of the list's elements
            unknown = {name for name in reads(raw) if name.split(".")[0] not in self.before[raw["id"]] | self.schema.protected}
            for name in sorted(unknown):
                yield Finding("unknown_name", ERROR, **_about(raw), args={"name": name})
            for name in sorted(produced(raw) & set(self.schema.facts)):
                yield Finding("reserved_name", ERROR, **_about(raw), args={"name": name})

    def tables(self) -> Iterator[Finding]:
        """Yield rows that never apply, overlap or leave a gap."""
        for raw in self.nodes:
            if raw["type"] != "decisionTableNode":
                continue
            content, about = raw["content"], _about(raw)
            table = Table(content, self.schema.facts, self.constants[raw["id"]])
            for place in table.never_true():
                yield Finding("never_true", ERROR, **about, row=place + 1)
            if content["hitPolicy"] == "collect":
                for one, other in table.twins():
                    yield Finding("twin_rows", WARNING, **about, row=other + 1, args={"other": one + 1})
                continue
            for place in table.unreachable():
                yield Finding("unreachable", ERROR, **about, row=place + 1)
            for one, other in table.overlaps():
                if _gives(content, one) != _gives(content, other):
                    yield Finding("overlap", WARNING, **about, row=other + 1, args={"other": one + 1})
            if not content["rules"]:
                yield Finding("empty_table", ERROR, **about)
            elif (case := table.gap()) is not None:
                yield Finding("gap", WARNING, **about, args={"case": case})

    def unused(self, card_names: Iterable[str] | None, known: frozenset[str] = KNOWN_RESULTS) -> Iterator[Finding]:
        """Yield declared facts and computed values that nothing reads."""
        read = {name.split(".")[0] for raw in self.nodes for name in reads(raw)}
        texts = " ".join(_texts(self.nodes))
        scored = any(raw["type"] == "customNode" for raw in self.nodes)
        if card_names is not None or not scored:
            spared = read | set(card_names or ()) | self.schema.protected
            for name in self.schema.facts:
                if name not in spared:
                    yield Finding("unused_fact", WARNING, args={"name": name})
        for raw in self.nodes:
            for name in sorted(produced(raw) - read - known - CARD):
                if not re.search(rf"\b{re.escape(name)}\b", texts):
                    yield Finding("unused_value", WARNING, **_about(raw), args={"name": name})


def _constants(raw: Raw) -> dict[str, Decimal]:
    if raw["type"] != "expressionNode" or (raw.get("content") or {}).get("outputPath"):
        return {}
    return {row["key"]: Decimal(row["value"].strip()) for row in raw["content"]["expressions"] if NUMBER.match(row["value"].strip())}


def _gives(content: Raw, place: int) -> list[str]:
    return [str(content["rules"][place].get(column["id"]) or "") for column in content["outputs"]]


def _texts(nodes: Iterable[Raw]) -> Iterator[str]:
    """Yield every expression as written: names after a `$` or within a template are read too."""
    for raw in nodes:
        content = raw.get("content") or {}
        yield from (row["value"] for row in content.get("expressions") or () if raw["type"] == "expressionNode")
        yield from (str(row.get("condition") or "") for row in content.get("statements") or ())
        columns = [column["id"] for column in (*(content.get("inputs") or ()), *(content.get("outputs") or ()))]
        for row in content.get("rules") or ():
            yield from (str(row.get(column) or "") for column in columns)
