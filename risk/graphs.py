"""Reading a decision graph (JDM): its order, its stages, its rules in words, and what is wrong with it. Pure.

A node belongs to the stage its name starts with: "Admission: rules" is the node *rules* of the stage *admission*. A rule of a decision
table is a row; an output whose field ends in `reason` names the reason code it gives.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from risk.facts import Schema

SCORECARD = "scorecard"
SILENT = ("inputNode", "outputNode", "switchNode")  # they route; they decide nothing a person would look for
QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
WORD = re.compile(r"(?<![\w.#$])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?!\w)(?!\s*\()")
KEY = re.compile(r"([{,]\s*)[A-Za-z_]\w*\s*:")  # of an object written out: a name that is given, not read
KNOWN_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a decision table: what it reads, the condition in words, the reason it gives."""

    row: str
    place: int
    label: str
    reads: tuple[str, ...]
    threshold: str
    reason: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node that is shown in a trace."""

    id: str
    type: str
    stage: str
    label: str
    rules: tuple[Rule, ...] = ()
    collects: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A decision graph read once."""

    nodes: tuple[Node, ...]
    stages: tuple[str, ...]
    scorecards: tuple[str, ...]


def read(content: Mapping[str, Any]) -> Graph:
    """Read a graph in the order of its edges."""
    nodes = tuple(_node(raw) for raw in ordered(content) if raw["type"] not in SILENT)
    stages = tuple(dict.fromkeys(node.stage for node in nodes))
    cards = tuple(dict.fromkeys(
        raw["content"]["config"]["code"] for raw in content["nodes"]
        if raw["type"] == "customNode" and raw["content"]["kind"] == SCORECARD
    ))  # fmt: skip
    return Graph(nodes, stages, cards)


def problems(content: Mapping[str, Any], schema: Schema, reasons: Mapping[str, Any]) -> list[str]:
    """Return what must be put right before the graph may decide anything; empty when nothing."""
    found: list[str] = []
    kinds = [raw["type"] for raw in content["nodes"]]
    for kind in ("inputNode", "outputNode"):
        if kinds.count(kind) != 1:
            found.append(f"the graph needs exactly one {kind}")
    ids = [raw["id"] for raw in content["nodes"]]
    found += [f"two nodes have the id {name}" for name in sorted({name for name in ids if ids.count(name) > 1})]
    for edge in content["edges"]:
        found += [f"an edge leads to {edge[end]}, which is no node" for end in ("sourceId", "targetId") if edge[end] not in ids]
    if found:
        return found
    placed = {raw["id"] for raw in ordered(content)}
    found += [f"{name} is in a circle of edges" for name in ids if name not in placed]
    sources = {edge["sourceId"] for edge in content["edges"]}
    found += [f"the path ends at {raw['name']}" for raw in content["nodes"] if raw["type"] != "outputNode" and raw["id"] not in sources]
    for raw in content["nodes"]:
        if raw["type"] in ("functionNode", "decisionNode"):
            found.append(f"{raw['name']}: nodes of type {raw['type']} are not run here")
        if "content" in raw and raw["content"] is None:
            found.append(f"{raw['name']} is empty")  # the engine would break off over it without a name
            continue
        if raw["type"] == "customNode" and raw["content"].get("kind") != SCORECARD:
            found.append(f"{raw['name']}: no such kind of node: {raw['content'].get('kind')}")
        banned = sorted(schema.protected & set(mentioned(raw)))
        found += [f"{raw['name']} reads the protected attribute {name}" for name in banned]
    for node in read(content).nodes:
        found += [f"{node.label}, row {rule.place + 1}: no text for the reason {rule.reason}"
                  for rule in node.rules if rule.reason and rule.reason not in reasons]  # fmt: skip
    return found


def ordered(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the nodes so that each stands after all that lead to it; ties in the order of the file."""
    waiting = {raw["id"]: raw for raw in content["nodes"]}
    needs = {name: {edge["sourceId"] for edge in content["edges"] if edge["targetId"] == name} for name in waiting}
    done: list[Mapping[str, Any]] = []
    while ready := next((name for name in waiting if not needs[name] - {raw["id"] for raw in done}), None):
        done.append(waiting.pop(ready))
    return done


def _node(raw: Mapping[str, Any]) -> Node:
    stage, colon, label = raw["name"].partition(":")
    rules: tuple[Rule, ...] = ()
    content = raw.get("content") or {}
    if raw["type"] == "decisionTableNode":
        rules = tuple(_rules(content))
    return Node(
        id=raw["id"],
        type=raw["type"],
        stage=re.sub(r"\W+", "_", stage.strip().lower()),
        label=(label if colon else stage).strip(),
        rules=rules,
        collects=content.get("hitPolicy") == "collect",
    )


def _rules(table: Mapping[str, Any]) -> Iterator[Rule]:
    reason_column = next((column["id"] for column in table["outputs"] if column["field"].endswith("reason")), "")
    for place, row in enumerate(table["rules"]):
        reads: list[str] = []
        conditions: list[str] = []
        for column in table["inputs"]:
            cell, field = str(row.get(column["id"]) or "").strip(), column.get("field") or ""
            if not cell:
                continue
            reads += [field] if field else []
            reads += words(cell)
            conditions.append(_condition(field, cell))
        yield Rule(
            row=row["_id"],
            place=place,
            label=row.get("_description") or column_names(table),
            reads=tuple(dict.fromkeys(reads)),
            threshold=" and ".join(conditions),
            reason=str(row.get(reason_column) or "").strip().strip('"'),
        )


def column_names(table: Mapping[str, Any]) -> str:
    """Return the names of a table's inputs, for a row nobody described."""
    return ", ".join(str(column.get("name", "")) for column in table["inputs"])


def words(expression: str) -> list[str]:
    """Return the names an expression reads, in order, each once; not its functions and quoted texts."""
    return [word for word in dict.fromkeys(WORD.findall(KEY.sub(r"\1", QUOTED.sub("", expression)))) if word not in KNOWN_WORDS]


def _condition(field: str, cell: str) -> str:
    if not field:
        return cell
    if cell[0] in "<>=!":
        return f"{field} {cell}"
    return f"{field} in {cell}" if cell[0] in "[(]" or "," in cell else f"{field} = {cell}"


def mentioned(raw: Mapping[str, Any]) -> Iterable[str]:
    """Yield the names a node reads."""
    content = raw.get("content") or {}
    for expression in content.get("expressions", ()):
        yield from words(str(expression.get("value") or ""))
    for statement in content.get("statements", ()):
        yield from words(str(statement.get("condition") or ""))
    columns = [*content.get("inputs", ()), *content.get("outputs", ())]
    yield from (column.get("field") or "" for column in columns)
    for row in content.get("rules", ()):
        for column in columns:
            yield from words(str(row.get(column["id"]) or ""))
