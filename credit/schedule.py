"""Repayment schedules: what falls due when, to the cent. Pure: values in, rows out.

Families and methods are those of `credit/terms.py`; published figures are retyped in tests/credit/test_schedule_methods.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import Literal

from credit import passed_on
from credit.due_dates import Holidays, Period, day_fraction, due_dates, periods_of
from credit.terms import DayCount, Fee, MonthEnd, Terms
from crm.lib.money import CENT, Mode, quantize

__all__ = [
    "DAY_COUNTS", "MONTH_ENDS", "PRECISION", "ZERO", "DayCount", "MonthEnd", "Part", "Row", "Terms", "amortise", "annuity", "build",
    "day_fraction", "due_dates", "equal_installment", "factor",
]  # fmt: skip

DAY_COUNTS: tuple[DayCount, ...] = ("30/360", "actual/360", "actual/365")
MONTH_ENDS: tuple[MonthEnd, ...] = ("last_day", "next_first")
ZERO = Decimal("0.00")

# Factors are products of many terms; the default 28 digits would do, the spare ones keep a tie a tie.
PRECISION = 40
ROUNDINGS = {"HALF_UP": ROUND_HALF_UP, "HALF_EVEN": ROUND_HALF_EVEN}


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment; `balance` is the principal outstanding after it, `days` the calendar days of its period.

    `earned` is the interest its own period makes: less or more than `interest` only where a grace holds interest back.
    """

    seq: int
    from_on: date
    due_on: date
    days: int
    principal: Decimal
    interest: Decimal
    balance: Decimal
    fee: Decimal = ZERO
    earned: Decimal = ZERO
    kind: Literal["installment", "down_payment"] = "installment"
    period: Period | None = None
    passed: Decimal = ZERO  # what of `fee` goes to somebody else

    @property
    def payment(self) -> Decimal:
        """Principal and interest together, without fees."""
        return self.principal + self.interest


@dataclass(frozen=True, slots=True)
class Part:
    """What one period of a schedule repays, collects and earns."""

    principal: Decimal
    interest: Decimal
    earned: Decimal


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


def annuity(principal: Decimal, factors: Sequence[Decimal]) -> Decimal:
    """Return the unrounded equal payment that repays `principal` over periods with these interest `factors`."""
    growth, denominator = Decimal(1), Decimal(0)
    for each in factors:
        denominator = 1 + denominator * (1 + each)
        growth *= 1 + each
    return principal * growth / denominator


def equal_installment(terms: Terms) -> list[Row]:
    """Return the schedule of `terms`: the name by which callers of equal instalments know `build`.

    :raises Impossible: if there can be none
    """
    return list(build(terms))


def build(terms: Terms, holidays: Holidays = ()) -> tuple[Row, ...]:
    """Return the schedule of `terms`: down payment first, then each instalment in whole cents; the last takes the remainder.

    :raises Impossible: if the dates cannot be
    """
    return _remembered(terms) if not holidays or terms.holiday_shift == "none" else _build(terms, holidays)


@lru_cache(maxsize=1024)
def _remembered(terms: Terms) -> tuple[Row, ...]:
    return _build(terms, ())


def _build(terms: Terms, holidays: Holidays) -> tuple[Row, ...]:
    with localcontext() as context:
        context.prec = PRECISION
        rows: list[Row] = []
        balance = terms.principal
        if terms.down_payment:
            down = quantize(balance * terms.down_payment, terms.rounding)
            balance -= down
            rows.append(Row(1, terms.starts_on, terms.starts_on, 0, down, ZERO, balance, kind="down_payment"))
        periods = windows(terms, periods_of(terms, holidays))
        fees = scheduled_fees(terms.fees, terms.principal, len(periods))
        passed = scheduled_fees(passed_on.others(terms.fees), terms.principal, len(periods))
        for period, part, fee, others in zip(periods, amortise(terms, periods, balance), fees, passed, strict=True):
            balance -= part.principal
            days = (period.due_on - period.from_on).days
            seq = len(rows) + 1
            rows.append(
                Row(
                    seq,
                    period.from_on,
                    period.due_on,
                    days,
                    part.principal,
                    part.interest,
                    balance,
                    fee,
                    part.earned,
                    "installment",
                    period,
                    others,
                )
            )
    return tuple(rows)


def windows(terms: Terms, periods: list[Period]) -> list[Period]:
    """Return the periods that have an instalment each: a bullet has one, over all of them."""
    if terms.method != "bullet":
        return periods
    return [Period(periods[0].from_on, periods[-1].due_on, sum((each.factor for each in periods), Decimal(0)))]


def scheduled_fees(fees: Sequence[Fee], principal: Decimal, periods: int) -> list[Decimal]:
    """Return the fee part of each of `periods` instalments: `per_period` in all, `once` in the first."""
    every = sum((fee.amount + quantize(principal * fee.rate) for fee in fees if fee.when == "per_period"), ZERO)
    first = sum((fee.amount + quantize(principal * fee.rate) for fee in fees if fee.when == "once"), ZERO)
    return [every + first, *[every] * (periods - 1)]


def amortise(
    terms: Terms, periods: Sequence[Period], principal: Decimal, *, payment: Decimal | None = None, first_interest: Decimal | None = None
) -> list[Part]:
    """Return what each of `periods` repays of `principal` and collects of interest, by the method of `terms`.

    `payment` holds the instalment (or the equal principal) instead of solving it; then the loan may end early with periods of nothing.
    `first_interest` is the interest of the first period where its balance changed on the way.
    """
    if terms.method == "flat":
        return _flat(terms, periods, principal, first_interest)
    free = [each.principal_free for each in periods]
    if terms.method in ("interest_only", "bullet"):
        free = [True] * len(periods)
    free[-1] = False
    if terms.method == "equal_principal":
        share = principal / free.count(False)
        # the cumulative family leaves equal shares of principal exact whatever its multiple
        shared = quantize(share, terms.rounding) if terms.family == "cumulative" else _multiple(share, terms)
        each = payment if payment is not None else shared
        return _run(terms, periods, principal, free, each, first_interest, equal_principal=True)
    if terms.method != "equal_installment":
        return _run(terms, periods, principal, free, principal, first_interest, equal_principal=True)
    if payment is not None:
        return _run(terms, periods, principal, free, payment, first_interest)
    payment = solve(terms, periods, principal, free, first_interest)
    parts = _run(terms, periods, principal, free, payment, first_interest)
    if terms.family != "progressive":
        return parts
    return _evened(terms, periods, principal, free, payment, first_interest, parts)


def solve(
    terms: Terms, periods: Sequence[Period], principal: Decimal, free: Sequence[bool], first_interest: Decimal | None = None
) -> Decimal:
    """Return the equal instalment, rounded as the family rounds it."""
    factors = [period.factor for period, without in zip(periods, free, strict=True) if not without]
    if terms.family == "cumulative" and terms.interest == "daily" and terms.unit == "months":
        factors = [terms.annual_rate * 30 * terms.every / 365] * len(factors)
    if first_interest is None or free[0]:
        exact = annuity(principal, factors)
    elif len(factors) == 1:
        exact = principal + first_interest
    else:
        # What is repaid with the first instalment does not cost interest after: A = c·(B + I − A), c the annuity of 1 over the rest.
        rest = annuity(Decimal(1), factors[1:])
        exact = rest * (principal + first_interest) / (1 + rest)
    return quantize(exact, terms.rounding) if terms.family == "progressive" else _multiple(exact, terms)


def _multiple(amount: Decimal, terms: Terms) -> Decimal:
    if terms.installment_multiple is None:
        return quantize(amount, terms.rounding)
    steps = (amount / terms.installment_multiple).quantize(Decimal(1), rounding=ROUNDINGS[terms.rounding])
    return (steps * terms.installment_multiple).quantize(CENT)


def _run(
    terms: Terms, periods: Sequence[Period], principal: Decimal, free: Sequence[bool], payment: Decimal,
    first_interest: Decimal | None, *, equal_principal: bool = False,
) -> list[Part]:  # fmt: skip
    rounding: Mode = terms.rounding
    balance, held, parts, last = principal, ZERO, [], len(periods) - 1
    for n, period in enumerate(periods):
        earned = quantize(balance * period.factor, rounding)
        if n == 0 and first_interest is not None:
            earned = first_interest
        if n == last:
            part = balance
        elif free[n]:
            part = ZERO
        elif equal_principal:
            part = min(payment, balance)
        else:
            # A payment rounded up may end a tiny loan early; one rounded down may not cover the interest.
            part = min(max(payment - earned, ZERO), balance)
        balance -= part
        if period.interest_held and n < last:
            held += earned
            parts.append(Part(part, ZERO, earned))
        else:
            parts.append(Part(part, earned + held, earned))
            held = ZERO
    return parts


def _evened(
    terms: Terms, periods: Sequence[Period], principal: Decimal, free: Sequence[bool], payment: Decimal,
    first_interest: Decimal | None, parts: list[Part],
) -> list[Part]:  # fmt: skip
    """Return `parts`, or those of an instalment moved once by its share of what the last differs by, where that brings it nearer."""
    count = free.count(False)
    gap = parts[-1].principal + parts[-1].interest - payment
    if abs(gap) <= CENT * (count // 2):
        return parts
    moved = payment + quantize(gap / count, terms.rounding)
    again = _run(terms, periods, principal, free, moved, first_interest)
    return again if abs(again[-1].principal + again[-1].interest - moved) < abs(gap) else parts


def _flat(terms: Terms, periods: Sequence[Period], principal: Decimal, first_interest: Decimal | None) -> list[Part]:
    """等本等息: interest on the first principal throughout, in equal parts; the last takes the rest of both."""
    last = len(periods) - 1
    bearing = [n for n, each in enumerate(periods) if each.factor and (n or first_interest is None)]
    repaying = [n for n, each in enumerate(periods) if not each.principal_free or n == last]
    left = quantize(principal * sum((periods[n].factor for n in bearing), Decimal(0)), terms.rounding)
    interest = quantize(left / len(bearing), terms.rounding) if bearing else ZERO
    each_principal = quantize(principal / len(repaying), terms.rounding)
    if terms.family == "cumulative" or terms.installment_multiple is not None:
        each_principal = _multiple((principal + left) / len(periods), terms) - interest
    parts, held, balance = [], ZERO, principal
    for n, period in enumerate(periods):
        earned = left if bearing and n == bearing[-1] else min(interest, left) if n in bearing else ZERO
        left -= earned
        if n == 0 and first_interest is not None:
            earned = first_interest
        part = balance if n == last else min(max(each_principal, ZERO), balance) if n in repaying else ZERO
        balance -= part
        if period.interest_held and n < last:
            held += earned
            parts.append(Part(part, ZERO, earned))
        else:
            parts.append(Part(part, earned + held, earned))
            held = ZERO
    return parts
