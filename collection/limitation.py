"""When a claim lapses: a period that acts begin anew and hindrances suspend. Pure: values in, values out, no clock, no database.

Civil Code 民法典: the general period is three years (Art. 188); a demand that reaches the debtor, the debtor's consent to perform, filing
suit and its like interrupt it, and it runs anew from then or from the end of the proceedings (Art. 195); a hindrance within its last six
months suspends it, and it ends six months after the hindrance does (Art. 194); twenty years are the end in any case (Art. 188). An
instalment debt is counted from its last due day (Art. 189). The numbers come from the rule book, `limitation_book.law`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from crm.lib.dates import add_months

# What a person does who means to pay: it begins the period anew even after it had lapsed (Art. 192). A demand does not.
REVIVES = ("acknowledged", "settlement")
COURT, JUDGED = "court", "judged"


class Act(NamedTuple):
    """What begins the period anew on a day. `until` is the end of proceedings; a court without one is still at it."""

    on: date
    kind: str
    ref: str = ""
    until: date | None = None


class Halt(NamedTuple):
    """A hindrance `[since, until]`, open while `until` is None."""

    since: date
    until: date | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Law:
    """The numbers of the period: years, the longest of all, the months before its end in which hindrances count and those it then lasts."""

    years: int = 3
    longest_years: int = 20
    last_months: int = 6
    then_months: int = 6
    enforcement_years: int = 2


class Line(NamedTuple):
    """One act as it was judged: whether it began the period anew, and until when that then ran; None while it stands still."""

    act: Act
    counts: bool
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The period on a day: `state` as the model names it, and every act with what it did."""

    starts_on: date
    runs_from: date
    expires_on: date | None
    state: str
    lines: tuple[Line, ...]

    @property
    def last(self) -> Line | None:
        """The act from which it runs now; None where it runs from its beginning."""
        return next((line for line in reversed(self.lines) if line.counts), None)


def reckon(starts_on: date, acts: Iterable[Act], halts: Sequence[Halt], *, law: Law, on: date) -> Clock:
    """Return the period as it stands on a day. An act before its beginning, or after its end, begins nothing anew.

    :param starts_on: the day on which what is claimed fell due; the period counts from the next
    """
    cap = add_months(starts_on, 12 * law.longest_years)
    runs_from, state, lines = starts_on, "running", list[Line]()
    ends = _end(starts_on, law, halts, cap=cap, on=on)
    for act in sorted((one for one in acts if starts_on <= one.on <= on), key=lambda one: (one.on, one.kind, one.ref)):
        late = ends is not None and act.on > ends and act.kind not in REVIVES
        if late or (state in ("in_court", JUDGED) and act.kind != JUDGED):
            lines.append(Line(act, False, ends))
            continue
        if act.kind == COURT and act.until is None:
            runs_from, ends, state = act.on, None, "in_court"
        elif act.kind == JUDGED:
            runs_from, state = act.on, JUDGED
            ends = add_months(act.on, 12 * law.enforcement_years)
        else:
            runs_from = act.until or act.on
            ends = _end(runs_from, law, halts, cap=cap, on=on)
        lines.append(Line(act, True, ends))
    if state == "running" and ends is None:
        state = "suspended"
    if ends is not None and ends < on:
        state = "lapsed"
    return Clock(starts_on, runs_from, ends, state, tuple(lines))


def _end(runs_from: date, law: Law, halts: Sequence[Halt], *, cap: date, on: date) -> date | None:
    """Return the last day of a period that runs from a day; None while a hindrance holds it."""
    ends = add_months(runs_from, 12 * law.years)
    for halt in sorted(halts, key=lambda one: one.since):
        counts_from = add_months(ends, -law.last_months)
        if halt.since > ends or (halt.until is not None and halt.until < counts_from):
            continue
        if halt.until is None:
            if max(on, halt.since) < counts_from:
                continue  # it may be over before it counts
            return None
        ends = max(ends, add_months(halt.until, law.then_months))
    return min(ends, cap)
