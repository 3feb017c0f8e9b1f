"""Running a strategy: facts in, verdict with reasons and trace out. No database; `engine` stores what comes out.

The decision graph is executed by zen-engine. That engine is silent where a lender must not be: a missing fact fires no rule, an error loses
the trace, no matching row gives no outcome. Here each of these refers the case to a person and says why.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import zen

from crm.lib import features
from risk import facts, graphs, kinds, one_pass, words
from risk.one_pass import Seen
from risk.scorecards import Score, Unscorable
from risk.scoring import Model

APPROVE, REFER, DECLINE = "approve", "refer", "decline"
OUTCOMES = (APPROVE, REFER, DECLINE)
HIT, NO_HIT, ERROR, NOT_REACHED = "hit", "no_hit", "error", "not_reached"
UNKNOWN = "unknown"  # passed before an error: the engine throws the trace away, and we do not guess
RATE_STEP = Decimal("0.000001")
MOST_REASONS = 4
KEY = "strategy"


class BadStrategy(ValueError):
    """The version cannot be run; the message lists why."""


@dataclass(frozen=True)
class Verdict:
    """What a strategy concluded, with everything needed to show and to repeat it."""

    outcome: str
    grade: str = ""
    score: int | None = None
    pd: Decimal | None = None
    limit: Decimal | None = None
    binding: str = ""
    annual_rate: Decimal | None = None
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    trace: tuple[Mapping[str, Any], ...] = ()


COMPARED = ("outcome", "grade", "score", "pd", "limit", "binding", "annual_rate", "reasons", "figures")
COMPARED_OF_NODE = ("node", "row", "result", "reason")  # not the words around them: a later release may show a trace otherwise


def first_difference(was: Verdict, now: Verdict) -> str:
    """Return the first thing in which two verdicts differ, as "name: was → now"; empty when they are the same."""
    for name in COMPARED:
        before, after = json.loads(dump(getattr(was, name))), json.loads(dump(getattr(now, name)))
        if before != after:
            place, before, after = _narrow(name, before, after)
            return f"{place}: {_brief(before)} → {_brief(after)}"
    before, after = _path_taken(was.trace), _path_taken(now.trace)
    if before != after:
        place, before, after = _narrow("trace", before, after)
        return f"{place}: {_brief(before)} → {_brief(after)}"
    return ""


def dump(value: Any) -> str:
    """Return `value` as canonical JSON: keys in order, decimals as text."""
    return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Strategy:
    """One version of a strategy together with the scorecard it uses, compiled once and used by every thread."""

    def __init__(
        self,
        graph: Mapping[str, Any],
        schema: Mapping[str, Any],
        reasons: Mapping[str, Any],
        card: Model | None,
        kind: kinds.Kind | None = None,
    ) -> None:
        """Compile.

        :raises BadStrategy: if the graph has a problem or the engine cannot compile it
        :raises facts.BadSchema: if the declaration of the facts is wrong
        """
        self.schema = facts.read_schema(schema)
        if wrong := graphs.problems(graph, self.schema, reasons):
            raise BadStrategy("; ".join(wrong))
        self.graph = graphs.read(graph)
        self.catalogue = tuple(name for name in self.schema.facts if features.find(name) is not None)  # computed where nobody tells them
        self.kind = kind
        self.reasons = reasons
        self.card = card
        if card is not None and (unknown := set(card.names) - set(self.schema.facts)):
            raise BadStrategy(f"the scorecard reads undeclared facts: {', '.join(sorted(unknown))}")
        if card is not None and (banned := set(card.names) & self.schema.protected):
            raise BadStrategy(f"the scorecard reads protected attributes: {', '.join(sorted(banned))}")
        self.why_not_short = one_pass.obstacle(graph, self.graph, card.names if card else ())
        self.why_not_told = self.why_not_short or one_pass.untold(graph, self.graph)
        self._short: Any = None
        self._telling: Any = None
        try:
            self.engine = _engine(dict(graph), self._custom_node)
        except (RuntimeError, ValueError, TypeError) as refusal:
            raise BadStrategy(_message(refusal)) from refusal
        try:
            if not self.why_not_short:
                self._short = _engine(one_pass.rewritten(graph))
            if not self.why_not_told:
                telling, self._told = one_pass.telling(graph, self.graph, self.schema.facts)
                self._telling = _engine(telling)
        except (RuntimeError, ValueError, TypeError) as refusal:  # what we made of it is at fault, not the graph
            self.why_not_told = _message(refusal)

    def approves(self, raw: Mapping[str, Any]) -> bool:
        """Tell whether `run` would approve, without a trace: for those who ask of many variants of one case."""
        return self.concludes(raw).outcome == APPROVE

    def concludes(self, raw: Mapping[str, Any]) -> Verdict:
        """Judge `raw` as `run` does, without keeping facts or trace: for backtests and simulations, never for a decision."""
        clean, problems = facts.check(self._offered(raw), self.schema)
        if problems:
            return Verdict(REFER, reasons=tuple(dict.fromkeys(one.reason for one in problems)))
        if self.graph.scorecards and self.card is None:
            return Verdict(REFER, reasons=("scorecard_missing",))
        given = facts.for_engine(clean, self.schema)
        passed = self._in_one_pass(self._short, given)
        if passed is None:
            return replace(self._plainly(given, {}), facts={}, trace=())
        result, score = passed
        about: dict[str, Any] = {"score": score.score, "pd": score.pd} if score else {}
        return self._concluded(result, score, about)

    def run(self, raw: Mapping[str, Any], *, plainly: bool = False) -> Verdict:
        """Judge `raw` facts; never raises for what the facts hold.

        :param plainly: let the engine itself trace the graph as it was drawn; the same verdict and trace, several times slower
        """
        raw = self._offered(raw)
        clean, problems = facts.check(raw, self.schema)
        kept = facts.stored(raw, clean, problems)
        if problems:
            return Verdict(REFER, reasons=tuple(dict.fromkeys(one.reason for one in problems)), facts=kept, trace=self._stopped(problems))
        if self.graph.scorecards and self.card is None:
            return Verdict(REFER, reasons=("scorecard_missing",), facts=kept, trace=self._stopped([]))
        given = facts.for_engine(clean, self.schema)
        passed = None if plainly else self._in_one_pass(self._telling, given)
        if passed is None:
            return self._plainly(given, kept)
        result, score = passed
        about: dict[str, Any] = {"facts": kept, "trace": self._stages(self._told.read(result[one_pass.TOLD], given), given, score)}
        if score:
            about |= {"score": score.score, "pd": score.pd}
        return self._concluded(result, score, about)

    def _offered(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `raw` without what a version of another day does not declare and we can tell: it is not for it."""
        if raw.keys() <= self.schema.facts.keys():
            return raw
        offered = words.offered()
        return {name: value for name, value in raw.items() if name in self.schema.facts or name not in offered}

    def _in_one_pass(self, engine: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], Score | None] | None:
        """Return what a rewritten graph tells, with the score where the path came by it; None where the plain way has to say it."""
        if engine is None:
            return None
        score: Score | None = None
        try:
            if self.card is not None and self.graph.scorecards:
                score = self.card.score(given)
                given = {**given, one_pass.GIVEN: {"score": score.score, "pd": float(score.pd)}}
            result = engine.evaluate(KEY, given)["result"]
        except (RuntimeError, Unscorable):
            return None
        if not isinstance(result, dict) or one_pass.REACHED not in result:
            return None
        return result, score if result[one_pass.REACHED] else None

    def _plainly(self, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Verdict:
        try:
            answer = self.engine.evaluate(KEY, given, {"trace": True})
        except RuntimeError as failure:
            return self._failed(failure, given, kept)
        return self._verdict(answer["result"], answer["trace"], given, kept)

    def _custom_node(self, request: Any) -> dict[str, Any]:
        """Answer the scorecard node. It must not raise: the engine would swallow the message and the trace."""
        passed = {name: value for name, value in request.input.items() if name != "$nodes"}
        try:
            found = self._score(passed)
            card: dict[str, Any] = {"score": found.score, "pd": float(found.pd)} if found else {"error": "no scorecard"}
        except Unscorable as refusal:
            card = {"error": str(refusal)}
        return {"output": {**passed, "card": card}}

    def _score(self, given: Mapping[str, Any]) -> Score | None:
        return self.card.score(given) if self.card else None

    def _verdict(self, result: Any, trace: Mapping[str, Any], given: Mapping[str, Any], kept: Mapping[str, Any]) -> Verdict:
        score: Score | None = None
        scored = any(node.type == "customNode" and node.id in trace for node in self.graph.nodes)
        seen = {node.id: _seen(node, trace[node.id]) for node in self.graph.nodes if node.id in trace}
        if scored:
            try:
                score = self._score(given)
            except Unscorable:
                return Verdict(REFER, reasons=("scorecard_error",), facts=kept, trace=self._stages(seen, given, None, "card"))
        about: dict[str, Any] = {"facts": kept, "trace": self._stages(seen, given, score)}
        if score:
            about |= {"score": score.score, "pd": score.pd}
        return self._concluded(result, score, about)

    def _concluded(self, result: Any, score: Score | None, about: dict[str, Any]) -> Verdict:
        try:
            return self._conclusion(result, score, about)
        except (KeyError, TypeError, ValueError):
            return Verdict(REFER, reasons=("no_outcome",), **about)

    def _conclusion(self, result: Any, score: Score | None, about: dict[str, Any]) -> Verdict:
        """Read the graph's result; whatever is not exactly as agreed raises, and the caller refers."""
        if self.kind is not None and self.kind.conclude is not None:
            return Verdict(**self.kind.conclude(result, self.reasons), **about)
        outcome, grade = result["outcome"], result.get("grade") or ""
        reasons = [str(code) for code in result["reasons"]]
        limit, rate = result.get("limit"), result.get("annual_rate")
        if outcome not in OUTCOMES or any(code not in self.reasons for code in reasons):
            raise ValueError(outcome)
        if outcome == APPROVE and (limit is None or rate is None or not grade or reasons):
            raise ValueError("an approval has a grade, a limit and a rate, and no rule against it")
        if outcome != APPROVE and not reasons:
            raise ValueError("nobody is referred or declined without a reason")
        if score and (outcome == APPROVE or any(self.reasons[code].get("factors") for code in reasons)):
            reasons += list(score.reasons[: max(0, MOST_REASONS - len(reasons))])
        return Verdict(
            outcome,
            grade=str(grade),
            limit=None if limit is None else facts.money(limit),
            binding=str(result.get("binding") or ""),
            annual_rate=None if rate is None else Decimal(repr(rate)).quantize(RATE_STEP),
            reasons=tuple(dict.fromkeys(reasons)),
            figures={name: value for name, value in result.get("figures", {}).items() if value is not None},
            **about,
        )

    def _failed(self, failure: RuntimeError, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Verdict:
        try:
            told = json.JSONDecoder().raw_decode(str(failure))[0]
        except ValueError:
            told = {}
        at, reason = str(told.get("nodeId") or ""), "engine_error"
        try:
            self._score(given)
        except Unscorable:
            reason = "scorecard_error"
        stages, passed = [], at in {node.id for node in self.graph.nodes}
        for stage in self.graph.stages:
            nodes = []
            for node in self.graph.nodes:
                if node.stage == stage:
                    result = ERROR if node.id == at else (UNKNOWN if passed else NOT_REACHED)
                    passed = passed and node.id != at
                    entry = {"node": node.id, "label": node.label, "result": result}
                    nodes.append(entry | ({"error": str(told.get("source", ""))[:200]} if result == ERROR else {}))
            stages.append({"stage": stage, "result": _worst(nodes), "nodes": nodes})
        return Verdict(REFER, reasons=(reason,), facts=kept, trace=(_facts_stage([]), *stages))

    def _stopped(self, problems: list[facts.Problem]) -> tuple[Mapping[str, Any], ...]:
        stages = []
        for stage in self.graph.stages:
            nodes = [{"node": node.id, "label": node.label, "result": NOT_REACHED} for node in self.graph.nodes if node.stage == stage]
            stages.append({"stage": stage, "result": NOT_REACHED, "nodes": nodes})
        return (_facts_stage(problems), *stages)

    def _stages(
        self, seen: Mapping[str, Seen], given: Mapping[str, Any], score: Score | None, broken: str = ""
    ) -> tuple[Mapping[str, Any], ...]:
        found: dict[str, list[dict[str, Any]]] = {stage: [] for stage in self.graph.stages}
        for node in self.graph.nodes:
            told = seen.get(node.id)
            if told is None:
                found[node.stage].append({"node": node.id, "label": node.label, "result": NOT_REACHED})
            elif node.type == "decisionTableNode":
                found[node.stage] += _table(node, told)
            elif node.type == "customNode":
                found[node.stage].append(_scored(node, given, score, bool(broken)))
            elif node.stage != self.graph.stages[-1]:  # the verdict itself is not repeated below its own line
                found[node.stage].append({"node": node.id, "label": node.label, "result": NO_HIT, "values": told.values})
        stages = ({"stage": stage, "result": _worst(nodes), "nodes": nodes} for stage, nodes in found.items() if nodes)
        return (_facts_stage([]), *stages)


def _engine(graph: Mapping[str, Any], custom: Any = None) -> Any:
    loader: Any = {"type": "static", "content": {KEY: graph}}
    return zen.ZenEngine({"loader": loader} if custom is None else {"loader": loader, "customHandler": custom})


def _seen(node: graphs.Node, traced: Mapping[str, Any]) -> Seen:
    """Read what the engine's own trace says of a node."""
    data = traced.get("traceData")
    if node.type == "decisionTableNode":
        fired, given = data or [], traced.get("input") or {}
        places = {one["index"] for one in (fired if isinstance(fired, list) else [fired])}
        return Seen(places, {name: _path(given, name) for rule in node.rules for name in rule.reads}, {})
    return Seen(set(), {}, {name: one["result"] for name, one in (data or {}).items()} if node.type == "expressionNode" else {})


def _table(node: graphs.Node, seen: Seen) -> list[dict[str, Any]]:
    """Return an entry per row: only the rows that fired are known, a reader wants the others too."""
    entries, over, read = [], False, seen.read
    for rule in node.rules:
        matched = rule.place in seen.places
        if matched and not rule.reason:
            over = over or not node.collects
        if not rule.reason and not matched:
            continue
        result = HIT if matched and rule.reason else (NOT_REACHED if over and not matched else NO_HIT)
        entries.append({
            "node": node.id, "of": node.label, "row": rule.row, "label": rule.label, "result": result, "reason": rule.reason,
            "values": {name: read[name] for name in rule.reads}, "threshold": rule.threshold,
        })  # fmt: skip
        over = over or (matched and not node.collects)
    return entries


def _scored(node: graphs.Node, given: Mapping[str, Any], score: Score | None, broken: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"node": node.id, "label": node.label, "result": ERROR if broken else NO_HIT}
    if score:
        entry["points"] = [
            {"feature": line.feature, "bin": line.bin, "points": line.points, "mean": line.mean, "value": given.get(line.feature)}
            for line in score.lines
        ]
        entry["unfit"] = list(score.unfit)
        entry["values"] = {"score": score.score, "pd": str(score.pd)}
    return entry


def _facts_stage(problems: list[facts.Problem]) -> dict[str, Any]:
    nodes = [{"node": "facts", "label": one.fact, "result": ERROR, "reason": one.reason} for one in problems]
    return {"stage": "facts", "result": ERROR if nodes else NO_HIT, "nodes": nodes}


def _worst(nodes: list[dict[str, Any]]) -> str:
    results = {one["result"] for one in nodes}
    for result in (ERROR, HIT, UNKNOWN, NO_HIT):
        if result in results:
            return result
    return NOT_REACHED


def _path(given: Any, name: str) -> Any:
    if "." not in name and isinstance(given, dict):
        return given.get(name)
    for part in name.split("."):
        given = given.get(part) if isinstance(given, Mapping) else None
    return given


def _path_taken(trace: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {stage["stage"]: [{name: node.get(name) for name in COMPARED_OF_NODE} for node in stage["nodes"]] for stage in trace}


def _narrow(name: str, before: Any, after: Any) -> tuple[str, Any, Any]:
    """Walk down to the first leaf that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                return _narrow(f"{name}.{key}", before.get(key), after.get(key))
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            if one != other:
                return _narrow(f"{name}[{place}]", one, other)
    return name, before, after


def _brief(value: Any) -> str:
    text = dump(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _message(failure: BaseException) -> str:
    return str(failure).split("\n", 1)[0][:300]
