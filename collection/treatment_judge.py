"""A treatment strategy over many cases: the same answer as `Strategy.run`, asked once for cases the graph cannot tell apart. No database.

Of a number only the cuts of the tables matter: 45 and 46 days past due are one case where no row names a number between. What a graph reads
in another way (in an expression, beside another value) is taken as it stands, so that the short cut is never a guess; a property test holds
both against each other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from collection import treatment_shape as shape
from collection.treatment_shape import Step
from risk import graphs, strategies
from risk.lint_tables import Table

MOST_KNOWN = 200_000  # answers kept; beyond it the store begins anew


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a strategy says of one case: an exit, or a path with its steps; neither where it could not say."""

    path: str = ""
    exit: str = ""
    steps: tuple[Step, ...] = ()
    reasons: tuple[str, ...] = ()


class Judge:
    """One version, compiled once; `judge` may be asked of any number of cases."""

    def __init__(self, graph: Mapping[str, Any], input_schema: Mapping[str, Any], reasons: Mapping[str, Any]) -> None:
        self.strategy = strategies.Strategy(graph, input_schema, reasons, None, shape.TREATMENT)
        self.cuts, self.exact = told_apart(graph, self.strategy.schema)
        self.known: dict[tuple[Any, ...], Treatment] = {}

    def judge(self, facts: Mapping[str, Any]) -> Treatment:
        """Return what the version says of these facts."""
        key = self.key(facts)
        found = self.known.get(key)
        if found is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            found = self.known[key] = self.asked(facts)
        return found

    def key(self, facts: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return what the graph can tell of these facts."""
        told: list[Any] = [facts.get(name) for name in self.exact]
        for name, edges in self.cuts:
            value = facts.get(name)
            told.append(None if value is None else bisect_left(edges, value) + bisect_right(edges, value))
        return tuple(told)

    def asked(self, facts: Mapping[str, Any]) -> Treatment:
        """Ask the version itself."""
        verdict = self.strategy.concludes(facts)
        if verdict.outcome == shape.EXIT:
            return Treatment(exit=verdict.figures["exit"], reasons=verdict.reasons)
        if verdict.outcome == shape.TREAT:
            return Treatment(verdict.figures["path"], steps=shape.read_steps(verdict.figures["steps"]), reasons=verdict.reasons)
        return Treatment(reasons=verdict.reasons)


def told_apart(graph: Mapping[str, Any], schema: Any) -> tuple[list[tuple[str, list[Decimal]]], list[str]]:
    """Return the numbers with the cuts they are told apart by, and the facts that are taken as they stand. The others are not read."""
    cuts: dict[str, set[Decimal]] = {}
    exact: set[str] = set()
    for raw in graph["nodes"]:
        content = raw.get("content") or {}
        if raw["type"] != "decisionTableNode":
            exact |= {name.split(".")[0] for name in graphs.mentioned(raw)}
            continue
        outputs = [column["id"] for column in content["outputs"]]
        exact |= {word.split(".")[0] for row in content["rules"] for column in outputs for word in graphs.words(str(row.get(column) or ""))}
        for side in Table(content, schema.facts, {}).sides.values():
            if side.kind == "number" and side.what in schema.facts:
                cuts.setdefault(side.what, set()).update(side.cuts)
            else:
                exact |= {word.split(".")[0] for text in (side.what, side.other) for word in graphs.words(text)}
    # A number that has to fit its declaration is refused outside of it: these edges count too.
    for name, edges in cuts.items():
        fact = schema.facts[name]
        edges |= {edge for edge in (fact.least, fact.most) if edge is not None}
    plain = [name for name in schema.facts if name in exact]
    return [(name, sorted(edges)) for name, edges in sorted(cuts.items()) if name not in exact], plain


def only_written(treatment: Treatment) -> Treatment:
    """Return the same path for who is only reminded: its messages, and nothing else."""
    return Treatment(treatment.path, treatment.exit, tuple(one for one in treatment.steps if one.action in shape.REMIND), treatment.reasons)
