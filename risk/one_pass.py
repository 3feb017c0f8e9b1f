"""A decision graph rewritten so that one pass of the engine, in and out once, tells the result and all that a trace is made of. Pure.

Two things cost more than the rules themselves: going back into Python for the scorecard in the middle of the graph, and the engine's own
trace, which hands every name out again at every node. So the score is computed before and handed in under a name no fact can have, and a
last node says what a trace needs and no more: which nodes were reached, which rows of a table fired, what these rows and the
expressions read. `Told` turns that list back. Where a graph does something that could make this differ from the plain way, `obstacle` says
what, and the plain way is taken; property tests hold both against each other.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from risk import graphs

GIVEN, REACHED, TOLD, ROW = "Scored", "CardReached", "TraceTold", "RowFired"  # facts begin with a small letter, so none can be one
CARD = "card"  # what the scorecard's node adds
PLAIN = re.compile(r"[A-Za-z_]\w*")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
OVER_HITS = re.compile(r"\b(some|all|none|one|count|map)\(\s*$")  # what looks at each hit and hands none of them on
WHOLE_HIT = re.compile(r"#(?!\.[A-Za-z_])")
QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'|`[^`]*`')


class Seen(NamedTuple):
    """What a trace tells of a node that was reached: the rows of a table that fired and what they read, or the values of expressions."""

    places: frozenset[int] | set[int]
    read: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Where in the told list a node's things stand: `first` says whether it was reached, then the rows of a table, then `names`."""

    node: str
    table: bool
    first: int
    names: tuple[str, ...]
    of_facts: tuple[str, ...]


class Told:
    """Reads the list that the last node of a rewritten graph gives."""

    def __init__(self, parts: Iterable[_Part]) -> None:
        self.parts = tuple(parts)

    def read(self, told: list[Any], given: Mapping[str, Any]) -> dict[str, Seen]:
        """Return what each node that was reached says; `given` are the facts as the engine got them."""
        found: dict[str, Seen] = {}
        for part in self.parts:
            place = part.first
            if not told[place]:
                continue
            if not part.table:
                found[part.node] = Seen(frozenset(), {}, dict(zip(part.names, told[place + 1 : place + 1 + len(part.names)], strict=True)))
                continue
            read = {name: given.get(name) for name in part.of_facts}
            read.update(zip(part.names, told[place + 2 : place + 2 + len(part.names)], strict=True))
            rows = told[place + 1]
            found[part.node] = Seen(
                {int(row) for row in rows} if isinstance(rows, list) else set() if rows is None else {int(rows)}, read, {}
            )
        return found


def obstacle(content: Mapping[str, Any], graph: graphs.Graph, card: Iterable[str]) -> str:
    """Return what stands in the way of the short path, empty when nothing does.

    :param card: the facts that the scorecard reads
    """
    text = json.dumps(content)
    if any(name in text for name in (GIVEN, REACHED, TOLD, ROW)):
        return "the graph uses a name that is kept for what is told"
    cards = {raw["id"] for raw in content["nodes"] if raw["type"] == "customNode"}
    before = _upstream(content, cards)
    read = set(card)
    for raw in content["nodes"]:
        inside = raw.get("content") or {}
        if raw["id"] not in before or raw["type"] in ("inputNode", "switchNode", "customNode"):
            continue
        if raw["type"] not in ("expressionNode", "decisionTableNode") or not inside.get("passThrough"):
            return f"{raw['name']} does not pass the facts on"
        if _on_a_part(inside):
            return f"{raw['name']} works on a part of the facts"
        if changed := sorted(_written(inside) & read):
            return f"{raw['name']} changes {', '.join(changed)}, which the scorecard reads"
    return _unnamed(content, cards)


def untold(content: Mapping[str, Any], graph: graphs.Graph) -> str:
    """Return why a trace cannot be told by a last node, empty when it can."""
    shown = {node.id: node for node in graph.nodes}
    if why := _unnamed(content, set(shown)):
        return why
    texts = [QUOTED.sub('""', text) for raw in content["nodes"] for text in _expressions(raw)]
    if any("$nodes" in text or "$root" in text or re.search(r"\$(?![.\w])", text) for text in texts):
        return "the graph asks for whole nodes"
    for raw in content["nodes"]:
        inside = raw.get("content") or {}
        if raw["id"] not in shown or raw["type"] == "customNode":
            continue
        if raw["type"] not in ("expressionNode", "decisionTableNode") or _on_a_part(inside):
            return f"{raw['name']} works on a part of the facts"
        path = inside.get("outputPath")
        if path and not PLAIN.fullmatch(path):
            return f"{raw['name']} writes to {path}"
        if raw["type"] == "expressionNode":
            keys = [one.get("key") for one in inside.get("expressions", ())]
            if len(set(keys)) < len(keys) or not all(PLAIN.fullmatch(str(key)) for key in keys):
                return f"{raw['name']} writes to a name twice, or into another"
            continue
        if why := _untold_table(raw["name"], inside, shown[raw["id"]], texts):
            return why
    return ""


def _untold_table(name: str, inside: Mapping[str, Any], node: graphs.Node, texts: list[str]) -> str:
    path = inside.get("outputPath")
    if not inside.get("passThrough") or (node.collects and not path):
        return f"{name} does not pass the facts on"
    reads = {one for rule in node.rules for one in rule.reads}
    if not all(DOTTED.fullmatch(one) for one in reads) or {one.split(".")[0] for one in reads} & _written(inside):
        return f"{name} writes over what it reads"
    if path and any(_hands_on(path, text, several=node.collects) for text in texts):
        return f"the hits of {name} are handed on whole"  # they hold the number of their row here
    return ""


def _hands_on(path: str, text: str, *, several: bool) -> bool:
    """Say whether an expression does anything with hits but look at their fields."""
    for found in re.finditer(rf"(?<![\w.#$]){re.escape(path)}\b", text):
        after = text[found.end() :]
        if not several:
            if not re.match(r"\s*\.\s*[A-Za-z_]", after):
                return True
            continue
        if re.match(r"\s*\)", after) and re.search(r"\blen\(\s*$", text[: found.start()]):
            continue
        inside = re.match(r"(\s*\?\?\s*\[\s*\])?\s*,", after)
        if not inside or not OVER_HITS.search(text[: found.start()]) or WHOLE_HIT.search(_to_the_bracket(after)):
            return True
    return False


def _to_the_bracket(text: str) -> str:
    """Return the text up to the bracket that closes what was open before it."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return text[:place]
    return text


def _unnamed(content: Mapping[str, Any], wanted: set[str]) -> str:
    """Return whose name cannot be asked for, of the nodes of `wanted`."""
    names = [raw["name"] for raw in content["nodes"]]
    for raw in content["nodes"]:
        if raw["id"] in wanted and (names.count(raw["name"]) > 1 or set('"\\`$') & set(raw["name"])):
            return f"the name of {raw['name']} cannot be asked for"
    return ""


def _on_a_part(inside: Mapping[str, Any]) -> bool:
    return bool(inside.get("inputField")) or inside.get("executionMode", "single") != "single"


def _written(inside: Mapping[str, Any]) -> set[str]:
    """Return the names a node writes; what it writes lies below its path, if it has one."""
    path = inside.get("outputPath")
    keys = [one.get("key") for one in inside.get("expressions", ())] + [one.get("field") for one in inside.get("outputs", ())]
    return {str(name).split(".")[0] for name in ([path] if path else keys)}


def _expressions(raw: Mapping[str, Any]) -> Iterable[str]:
    content = raw.get("content") or {}
    yield from (str(one.get("value") or "") for one in content.get("expressions", ()))
    yield from (str(one.get("condition") or "") for one in content.get("statements", ()))
    columns = [*content.get("inputs", ()), *content.get("outputs", ())]
    yield from (str(column.get("field") or "") for column in content.get("inputs", ()))
    for row in content.get("rules", ()):
        yield from (str(row.get(column["id"]) or "") for column in columns)


def _upstream(content: Mapping[str, Any], ends: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = set(ends)
    while waiting:
        name = waiting.pop()
        more = {edge["sourceId"] for edge in content["edges"] if edge["targetId"] == name} - found
        found |= more
        waiting |= more
    return found


def rewritten(content: Mapping[str, Any], *, told: str = "") -> dict[str, Any]:
    """Return a graph without an `obstacle` in which the score is given and a last node says whether the path came by it, and `told`."""
    made = copy.deepcopy(dict(content))
    cards = [raw for raw in made["nodes"] if raw["type"] == "customNode"]
    for raw in cards:
        raw["type"] = "expressionNode"
        raw["content"] = {"passThrough": True, "expressions": [{"id": f"{raw['id']}-given", "key": CARD, "value": GIVEN}]}
    outputs = {raw["id"] for raw in made["nodes"] if raw["type"] == "outputNode"}
    asked = " or ".join(f'$nodes["{raw["name"]}"] != null' for raw in cards) or "false"
    expressions = [{"id": "card-reached-value", "key": REACHED, "value": asked}]
    if told:
        expressions.append({"id": "trace-told-value", "key": TOLD, "value": told})
    made["nodes"].append({
        "id": "card-reached", "type": "expressionNode", "name": REACHED, "content": {"passThrough": True, "expressions": expressions}
    })  # fmt: skip
    for edge in made["edges"]:
        if edge["targetId"] in outputs:
            edge["targetId"] = "card-reached"
    made["edges"] += [{"id": f"card-reached-{name}", "sourceId": "card-reached", "targetId": name, "type": "edge"} for name in outputs]
    return made


def telling(content: Mapping[str, Any], graph: graphs.Graph, facts: Iterable[str]) -> tuple[dict[str, Any], Told]:
    """Return a graph that is not `untold`, rewritten so that it tells its trace, and the reader of what it tells.

    :param facts: the declared facts; those that no node writes are not told again
    """
    made = copy.deepcopy(dict(content))
    raws = {raw["id"]: raw for raw in made["nodes"]}
    kept = set(facts).difference(*(_written(raw.get("content") or {}) for raw in made["nodes"]))
    items: list[str] = []
    parts: list[_Part] = []
    for number, node in enumerate(graph.nodes):
        raw, first = raws[node.id], len(items)
        inside, at = raw.get("content") or {}, f'$nodes["{raw["name"]}"]'
        items.append(f"{at} != null")
        if raw["type"] == "decisionTableNode":
            column, path = f"{ROW}{number}", inside.get("outputPath")
            inside["outputs"].append({"id": column, "name": column, "field": column})
            for place, row in enumerate(inside["rules"]):
                row[column] = str(place)
            below = f"{at}.{path}" if path else at
            items.append(f"map({below} ?? [], #.{column})" if node.collects else f"{below}.{column}")
            reads = dict.fromkeys(one for rule in node.rules for one in rule.reads)
            names = tuple(one for one in reads if one not in kept)
            items += [f"{at}.{one}" for one in names]
            parts.append(_Part(node.id, True, first, names, tuple(one for one in reads if one in kept)))
        else:
            path = inside.get("outputPath")
            keys = tuple(str(one["key"]) for one in inside.get("expressions", ())) if raw["type"] == "expressionNode" else ()
            shown = keys if node.stage != graph.stages[-1] else ()  # the verdict itself is not told a second time
            items += [f"{at}.{path}.{key}" if path else f"{at}.{key}" for key in shown]
            parts.append(_Part(node.id, False, first, shown, ()))
    return rewritten(made, told=f"[{', '.join(items)}]"), Told(parts)
