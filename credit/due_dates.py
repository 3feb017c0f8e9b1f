"""When instalments fall due and what a period of interest weighs. Pure; holidays are passed in."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from credit.terms import DayCount, Impossible, MonthEnd, Terms
from crm.lib.dates import add_months, days_360

Holidays = Callable[[date], bool] | Collection[date]

YEARS = {"actual/360": 360, "actual/364": 364, "actual/365": 365}
DAYS = {"days": 1, "weeks": 7}
LONGEST_CLOSURE = 31


@dataclass(frozen=True, slots=True)
class Period:
    """One period of interest: `factor` is the unrounded interest on 1. `principal_free` and `interest_held` are the graces."""

    from_on: date
    due_on: date
    factor: Decimal
    principal_free: bool = False
    interest_held: bool = False


def due_dates(starts_on: date, periods: int, month_end: MonthEnd = "last_day") -> list[date]:
    """Return `periods` monthly due dates after `starts_on`, always counted from it, so that the 31st comes back.

    A month without that day gives its last day, or with `next_first` the first of the month after.
    """
    return [on_month(starts_on, n, starts_on.day, month_end) for n in range(1, periods + 1)]


def on_month(day: date, months: int, anchor: int, month_end: MonthEnd) -> date:
    """Return the day `anchor` of the month `months` after that of `day`; where the month is too short, by the rule for month ends."""
    due = add_months(day, months, anchor)
    if month_end == "next_first" and due.day < anchor:
        due = add_months(due.replace(day=1), 1, 1)
    return due


def nominal(terms: Terms, periods: int | None = None) -> list[date]:
    """Return the due dates before any holiday moves them, always counted from the first one."""
    count = terms.periods if periods is None else periods
    if terms.unit != "months":
        step = timedelta(days=terms.every * DAYS[terms.unit])
        first = terms.first_due_on or terms.starts_on + step
        return [first + n * step for n in range(count)]
    if terms.first_due_on is not None:
        first, anchor = terms.first_due_on, terms.due_day or terms.first_due_on.day
        rest = [on_month(first, n * terms.every, anchor, terms.month_end) for n in range(1, count)]
        return [first, *rest]
    if terms.due_day is None:
        start = terms.starts_on
        return [on_month(start, n * terms.every, start.day, terms.month_end) for n in range(1, count + 1)]
    month = terms.starts_on.replace(day=1)
    lead = terms.every - 1
    while (on_month(month, lead, terms.due_day, terms.month_end) - terms.starts_on).days < terms.first_period_days:
        lead += 1
    return [on_month(month, lead + n * terms.every, terms.due_day, terms.month_end) for n in range(count)]


def shifted(day: date, terms: Terms, holidays: Holidays) -> date:
    """Return the business day on which what is nominally due on `day` falls due.

    :raises Impossible: (dates) if no business day is found within a month
    """
    closed = holidays if callable(holidays) else holidays.__contains__
    step = timedelta(days={"none": 0, "next": 1, "previous": -1}[terms.holiday_shift])
    moved = day
    while step and closed(moved):
        moved += step
        if abs((moved - day).days) > LONGEST_CLOSURE:
            raise Impossible("dates", f"there is no business day near {day}")
    return moved


def periods_of(terms: Terms, holidays: Holidays = ()) -> list[Period]:
    """Return the periods of `terms`, each with what it weighs. On 30/360 moved due dates change no interest: a month is a month."""
    plain = nominal(terms)
    starts = [terms.starts_on, *plain]
    days = starts if terms.holiday_shift == "none" else [terms.starts_on, *(shifted(day, terms, holidays) for day in plain)]
    # On 30/360 only a first period that is no whole one is counted by days; the others are months, wherever the calendar put them.
    whole_first = terms.unit != "months" or plain[0] == on_month(terms.starts_on, terms.every, terms.starts_on.day, terms.month_end)
    alike = terms.interest == "per_period" or terms.day_count == "30/360"
    same = period_factor(terms, days[0], days[1])
    found = []
    for n in range(terms.periods):
        if n < terms.interest_free:
            factor = Decimal(0)
        elif n == 0 and not whole_first:
            factor = terms.annual_rate * day_fraction(terms.day_count, starts[0], starts[1])
        else:
            factor = same if alike else period_factor(terms, days[n], days[n + 1])
        found.append(Period(days[n], days[n + 1], factor, n < terms.grace_on_principal, n < terms.grace_on_interest))
    return found


def period_factor(terms: Terms, start: date, end: date) -> Decimal:
    """Return the interest on 1 over one whole period."""
    if terms.interest == "per_period" or terms.day_count == "30/360":
        if terms.unit == "months":
            return terms.annual_rate * terms.every / 12
        return terms.annual_rate * terms.every * DAYS[terms.unit] / YEARS.get(terms.day_count, 360 if terms.day_count == "30/360" else 365)
    return terms.annual_rate * day_fraction(terms.day_count, start, end)


def day_fraction(day_count: DayCount, start: date, end: date) -> Decimal:
    """Return the part of a year between two days. Actual/actual weighs each day by its own year, cut at 31 December.

    :raises ValueError: for a day count this product does not know
    """
    if day_count in YEARS:
        return Decimal((end - start).days) / YEARS[day_count]
    if day_count == "30/360":
        return Decimal(days_360(start, end)) / 360
    if day_count != "actual/actual":
        raise ValueError(f"unknown day count {day_count!r}")
    part = Decimal(0)
    while start.year < end.year:
        cut = date(start.year, 12, 31)
        if cut == start:  # the last day of December itself belongs to the year after: 31 Dec to 12 Jan is 12 days of it
            start_year_days = _length(start.year + 1)
            stop = min(end, date(start.year + 1, 12, 31))
            part += Decimal((stop - start).days) / start_year_days
            start = stop
            continue
        part += Decimal((cut - start).days) / _length(start.year)
        start = cut
    return part + Decimal((end - start).days) / _length(end.year)


def remaining(terms: Terms, period: Period, on: date) -> Decimal:
    """Return the share of a period that lies after `on`."""
    if terms.partial_period == "day_count":
        of = day_fraction(terms.day_count, period.from_on, period.due_on)
        if of:
            return min(day_fraction(terms.day_count, max(on, period.from_on), period.due_on) / of, Decimal(1))
    return Decimal((period.due_on - max(on, period.from_on)).days) / max((period.due_on - period.from_on).days, 1)


def _length(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days
