"""What differs between two versions of a strategy: node by node, row by row, fact by fact, reason by reason. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from risk import graphs

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"
TEXTS = ("en", "zh", "customer_en", "customer_zh")


@dataclass(frozen=True)
class Line:
    """One difference within a part: `what` names it (a row's number and words, a key, a field), `was` and `now` are as written."""

    kind: str
    what: str
    was: str = ""
    now: str = ""
    row: int = 0


@dataclass(frozen=True)
class Part:
    """What differs in one node, in the facts, the reasons or the edges."""

    kind: str  # node, facts, reasons, edges
    change: str
    id: str = ""
    name: str = ""
    lines: tuple[Line, ...] = ()


def parts(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Part]:
    """Return what differs between two contents, each `{"graph", "input_schema", "reasons"}`; nodes in the order of `now`."""
    found = [*_nodes(was["graph"], now["graph"])]
    if edges := tuple(_edges(was["graph"], now["graph"])):
        found.append(Part("edges", CHANGED, lines=edges))
    if facts := tuple(_keyed(_named(was["input_schema"]), _named(now["input_schema"]))):
        found.append(Part("facts", CHANGED, lines=facts))
    if reasons := tuple(_keyed(was["reasons"], now["reasons"])):
        found.append(Part("reasons", CHANGED, lines=reasons))
    return found


def count(found: Iterable[Part]) -> int:
    """Return how many differences there are: a node that came or went counts once."""
    return sum(max(1, len(one.lines)) for one in found)


def _nodes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Part]:
    before = {raw["id"]: raw for raw in was["nodes"]}
    after = {raw["id"]: raw for raw in graphs.ordered(now)}
    for name, raw in after.items():
        if name not in before:
            yield Part("node", ADDED, name, raw["name"])
        elif lines := tuple(_node(before[name], raw)):
            yield Part("node", CHANGED, name, raw["name"], lines)
    for name, raw in before.items():
        if name not in after:
            yield Part("node", REMOVED, name, raw["name"])


def _node(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Line]:
    for name in ("name", "type"):
        if was[name] != now[name]:
            yield Line(CHANGED, name, was[name], now[name])
    before, after = was.get("content") or {}, now.get("content") or {}
    if was["type"] == now["type"] == "decisionTableNode":
        yield from _table(before, after)
    elif was["type"] == now["type"] == "expressionNode":
        yield from _pairs(
            {row["key"]: row["value"] for row in before["expressions"]}, {row["key"]: row["value"] for row in after["expressions"]}
        )
    elif was["type"] == now["type"] == "switchNode":
        yield from _pairs(_statements(before), _statements(after))
    elif was["type"] == now["type"] == "customNode":
        yield from _pairs({"scorecard": before["config"]["code"]}, {"scorecard": after["config"]["code"]})


def _statements(content: Mapping[str, Any]) -> dict[str, str]:
    return {f"#{place + 1}": str(row.get("condition") or "…") for place, row in enumerate(content.get("statements") or ())}


def _table(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Line]:
    if was.get("hitPolicy") != now.get("hitPolicy"):
        yield Line(CHANGED, "hitPolicy", str(was.get("hitPolicy")), str(now.get("hitPolicy")))
    before, after = _columns(was), _columns(now)
    yield from _pairs({name: name for name in before}, {name: name for name in after})
    rows_before = {row["_id"]: (place, row) for place, row in enumerate(was["rules"])}
    rows_after = {row["_id"]: (place, row) for place, row in enumerate(now["rules"])}
    stayed = [name for name in rows_before if name in rows_after]
    moved = {name for name, other in zip(stayed, [name for name in rows_after if name in rows_before], strict=True) if name != other}
    for name, (place, row) in rows_after.items():
        if name not in rows_before:
            yield Line(ADDED, row.get("_description") or "", now=_row(row, after), row=place + 1)
            continue
        old = rows_before[name][1]
        for field in [*before, *(one for one in after if one not in before)]:
            cell_was, cell_now = (str(one.get(columns.get(field, "")) or "") for one, columns in ((old, before), (row, after)))
            if cell_was != cell_now:
                yield Line(CHANGED, field, cell_was, cell_now, row=place + 1)
        if name in moved:
            yield Line(MOVED, row.get("_description") or "", str(rows_before[name][0] + 1), str(place + 1), row=place + 1)
    for name, (place, row) in rows_before.items():
        if name not in rows_after:
            yield Line(REMOVED, row.get("_description") or "", was=_row(row, before), row=place + 1)


def _columns(table: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(column.get("name") or column.get("field") or column["id"]): column["id"] for column in (*table["inputs"], *table["outputs"])
    }


def _row(row: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {row[column]}" for name, column in columns.items() if row.get(column))


def _pairs(was: Mapping[str, str], now: Mapping[str, str]) -> Iterable[Line]:
    for name, value in now.items():
        if name not in was:
            yield Line(ADDED, name, now=value)
        elif was[name] != value:
            yield Line(CHANGED, name, was[name], value)
    for name, value in was.items():
        if name not in now:
            yield Line(REMOVED, name, was=value)


def _edges(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Line]:
    def drawn(graph: Mapping[str, Any]) -> dict[str, str]:
        names = {raw["id"]: raw["name"] for raw in graph["nodes"]}
        return {f"{edge['sourceId']} {edge.get('sourceHandle') or ''} {edge['targetId']}": f"{names[edge['sourceId']]} → {names[edge['targetId']]}"
                for edge in graph["edges"]}  # fmt: skip

    before, after = drawn(was), drawn(now)
    yield from (Line(ADDED, text) for key, text in after.items() if key not in before)
    yield from (Line(REMOVED, text) for key, text in before.items() if key not in after)


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {row["name"]: {key: value for key, value in row.items() if key != "name"} for row in schema.get("facts", ())}


def _keyed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Line]:
    for name, value in now.items():
        if name not in was:
            yield Line(ADDED, name, now=_brief(value))
        elif was[name] != value:
            keys = [key for key in {**was[name], **value} if was[name].get(key) != value.get(key)]
            yield from (Line(CHANGED, f"{name}.{key}", _text(was[name].get(key)), _text(value.get(key))) for key in keys)
    for name, value in was.items():
        if name not in now:
            yield Line(REMOVED, name, was=_brief(value))


def _brief(value: Mapping[str, Any]) -> str:
    return str(value.get("en") or value.get("meaning") or value.get("type") or "")


def _text(value: Any) -> str:
    return (
        "" if value is None else value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    )
