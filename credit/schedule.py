"""Repayment schedules: what falls due when, to the cent. Pure: values in, rows out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Literal

from crm.lib.dates import add_months, days_360
from crm.lib.money import Mode, quantize

DayCount = Literal["30/360", "actual/360", "actual/365"]
MonthEnd = Literal["last_day", "next_first"]

DAY_COUNTS: tuple[DayCount, ...] = ("30/360", "actual/360", "actual/365")
MONTH_ENDS: tuple[MonthEnd, ...] = ("last_day", "next_first")
ZERO = Decimal("0.00")

# Factors are products of many terms; the default 28 digits would do, the spare ones keep a tie a tie.
PRECISION = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """What a schedule is made from: money in the installation's currency, `annual_rate` as a fraction (0.18 = 18 % a year)."""

    principal: Decimal
    annual_rate: Decimal
    periods: int
    starts_on: date
    day_count: DayCount = "30/360"
    month_end: MonthEnd = "last_day"
    rounding: Mode = "HALF_UP"


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment; `balance` is the principal outstanding after it, `days` the calendar days of its period."""

    seq: int
    from_on: date
    due_on: date
    days: int
    principal: Decimal
    interest: Decimal
    balance: Decimal

    @property
    def payment(self) -> Decimal:
        """Principal and interest together, without fees."""
        return self.principal + self.interest


def due_dates(starts_on: date, periods: int, month_end: MonthEnd = "last_day") -> list[date]:
    """Return `periods` monthly due dates after `starts_on`, always counted from it, so that the 31st comes back.

    A month without that day gives its last day, or with `next_first` the first of the month after.
    """
    dates = []
    for n in range(1, periods + 1):
        due = add_months(starts_on, n, starts_on.day)
        if month_end == "next_first" and due.day < starts_on.day:
            due = add_months(due.replace(day=1), 1, 1)
        dates.append(due)
    return dates


def factor(annual_rate: Decimal, day_count: DayCount, days: int) -> Decimal:
    """Return the interest on 1 over one monthly period: a twelfth of the year on 30/360, else by its actual `days`.

    :raises ValueError: for a day count this product does not know
    """
    match day_count:
        case "30/360":
            return annual_rate / 12
        case "actual/360":
            return annual_rate * days / 360
        case "actual/365":
            return annual_rate * days / 365
    raise ValueError(f"unknown day count {day_count!r}")


def day_fraction(day_count: DayCount, start: date, end: date) -> Decimal:
    """Return the part of a year between two days, for interest that does not fill whole periods."""
    if day_count == "30/360":
        return Decimal(days_360(start, end)) / 360
    return Decimal((end - start).days) / (360 if day_count == "actual/360" else 365)


def annuity(principal: Decimal, factors: Sequence[Decimal]) -> Decimal:
    """Return the unrounded equal payment that repays `principal` over periods with these interest `factors`."""
    growth, denominator = Decimal(1), Decimal(0)
    for each in factors:
        denominator = 1 + denominator * (1 + each)
        growth *= 1 + each
    return principal * growth / denominator


def equal_installment(terms: Terms) -> list[Row]:
    """Return the schedule of equal instalments (等额本息): each rounded to the cent, the last takes the remainder.

    :raises ValueError: if the principal is not a positive amount in cents, the rate is negative or there is no period
    """
    principal, rounding = terms.principal, terms.rounding
    if principal <= 0 or principal != quantize(principal):
        raise ValueError(f"{principal} is not a positive amount in whole cents")
    if terms.annual_rate < 0 or terms.periods < 1:
        raise ValueError("a schedule needs a rate of zero or more and at least one period")
    days = [terms.starts_on, *due_dates(terms.starts_on, terms.periods, terms.month_end)]
    with localcontext() as context:
        context.prec = PRECISION
        factors = [factor(terms.annual_rate, terms.day_count, (b - a).days) for a, b in pairwise(days)]
        payment = quantize(annuity(principal, factors), rounding)
        rows, balance = [], principal
        for seq, (each, (from_on, due_on)) in enumerate(zip(factors, pairwise(days), strict=True), start=1):
            interest = quantize(balance * each, rounding)
            # A payment rounded up may end a tiny loan early; one rounded down may not cover the interest.
            part = balance if seq == terms.periods else min(max(payment - interest, ZERO), balance)
            balance -= part
            rows.append(Row(seq, from_on, due_on, (due_on - from_on).days, part, interest, balance))
    return rows
