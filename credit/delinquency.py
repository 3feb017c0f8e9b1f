"""The two counters of a loan that is late, and the ranges its lender names them by. Pure.

The regulatory counter is `accrual.days_past_due`: from the oldest unpaid due date, never paused; class, stage and bureau use it. The
treatment counter here is what collections may act on: less the grace, less the days a pause covers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Pause:
    """Days [from_on, until_on) on which the treatment counter stands still; without an end it still runs."""

    from_on: date
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """A named span of days, both ends within; the last one has no end."""

    name: str
    first: int
    last: int | None = None

    def holds(self, days: int) -> bool:
        return self.first <= days and (self.last is None or days <= self.last)


@dataclass(frozen=True, slots=True)
class Missed:
    """An instalment unpaid after its due date, and what of it is unpaid."""

    due_on: date
    amount: Decimal


def paused_days(pauses: Iterable[Pause], *, since: date, as_of: date) -> int:
    """Return the days from `since` to `as_of` that pauses cover. Pauses of one loan do not overlap: the doors and the database see to it."""
    return sum(max((min(pause.until_on or as_of, as_of) - max(pause.from_on, since)).days, 0) for pause in pauses)


def treatment_days(since: date | None, *, as_of: date, grace_days: int, pauses: Iterable[Pause] = ()) -> int:
    """Return the days past due that treatment counts, from the oldest missed due date `since`: less the grace, less pauses, never below 0."""
    if since is None:
        return 0
    return max((as_of - since).days - grace_days - paused_days(pauses, since=since, as_of=as_of), 0)


def range_of(days: int, ranges: Sequence[Range]) -> Range | None:
    """Return the range that holds `days`, None when none does."""
    return next((each for each in ranges if each.holds(days)), None)


def by_range(missed: Iterable[Missed], *, as_of: date, ranges: Sequence[Range], pauses: Sequence[Pause] = ()) -> Mapping[str, Decimal]:
    """Return the unpaid amount by range, each instalment by its own days less pauses; grace is the loan's, not the instalment's."""
    sums: dict[str, Decimal] = {}
    for each in missed:
        days = (as_of - each.due_on).days - paused_days(pauses, since=each.due_on, as_of=as_of)
        found = range_of(days, ranges)
        if found is not None and each.amount > 0:
            sums[found.name] = sums.get(found.name, ZERO) + each.amount
    return sums
