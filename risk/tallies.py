"""Counting what several versions said of the same applications. Pure: whole numbers only, so that parts add up to the whole exactly.

Amounts are cents, rates and probabilities millionths. A tally is a tree of numbers; `merge` adds two. What cannot be known is not
counted: an application without a probability adds nothing to the expected bad rate, one without an outcome nothing to the known one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MILLION = 1_000_000
APPROVE, REFER, DECLINE = "approve", "refer", "decline"
SHORT = {APPROVE: "a", REFER: "r", DECLINE: "d"}
LONG = {short: word for word, short in SHORT.items()}
GOOD, BAD = "good", "bad"
NONE = "-"  # no grade, no value
LIMITS = (5_000, 10_000, 20_000, 30_000, 50_000, 100_000, 200_000)  # whole units of money; the last band is open
RATES = (8, 10, 12, 14, 16, 18, 20, 22, 24)  # per cent a year
AGES = (25, 35, 45, 55)
TERMS = (6, 12, 24, 36)
# places in the lists of a tally
N, APPROVED, PD_SUM, PD_N, KNOWN_GOOD, KNOWN_BAD = range(6)
GRANTED, INCOME, LOSS, FUNDING, OPEX, COUNTED = range(6)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side said of one application: cents, millionths, codes."""

    outcome: str
    grade: str = ""
    limit: int | None = None
    rate: int | None = None
    pd: int | None = None
    reasons: tuple[str, ...] = ()

    @property
    def approves(self) -> bool:
        return self.outcome == APPROVE


@dataclass(frozen=True, slots=True)
class Case:
    """One application: the decision's key or its number, amount in cents, term in months, known outcome, groups it belongs to."""

    ref: int
    answers: Sequence[Answer]
    amount: int | None = None
    term: int | None = None
    known: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[Iterable[str]] = ()
    assumed: Sequence[Iterable[str]] = ()
    computed: Sequence[Iterable[str]] = ()


@dataclass(frozen=True, slots=True)
class Costs:
    """Shares by which money is reckoned, in millionths: loss given default of what is granted, a year's funding and work of the balance."""

    lgd: int
    funding: int
    opex: int


def answer(outcome: str, grade: str, limit: Decimal | None, rate: Decimal | None, pd: Decimal | None, reasons: Iterable[str]) -> Answer:
    """Return an answer in whole numbers."""
    return Answer(
        outcome,
        grade,
        None if limit is None else int(limit * 100),
        None if rate is None else int(rate * MILLION),
        None if pd is None else int(pd * MILLION),
        tuple(reasons),
    )


def tally(cases: Iterable[Case], costs: Costs, *, arms: int) -> dict[str, Any]:
    """Return the tally of `cases` over `arms` sides, the first of which is what the others are held against."""
    sides = [_empty() for _ in range(arms)]
    whole: dict[str, Any] = {"n": 0, "known": {}, "arms": sides}
    for case in cases:
        whole["n"] += 1
        if case.known:
            _add(whole["known"], case.known)
        base = case.answers[0]
        for place, (side, said) in enumerate(zip(sides, case.answers, strict=True)):
            _count(side, said, case, costs)
            for name in case.absent[place] if case.absent else ():
                _add(side["absent"], name)
            for name in case.assumed[place] if case.assumed else ():
                _add(side["assumed"], name)
            for name in case.computed[place] if case.computed else ():
                _add(side["computed"], name)
            if place:
                _compare(side, base, said, case)
    return whole


def merge(into: Any, other: Any) -> Any:
    """Add `other` to `into`, place by place, and return it; an empty `into` becomes a copy."""
    if isinstance(other, Mapping):
        made = into if isinstance(into, dict) else {}
        for key, value in other.items():
            made[key] = merge(made.get(key), value)
        return made
    if isinstance(other, list):
        if not isinstance(into, list):
            return [merge(None, value) for value in other]
        return [merge(one, two) for one, two in zip(into, other, strict=True)]
    return (into or 0) + other


def flipped(case: Case) -> bool:
    """Return whether any side approves what the first did not, or the other way round."""
    return any(said.approves != case.answers[0].approves for said in case.answers[1:])


def packed(cases: Sequence[Case]) -> dict[str, Any]:
    """Return the answers in a compact form for the database: codes of reasons once, then rows."""
    codes: dict[str, int] = {}
    rows = []
    for case in cases:
        row: list[Any] = [case.ref, case.known[:1]]
        for said in case.answers:
            places = [codes.setdefault(code, len(codes)) for code in said.reasons]
            row.append([SHORT[said.outcome], said.grade, said.limit, said.rate, said.pd, places])
        rows.append(row)
    return {"codes": list(codes), "rows": rows}


def unpacked(content: Mapping[str, Any]) -> list[tuple[int, str, list[Answer]]]:
    """Return key, first letter of the known outcome, and answers of each row of `packed`."""
    codes = content.get("codes", [])
    return [
        (
            ref,
            known,
            [Answer(LONG[o], grade, limit, rate, pd, tuple(codes[i] for i in places)) for o, grade, limit, rate, pd, places in said],
        )
        for ref, known, *said in content.get("rows", [])
    ]


def band(value: Decimal | int, edges: Sequence[int]) -> str:
    """Return the band `value` falls into, by its lower edge: "0" below the first, else the largest edge not above it."""
    return str(max((edge for edge in edges if edge <= value), default=0))


def margin(said: Answer, case: Case, costs: Costs) -> list[int] | None:
    """Return granted amount, income, expected loss, funding and work in cents over the whole term; None where something is not known.

    The average balance of an equal-instalment loan of n months is about (n + 1) / 2n of what was granted.
    """
    if said.limit is None or said.rate is None or said.pd is None or case.amount is None or not case.term:
        return None
    granted, term = min(said.limit, case.amount), case.term
    balance_years = granted * (term + 1) // 24  # average balance × years, in cents
    return [
        granted,
        balance_years * said.rate // MILLION,
        granted * said.pd // MILLION * costs.lgd // MILLION,
        balance_years * costs.funding // MILLION,
        balance_years * costs.opex // MILLION,
        1,
    ]


def _empty() -> dict[str, Any]:
    names = (
        "outcome",
        "grade",
        "limit",
        "rate",
        "reasons",
        "absent",
        "assumed",
        "computed",
        "groups",
        "matrix",
        "gained",
        "lost",
        "out",
        "in",
        "moved",
    )
    return {name: {} for name in names} | {"money": [0] * 6, "known": {}}


def _add(counts: dict[str, int], key: str, number: int = 1) -> None:
    counts[key] = counts.get(key, 0) + number


def _count(side: dict[str, Any], said: Answer, case: Case, costs: Costs) -> None:
    _add(side["outcome"], said.outcome)
    _line(side["grade"], said.grade or NONE, said, case)
    for name, value in case.groups.items():
        _line(side["groups"].setdefault(name, {}), value, said, case)
    if not said.approves:
        for code in dict.fromkeys(said.reasons):
            _add(side["reasons"], code)
        return
    if said.limit is not None:
        _add(side["limit"], band(said.limit // 100, LIMITS))
    if said.rate is not None:
        _add(side["rate"], band(said.rate // 10_000, RATES))
    if found := margin(said, case, costs):
        side["money"] = [one + two for one, two in zip(side["money"], found, strict=True)]


def _line(lines: dict[str, list[int]], key: str, said: Answer, case: Case) -> None:
    line = lines.setdefault(key, [0] * 6)
    line[N] += 1
    if said.approves:
        line[APPROVED] += 1
        if said.pd is not None:
            line[PD_SUM] += said.pd
            line[PD_N] += 1
        if case.known == GOOD:
            line[KNOWN_GOOD] += 1
        elif case.known == BAD:
            line[KNOWN_BAD] += 1


def _compare(side: dict[str, Any], base: Answer, said: Answer, case: Case) -> None:
    _add(side["matrix"], f"{base.outcome}>{said.outcome}")
    if base.approves and said.approves:
        for name, was, now in (("limit", base.limit, said.limit), ("rate", base.rate, said.rate)):
            if was is not None and now is not None and was != now:
                _add(side["moved"], f"{name}_{'up' if now > was else 'down'}")
    if base.approves == said.approves:
        return
    way = "in" if said.approves else "out"
    # A reason of an approval is a weakest factor of the score, no obstacle: those that count are of the side that does not approve.
    reasons = tuple(dict.fromkeys(base.reasons if said.approves else said.reasons)) or (NONE,)
    _add(side[way], reasons[0])
    for code in reasons:
        _add(side["lost" if said.approves else "gained"], code)
    if case.known in (GOOD, BAD):
        _add(side["known"], f"{way}_{case.known}")
