"""What two versions of a treatment strategy come to over many cases: paths, next steps, planned contacts, what the gate would hold back. No database.

A plan is reckoned from what is known now: the graph is not asked again on later days, nobody answers or pays meanwhile. A contact that the
rules put off counts as held back and is made when they allow it; one that time does not cure is not made. Cases the graph and the rules cannot
tell apart share one plan, so that a portfolio costs little more than one look at each case.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from collection import treatment_shape as shape
from collection.treatment_judge import Judge, Treatment, only_written
from collection.treatment_runs import Stand, to_come
from customers.contact_policy import Attempt, Pack, Question, Window, check

HORIZONS = (7, 30)  # days
SHOWN = 500  # cases kept of each cell, for who wants to see them
PATH, EXIT, NONE = "path", "exit", "none"
STILL = "still"  # on a path with nothing to come
NO_GATEWAY = "no_gateway"
MOST_KNOWN = 50_000  # answers kept; beyond it the store begins anew
WAITS, BLOCKED = "wait", "block"
ZERO = Decimal("0.00")


class Asked(NamedTuple):
    """What the gate is told of one person."""

    zone: str
    attempts: tuple[Attempt, ...]
    barred: frozenset[str]
    windows: tuple[Window, ...]


class Act(NamedTuple):
    """A step that is to come within the longest horizon: how many days ahead, and what the gate says of it ("" for nothing against it)."""

    action: str
    days: int
    held: str = ""
    rule: str = ""


class Plan(NamedTuple):
    """What a version would do with a case: where it puts it, the next step (an act, `STILL`, or "" at an exit), the steps to come."""

    label: str
    next: str
    acts: tuple[Act, ...]


@dataclass
class Side:
    """The sums of one version."""

    next: Counter[str] = field(default_factory=Counter)
    acts: Counter[Act] = field(default_factory=Counter)

    def plain(self, prices: Mapping[str, Decimal]) -> dict[str, Any]:
        """Return it as JSON keeps it: by horizon the contacts by act, their cost, and what is held back by act and rule."""
        spans = {}
        for days in HORIZONS:
            planned: Counter[str] = Counter()
            held: dict[str, Counter[str]] = {WAITS: Counter(), BLOCKED: Counter()}
            rules: Counter[str] = Counter()
            for act, n in self.acts.items():
                if act.days <= days:
                    planned[act.action] += n
                    if act.held:
                        held[act.held][act.action] += n
                        rules[act.rule] += n
            cost = {action: str((prices.get(action, ZERO) * n).quantize(Decimal("0.01"))) for action, n in planned.items()}
            spans[str(days)] = {
                "planned": dict(planned),
                "cost": cost,
                "rules": dict(rules),
                **{kind: dict(by) for kind, by in held.items()},
            }
        return {"next": dict(self.next), "spans": spans}


@dataclass
class Sums:
    """What a dry run found."""

    cases: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    amounts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    base: Side = field(default_factory=Side)
    draft: Side = field(default_factory=Side)
    shown: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)

    def add(self, case_id: int, amount: Decimal, was: Plan, now: Plan, why: str) -> None:
        cell = was.label, now.label
        self.cases += 1
        self.cells[cell] += 1
        self.amounts[cell] = self.amounts.get(cell, ZERO) + amount
        if was.label != now.label or why:
            rows = self.shown.setdefault(cell, [])
            if len(rows) < SHOWN:
                rows.append((case_id, why))

    def plain(self, prices: Mapping[str, Decimal]) -> dict[str, Any]:
        """Return it as JSON keeps it; a cell's place in `cells` is the number its cases are kept under."""
        return {
            "cases": self.cases,
            "cells": [
                {"from": cell[0], "to": cell[1], "cases": n, "amount": str(self.amounts[cell])} for cell, n in sorted(self.cells.items())
            ],
            "base": self.base.plain(prices),
            "draft": self.draft.plain(prices),
            "prices": {act: str(price) for act, price in prices.items()},
        }  # fmt: skip


class Planner:
    """Plans of both versions at one moment; asked case by case, it remembers what it has answered."""

    def __init__(
        self, base: Judge, draft: Judge, pack_of: Callable[[date], Pack], *, off: Iterable[str], counts_as: Mapping[str, str], at: datetime
    ) -> None:
        self.judges, self.pack_of, self.at = (base, draft), pack_of, at
        self.off, self.counts_as = frozenset(off), counts_as
        self.zones: dict[str, tuple[ZoneInfo, date, Pack]] = {}
        self.schedules: dict[tuple[Any, ...], tuple[Treatment, str, tuple[tuple[str, datetime, int], ...]]] = {}
        self.told: dict[tuple[Any, ...], Plan] = {}
        self.reminding: dict[int, tuple[Treatment, Treatment]] = {}

    def place(self, zone: str) -> tuple[ZoneInfo, date, Pack]:
        """Return zone, day and rules of who lives there."""
        found = self.zones.get(zone)
        if found is None:
            read = ZoneInfo(zone)
            today = self.at.astimezone(read).date()
            found = self.zones[zone] = (read, today, self.pack_of(today))
        return found

    def both(self, facts: Mapping[str, Any], asked: Asked, path: str, stands: Stand, *, small: bool = False) -> tuple[Plan, Plan, str]:
        """Return the plan of either version, and why one could not judge.

        :param small: only a small remainder is overdue: of a path there are only the messages
        :param path: the path the case is on now, "" for none
        :param stands: how far it is on that path
        """
        plans, why = [], ""
        for judge in self.judges:
            treatment = judge.judge(facts)
            if not treatment.path and not treatment.exit:
                why = why or " ".join(treatment.reasons) or "unknown"
            if small:
                treatment = self.written(treatment)
            plans.append(self.plan(treatment, asked, stands if path == treatment.path else None))
        return plans[0], plans[1], why

    def written(self, treatment: Treatment) -> Treatment:
        found = self.reminding.get(id(treatment))
        if found is None:
            found = self.reminding[id(treatment)] = (treatment, only_written(treatment))
        return found[1]

    def plan(self, treatment: Treatment, asked: Asked, stands: Stand | None) -> Plan:
        """Return what is to come for a case; `stands` is None where it would enter the path today."""
        if not treatment.path:
            return Plan(f"{EXIT}:{treatment.exit}" if treatment.exit else f"{NONE}:", "", ())
        label, first, steps = self.schedule(treatment, asked.zone, stands)
        key = (label, first, steps, asked)
        found = self.told.get(key)
        if found is None:
            if len(self.told) >= MOST_KNOWN:
                self.told.clear()
            found = self.told[key] = Plan(label, first, self.acts(steps, asked))
        return found

    def schedule(self, treatment: Treatment, zone: str, stands: Stand | None) -> tuple[str, str, tuple[tuple[str, datetime, int], ...]]:
        """Return the label of the path, the next step, and every step within the longest horizon with its moment and days ahead."""
        key = (id(treatment), zone, stands)
        found = self.schedules.get(key)
        if found is None:
            read, today, _pack = self.place(zone)
            left = [one for one in to_come(treatment.steps, stands or Stand(today, (-1, ""), ""), today, read) if not one[2]]
            steps = tuple(
                (step.action, max(due, self.at), max((due.date() - today).days, 0)) for step, due, _late in left
                if step.action != shape.WAIT and (due.date() - today).days <= HORIZONS[-1]
            )  # fmt: skip
            # the treatment is kept, so that its id stays its own
            found = self.schedules[key] = (treatment, left[0][0].action if left else STILL, steps)
        return f"{PATH}:{treatment.path}", found[1], found[2]

    def acts(self, steps: Sequence[tuple[str, datetime, int]], asked: Asked) -> tuple[Act, ...]:
        """Ask the gate of each contact in turn, as if those before it had been made when they are allowed."""
        zone, _today, pack = self.place(asked.zone)
        made = list(asked.attempts)
        found = []
        for action, due, days in steps:
            if action in shape.HANDED_ON:
                found.append(Act(action, days))
                continue
            if action in self.off:
                found.append(Act(action, days, BLOCKED, NO_GATEWAY))
                continue
            channel = self.counts_as.get(action, action)
            verdict = check(Question(channel, due, zone, attempts=tuple(made), barred=asked.barred, windows=asked.windows), pack)
            found.append(Act(action, days) if verdict.allowed else Act(action, days, verdict.kind, verdict.rule))
            if verdict.kind != BLOCKED:
                made.append(Attempt(channel, verdict.opens_at or due))
        return tuple(found)


def added(sums: Sums, plans: Mapping[tuple[Plan, Plan], int]) -> Sums:
    """Add the plans of many cases to the sums of both versions."""
    for (was, now), n in plans.items():
        for side, plan in ((sums.base, was), (sums.draft, now)):
            if plan.next:
                side.next[plan.next] += n
            for act in plan.acts:
                side.acts[act] += n
    return sums
