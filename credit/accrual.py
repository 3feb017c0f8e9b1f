"""What being late costs and how late a loan is: closed forms of (instalment, date). Pure.

`credit/end_of_day.py` carries the same rules as SQL for whole portfolios; a property test holds the two against each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from credit.due_dates import Period, day_fraction, remaining
from credit.terms import Range, Terms
from crm.lib.money import quantize

YEAR = 360
BUCKET_DAYS = 30
LAST_BUCKET = 7
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Late:
    """The side of an instalment that lateness looks at.

    `penalty_base` is the penalty that had grown up to `penalty_since`; from that day it grows on `principal`, the part unpaid.
    `owed` is fee, interest and principal unpaid together (penalty left out: it alone does not make an instalment late).
    """

    due_on: date
    principal: Decimal
    owed: Decimal
    penalty_base: Decimal
    penalty_since: date


def missed(due_on: date, as_of: date, grace_days: int) -> bool:
    """Tell whether a due date unpaid on `as_of` lies beyond its grace."""
    return as_of > due_on + timedelta(days=grace_days)


def penalty(late: Late, *, annual_rate: Decimal, as_of: date, grace_days: int = 0) -> Decimal:
    """Return the penalty of an instalment on `as_of`: base + principal × rate × days since / 360, rounded once (HALF_UP).

    Inside the grace nothing grows; once missed, the days count from the due date.
    """
    if not missed(late.due_on, as_of, grace_days):
        return late.penalty_base
    days = max((as_of - late.penalty_since).days, 0)
    return late.penalty_base + quantize(late.principal * annual_rate * days / YEAR)


def days_past_due(lates: Iterable[Late], *, as_of: date, grace_days: int = 0) -> int:
    """Return the days since the oldest due date with anything owed: 0 inside the grace, else counted from the due date."""
    oldest = min((late.due_on for late in lates if late.owed > 0), default=None)
    if oldest is None or not missed(oldest, as_of, grace_days):
        return 0
    return (as_of - oldest).days


def bucket(dpd: int) -> int:
    """Return the bucket of a loan `dpd` days past due: 0 for M0, 1 for M1 (1 to 30 days) up to 7 for M7+ (over 180)."""
    return min((dpd + BUCKET_DAYS - 1) // BUCKET_DAYS, LAST_BUCKET)


def bucket_name(number: int) -> str:
    """Return the trade's word for a bucket: "M0" … "M6", "M7+"."""
    return f"M{number}+" if number >= LAST_BUCKET else f"M{number}"


def interest_to(terms: Terms, period: Period, on: date, *, balance: Decimal, earned: Decimal, prepaid: Decimal = ZERO) -> Decimal:
    """Return the interest of a running period up to `on`: on the `balance` it began with, never more than the `earned` of the whole.

    By the day count, or as the period's share of days, as the terms say. `prepaid` is what of `balance` was paid inside the period.
    """
    if terms.partial_period == "period_share" or terms.method == "flat":
        days = max((period.due_on - period.from_on).days, 1)
        return min(quantize(earned * (on - period.from_on).days / days, terms.rounding), earned)
    if earned != quantize(balance * period.factor, terms.rounding):
        # The balance changed on the way: what the rest of the period would still earn on the balance now is not owed.
        ahead = (balance - prepaid) * period.factor * remaining(terms, period, on)
        return min(max(earned - quantize(ahead, terms.rounding), ZERO), earned)
    return min(quantize(balance * terms.annual_rate * day_fraction(terms.day_count, period.from_on, on), terms.rounding), earned)


@dataclass(frozen=True, slots=True)
class Overdue:
    """An instalment that has fallen due and is not paid: its due date, and all that is unpaid of it."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Delinquency:
    """How late a loan is on a day, in its two counters.

    `past_due_days` is plain: since the oldest unpaid due date. `regulatory_days` are 0 inside the penalty's grace and count from the due
    date once missed; no pause stops them (class, stage, bureau). `treatment_days` are less grace and pauses (collections); `since` is the
    day they count from. `range_name` is that of the loan; `amounts` sums what is overdue by each instalment's own range.
    """

    past_due_days: int = 0
    regulatory_days: int = 0
    treatment_days: int = 0
    oldest_due_on: date | None = None
    since: date | None = None
    amount: Decimal = ZERO
    range_name: str = ""
    amounts: tuple[tuple[str, Decimal], ...] = ()


def paused_days(pauses: Iterable[tuple[date, date]], start: date, end: date) -> int:
    """Return the days after `start` up to `end` that lie in a pause (each from its first to its last day; overlaps count once)."""
    total, reached = 0, start
    for first, last in sorted(pauses):
        low, high = max(first, reached), min(last, end)
        if high > low:
            total += (high - low).days
            reached = high
    return total


def delinquency(
    overdue: Iterable[Overdue],
    *,
    as_of: date,
    grace_days: int = 0,
    arrears_grace_days: int = 0,
    ranges: Sequence[Range] = (),
    pauses: Iterable[tuple[date, date]] = (),
) -> Delinquency:
    """Return how late a loan is on `as_of`; `grace_days` is the penalty's, `arrears_grace_days` that of treatment.

    Loan level: past due days less grace and paused days. Instalment level: each by its own past due days less paused days, without
    grace, added up by range; nothing is told before the loan itself is delinquent (conventions of the published cases).
    """
    late = [each for each in overdue if each.due_on < as_of and each.amount > 0]
    if not late:
        return Delinquency()
    stops = tuple(pauses)
    oldest = min(each.due_on for each in late)
    past = (as_of - oldest).days
    days = max(past - arrears_grace_days - paused_days(stops, oldest, as_of), 0)
    amounts: dict[str, Decimal] = {}
    for each in late if days else ():
        name = range_of((as_of - each.due_on).days - paused_days(stops, each.due_on, as_of), ranges)
        if name:
            amounts[name] = amounts.get(name, ZERO) + each.amount
    return Delinquency(
        past_due_days=past,
        regulatory_days=past if missed(oldest, as_of, grace_days) else 0,
        treatment_days=days,
        oldest_due_on=oldest,
        since=oldest + timedelta(days=arrears_grace_days),
        amount=sum((each.amount for each in late), ZERO),
        range_name=range_of(days, ranges),
        amounts=tuple((each.name, amounts[each.name]) for each in ranges if each.name in amounts),
    )


def range_of(days: int, ranges: Sequence[Range]) -> str:
    """Return the name of the range that holds `days`, empty for none."""
    return next((each.name for each in ranges if each.first <= days and (each.last is None or days <= each.last)), "")
