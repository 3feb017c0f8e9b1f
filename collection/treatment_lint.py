"""What is wrong with a treatment strategy beyond the general rules: exits that do not hold, states without an act, steps that would break
a rule of contact. Read from the graph as it is written, against the rules of contact that hold today.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any

from django.conf import settings
from django.utils.timezone import localdate

from collection import treatment_shape as shape
from collection.treatment_shape import Row
from customers import contact_packs, templates
from customers.models import ContactChannel, MessagePurpose, MessageTemplate
from risk.facts import Schema
from risk.findings import ERROR, WARNING, Finding
from risk.lint_tables import Table, remaining

Raw = Mapping[str, Any]
CALLS = ("call", "ivr")


def findings(graph: Raw, schema: Schema) -> list[Finding]:
    """Return everything found."""
    return [*exits(graph, schema), *ways(graph), *acts(graph)]


# --- exits ---------------------------------------------------------------------------------------------------------
def exits(graph: Raw, schema: Schema) -> Iterator[Finding]:
    """Each exit holds whatever else is the case, and lies on every way to a step.

    Proven on the grid of the table: of the cases in which the exit's fact is true, the rows that end the treatment leave none.
    """
    found = shape.tables(graph, "exit")
    if not found:
        yield Finding("no_exit_table", ERROR)
        return
    for name, fact in shape.EXITS.items():
        if not any(_always_ends(raw, fact, schema) for raw in found):
            yield Finding("exit_missing", ERROR, found[0]["id"], found[0]["name"], args={"exit": shape.EXIT_WORDS[name], "fact": fact})
    behind = [raw["id"] for field in ("path", "step") for raw in shape.tables(graph, field)]
    for raw in _past(graph, {one["id"] for one in found}, behind):
        yield Finding("exit_not_first", ERROR, raw["id"], raw["name"])


def _always_ends(raw: Raw, fact: str, schema: Schema) -> bool:
    content = raw["content"]
    if content["hitPolicy"] != "first" or not any(column.get("field") == fact for column in content["inputs"]):
        return False
    table = Table(content, schema.facts, {})
    if fact not in table.sides or table.sides[fact].kind != "value" or True not in table.sides[fact].atoms:
        return False
    output = next(column["id"] for column in content["outputs"] if column["field"] == "exit")
    # A row that lets the case go on takes its cases away from the rows below it, so only what stands above it counts as an end.
    left = [tuple(
        1 << table.sides[name].atoms.index(True) if name == fact else full for name, full in zip(table.order, table.full, strict=True)
    )]  # fmt: skip
    for box, row in zip(table.boxes, content["rules"], strict=True):
        if shape.literal(row.get(output)) in shape.EXITS:
            rest = remaining(left, [box])
            if rest is None:
                return False
            left = rest
        elif any(all(a & b for a, b in zip(one, box, strict=True)) for one in left):
            return False
    return not left


def _past(graph: Raw, exits_of: set[str], behind: list[str]) -> list[Raw]:
    """Return the nodes of `behind` that a case reaches without passing a table of exits and the switch after it."""
    leads: dict[str, list[str]] = defaultdict(list)
    for edge in graph["edges"]:
        leads[edge["sourceId"]].append(edge["targetId"])
    waiting = [raw["id"] for raw in graph["nodes"] if raw["type"] == "inputNode"]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in exits_of:
            seen.add(name)
            waiting += leads[name]
    return [raw for raw in graph["nodes"] if raw["id"] in seen and raw["id"] in behind]


# --- paths ---------------------------------------------------------------------------------------------------------
def ways(graph: Raw) -> Iterator[Finding]:
    """Each path a segment leads to has steps and ends with a person; each step is said in full, once."""
    led, rows = shape.paths(graph), list(shape.rows(graph))
    for field, code in (("path", "no_path_table"), ("step", "no_step_table")):
        if not shape.tables(graph, field):
            yield Finding(code, ERROR)
    for raw in shape.tables(graph, "path"):
        column = next(one["id"] for one in raw["content"]["outputs"] if one["field"] == "path")
        for number, row in enumerate(raw["content"]["rules"]):
            if not shape.literal(row.get(column)):
                yield Finding("path_computed", ERROR, raw["id"], raw["name"], number + 1)
    for row in rows:
        if row.step is None:
            yield Finding("step_computed", ERROR, row.node, row.label, row.number)
        for path in row.paths:
            if path not in led:
                yield Finding("steps_without_path", ERROR, row.node, row.label, row.number, {"path": path})
    for path in led:
        mine = on_path(rows, path)
        if not mine:
            yield Finding("path_without_steps", ERROR, args={"path": path})
            continue
        seen: set[str] = set()
        for row in mine:
            assert row.step is not None
            if row.step.name in seen:
                yield Finding("step_twice", ERROR, row.node, row.label, row.number, {"path": path, "step": row.step.name})
            seen.add(row.step.name)
        last = [row for row in mine if row.step and row.step.day == mine[-1].step.day]  # type: ignore[union-attr]
        if not any(row.step and row.step.action in shape.BY_PEOPLE and not row.asks for row in last):
            row = last[-1]
            yield Finding("path_ends_alone", ERROR, row.node, row.label, row.number, {"path": path})


def on_path(rows: list[Row], path: str) -> list[Row]:
    """Return the rows that say a step of this path, in the order of its days."""
    mine = [row for row in rows if row.step is not None and (not row.paths or path in row.paths)]
    return sorted(mine, key=lambda row: row.step.place if row.step else (0, ""))


# --- rules of contact ----------------------------------------------------------------------------------------------
def acts(graph: Raw) -> Iterator[Finding]:
    """No step breaks a rule of contact by itself: its words are there, its hour lies in the hours, and the path keeps within the counts."""
    held = contact_packs.held(on=localdate())
    live = set(MessageTemplate.objects.filter(status=MessageTemplate.Status.LIVE).values_list("code", "channel"))
    rows = list(shape.rows(graph))
    for row in rows:
        if row.step is not None:
            yield from _act(row, held, live)
    for path in shape.paths(graph):
        yield from _counts(path, on_path(rows, path), held)


def _act(row: Row, held: contact_packs.Held, live: set[tuple[str, str]]) -> Iterator[Finding]:
    step = row.step
    assert step is not None
    at = (row.node, row.label, row.number)
    word = shape.ACTIONS[step.action]
    if step.action in shape.NEEDS_GATEWAY and not settings.PORTS.get(step.action):
        yield Finding("no_gateway", WARNING, *at, {"channel": word})
    if step.action in shape.WRITTEN:
        kind = templates.KINDS.get(step.template)
        if not step.template:
            yield Finding("template_needed", ERROR, *at)
        elif kind is None or kind.purpose != MessagePurpose.COLLECTION:
            yield Finding("not_a_template", ERROR, *at, {"template": step.template})
        elif (step.template, step.action) not in live:
            yield Finding("no_template", ERROR, *at, {"template": step.template, "channel": word})
    if step.hour and step.action in (*shape.WRITTEN, *CALLS, "visit"):
        hour, opens, closes = time.fromisoformat(step.hour), held.pack.opens, held.pack.closes
        if not opens <= hour < closes:
            rule = held.sources.get("hours", "contact.hours")
            yield Finding(
                "outside_hours", ERROR, *at, {"hour": step.hour, "opens": f"{opens:%H:%M}", "closes": f"{closes:%H:%M}", "rule": rule}
            )


def _counts(path: str, mine: list[Row], held: contact_packs.Held) -> Iterator[Finding]:
    """Count as if every condition held: what the policy cannot allow together is refused, whoever the case is."""
    pack = held.pack
    days: dict[str, list[int]] = defaultdict(list)
    for row in mine:
        if row.step is not None and row.step.action in (*ContactChannel.values, "ivr"):
            days["call" if row.step.action in CALLS else row.step.action].append(row.step.day)
    limits = {
        "call": (("calls_per_day", pack.calls_per_day), ("connected_calls_per_day", pack.connected_calls_per_day),
                 ("calls_per_week", pack.calls_per_week)),
        "sms": (("messages_per_day", pack.messages_per_day), ("messages_per_week", pack.messages_per_week)),
        "app": (("messages_per_day", pack.messages_per_day), ("messages_per_week", pack.messages_per_week)),
        "email": (("messages_per_day", pack.messages_per_day), ("messages_per_week", pack.messages_per_week)),
    }  # fmt: skip
    for channel, found in days.items():
        for part, most in limits.get(channel, ()):
            if most is None:
                continue
            span = 7 if part.endswith("week") else 1
            n = most_within(found, span)
            if n > most:
                code = "too_many_a_week" if span == 7 else "too_many_a_day"
                args = {"path": path, "n": n, "most": most, "channel": shape.ACTIONS[channel], "rule": held.sources.get(part, part)}
                yield Finding(code, ERROR, mine[0].node, mine[0].label, args=args)
                break
    n = most_within([day for found in days.values() for day in found], 30)
    if pack.contacts_per_month is not None and n > pack.contacts_per_month:
        args = {"path": path, "n": n, "most": pack.contacts_per_month, "rule": held.sources.get("contacts_per_month", "contacts_per_month")}
        yield Finding("too_many_a_month", ERROR, mine[0].node, mine[0].label, args=args)


def most_within(days: list[int], span: int) -> int:
    """Return how many of `days` fall at most into any `span` days in a row."""
    return max((sum(first <= day < first + span for day in days) for first in days), default=0)
