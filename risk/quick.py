"""The same verdict as `Strategy.run` without the trace, several times faster: for backtests and simulations, never for a decision.

Two things cost most in `run`: the trace, and going back into Python for the scorecard in the middle of the graph. Here the score is
computed before, handed in under a name no fact can have, and the scorecard's node becomes an expression that reads it; a last node tells
whether the path came by it. Where a graph does something that could make this differ, or the engine raises, `run` itself answers. A
property test holds both against each other.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import zen

from risk import facts
from risk.scorecards import Score, Unscorable
from risk.strategies import KEY, REFER, Strategy, Verdict

GIVEN, REACHED = "Scored", "CardReached"  # facts begin with a small letter, so neither can be one
CARD = "card"  # what the scorecard's node adds, as `Strategy` does


class Quick:
    """A strategy made ready for many applications; `why_not` says why it has to go the long way, empty when it has not."""

    def __init__(self, strategy: Strategy, content: Mapping[str, Any]) -> None:
        """Prepare `strategy`, whose graph is `content`."""
        self.strategy = strategy
        self.why_not = _obstacle(content, strategy)
        self.engine: Any = None
        self.scores = bool(strategy.graph.scorecards)
        if not self.why_not:
            loader: Any = {"type": "static", "content": {KEY: _rewritten(content) if self.scores else dict(content)}}
            self.engine = zen.ZenEngine({"loader": loader})

    def run(self, raw: Mapping[str, Any]) -> Verdict:
        """Judge `raw` facts; the verdict of `Strategy.run` but for `facts` and `trace`, which stay empty."""
        strategy = self.strategy
        clean, problems = facts.check(raw, strategy.schema)
        if problems:
            return Verdict(REFER, reasons=tuple(dict.fromkeys(one.reason for one in problems)))
        if self.scores and strategy.card is None:
            return Verdict(REFER, reasons=("scorecard_missing",))
        if self.engine is None:
            return self._slowly(raw)
        given = facts.for_engine(clean, strategy.schema)
        score: Score | None = None
        try:
            if strategy.card is not None and self.scores:
                score = strategy.card.score(given)
                given[GIVEN] = {"score": score.score, "pd": float(score.pd)}
            result = self.engine.evaluate(KEY, given)["result"]
        except (RuntimeError, Unscorable):
            return self._slowly(raw)
        if not isinstance(result, dict) or (self.scores and REACHED not in result):
            return self._slowly(raw)
        if not result.get(REACHED):
            score = None
        about: dict[str, Any] = {"score": score.score, "pd": score.pd} if score else {}
        try:
            return strategy._conclusion(result, score, about)
        except (KeyError, TypeError, ValueError):
            return Verdict(REFER, reasons=("no_outcome",), **about)

    def _slowly(self, raw: Mapping[str, Any]) -> Verdict:
        return replace(self.strategy.run(raw), facts={}, trace=())


def _obstacle(content: Mapping[str, Any], strategy: Strategy) -> str:
    """Return what stands in the way of the short path, empty when nothing does."""
    cards = [raw for raw in content["nodes"] if raw["type"] == "customNode"]
    if not cards:
        return ""
    text = json.dumps(content)
    if GIVEN in text or REACHED in text:
        return "the graph uses a name that is kept for the score"
    names = [raw["name"] for raw in content["nodes"]]
    if any(names.count(raw["name"]) > 1 or set('"\\`$') & set(raw["name"]) for raw in cards):
        return "the name of the scorecard's node cannot be asked for"
    before = _upstream(content, {raw["id"] for raw in cards})
    read = set(strategy.card.names) if strategy.card else set()
    for raw in content["nodes"]:
        inside = raw.get("content") or {}
        if raw["id"] not in before or raw["type"] in ("inputNode", "switchNode", "customNode"):
            continue
        if raw["type"] not in ("expressionNode", "decisionTableNode") or not inside.get("passThrough"):
            return f"{raw['name']} does not pass the facts on"
        if inside.get("inputField") or inside.get("executionMode", "single") != "single":
            return f"{raw['name']} works on a part of the facts"
        path = inside.get("outputPath")  # what it writes lies below this name, if it has one
        keys = [one.get("key") for one in inside.get("expressions", ())] + [one.get("field") for one in inside.get("outputs", ())]
        written = [path] if path else keys
        if changed := sorted({str(name).split(".")[0] for name in written} & read):
            return f"{raw['name']} changes {', '.join(changed)}, which the scorecard reads"
    return ""


def _upstream(content: Mapping[str, Any], ends: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = set(ends)
    while waiting:
        name = waiting.pop()
        more = {edge["sourceId"] for edge in content["edges"] if edge["targetId"] == name} - found
        found |= more
        waiting |= more
    return found


def _rewritten(content: Mapping[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(dict(content))
    cards = [raw for raw in made["nodes"] if raw["type"] == "customNode"]
    for raw in cards:
        raw["type"] = "expressionNode"
        raw["content"] = {"passThrough": True, "expressions": [{"id": f"{raw['id']}-given", "key": CARD, "value": GIVEN}]}
    outputs = {raw["id"] for raw in made["nodes"] if raw["type"] == "outputNode"}
    asked = " or ".join(f'$nodes["{raw["name"]}"] != null' for raw in cards)
    told = {"passThrough": True, "expressions": [{"id": "card-reached-value", "key": REACHED, "value": asked}]}
    made["nodes"].append({"id": "card-reached", "type": "expressionNode", "name": REACHED, "content": told})
    for edge in made["edges"]:
        if edge["targetId"] in outputs:
            edge["targetId"] = "card-reached"
    made["edges"] += [{"id": f"card-reached-{name}", "sourceId": "card-reached", "targetId": name, "type": "edge"} for name in outputs]
    return made
