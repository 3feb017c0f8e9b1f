"""Annual percentage rates as law defines them: the United States' by unit periods, the European Union's by days. Pure, in `Decimal`.

US: Regulation Z, 12 CFR 1026 Appendix J (b): A = sum of P_j / ((1 + f i) (1 + i)^t_j), the rate of the unit period times the unit
periods of a year. EU: Directive 2008/48/EC annex I: drawdowns and payments are worth the same at (1 + X)^-t, t in years of 365 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Literal

from credit.rates import ENOUGH, PRECISION, NoRate
from crm.lib.dates import add_months

STEPS = 400
HIGHEST = Decimal(10) ** 9  # a rate above a hundred thousand million per cent is a mistake in the figures


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit period: `length` days, half-months or months; `a_year` of them make a year, `days` of odd time make one."""

    kind: Literal["day", "semimonth", "month"]
    length: int
    a_year: Decimal
    days: int


def months(length: int) -> Unit:
    """Return the unit period of `length` months."""
    return Unit("month", length, Decimal(12) / length, 30 * length)


def weeks(length: int) -> Unit:
    """Return the unit period of `length` weeks."""
    return Unit("day", 7 * length, Decimal(52) / length, 7 * length)


MONTH, QUARTER, WEEK, SEMIMONTH = months(1), months(3), weeks(1), Unit("semimonth", 1, Decimal(24), 15)


@dataclass(frozen=True, slots=True)
class Flow:
    """Money on a day."""

    on: date
    amount: Decimal


def first_period(advanced_on: date, first_on: date, unit: Unit) -> tuple[int, Decimal]:
    """Return the whole unit periods before the first payment and the odd time as a fraction of one, counted back from the payment.

    :raises NoRate: if the payment does not come after the advance
    """
    if first_on <= advanced_on:
        raise NoRate("the first payment has to come after the money is paid out")
    whole = 0
    if unit.kind == "month":  # the 31st of January and the last of February are a month apart
        apart = (first_on.year - advanced_on.year) * 12 + first_on.month - advanced_on.month
        if apart % unit.length == 0 and add_months(advanced_on, apart, advanced_on.day) == first_on:
            return apart // unit.length, Decimal(0)
    while (earlier := _back(first_on, whole + 1, unit)) >= advanced_on:
        whole += 1
        if earlier == advanced_on:
            break
    odd = _odd_days(advanced_on, _back(first_on, whole, unit), unit)
    with localcontext() as context:
        context.prec = PRECISION
        return whole, Decimal(odd) / unit.days


def _odd_days(start: date, end: date, unit: Unit) -> int:
    """Return odd time in days; where months make the unit, a whole month counts as 30 of them (Appendix J (b)(5)(iv))."""
    if unit.kind != "month":
        return (end - start).days
    whole = 0
    while add_months(end, -whole - 1, end.day) >= start:
        whole += 1
    return 30 * whole + (add_months(end, -whole, end.day) - start).days


def us_apr(advance: Decimal, advanced_on: date, first_on: date, payments: Sequence[Decimal], unit: Unit = MONTH) -> Decimal:
    """Return the annual percentage rate as a fraction, unrounded; one payment each unit period from `first_on`.

    :raises NoRate: if nothing is paid out, nothing or less than nothing is paid back, or the first payment is not after the advance
    """
    _check(advance, payments)
    whole, odd = first_period(advanced_on, first_on, unit)
    with localcontext() as context:
        context.prec = PRECISION
        periodic = _unit_root(advance, payments, whole, odd)
        return periodic * unit.a_year


def single_payment_apr(advance: Flow, payment: Flow) -> Decimal:
    """Return the rate of one advance and one payment within a year, measured in days (Appendix J (c)(5)(i)).

    :raises NoRate: as `us_apr`, or if a year or more lies between
    """
    _check(advance.amount, [payment.amount])
    days = (payment.on - advance.on).days
    if not 0 < days < 365:
        raise NoRate("a single payment is measured in days within one year only")
    with localcontext() as context:
        context.prec = PRECISION
        return (payment.amount / advance.amount - 1) * 365 / days


def eu_apr(drawdowns: Sequence[Flow], payments: Sequence[Flow]) -> Decimal:
    """Return the European annual percentage rate of charge as a fraction, unrounded.

    :raises NoRate: if there is no drawdown or no payment, an amount is not positive, or nothing comes back after the first drawdown
    """
    if not drawdowns or not payments or any(flow.amount <= 0 for flow in [*drawdowns, *payments]):
        raise NoRate("a rate needs money paid out first and only money coming back after it")
    start = min(flow.on for flow in drawdowns)
    if min(flow.on for flow in payments) < start or max(flow.on for flow in payments) <= max(flow.on for flow in drawdowns):
        raise NoRate("the first payment has to come after the money is paid out")
    with localcontext() as context:
        context.prec = PRECISION
        flows = [
            (Decimal((one.on - start).days) / 365, sign * one.amount) for rows, sign in ((drawdowns, -1), (payments, 1)) for one in rows
        ]

        def worth(rate: Decimal) -> Decimal:
            return sum((amount / (1 + rate) ** years for years, amount in flows), Decimal(0))

        low, high = Decimal("-0.999"), Decimal(1)
        while worth(high) > 0:
            low, high = high, high * 4
            if high > HIGHEST:
                raise NoRate("these figures give no rate that could be meant")
        for _step in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if worth(middle) > 0 else (low, middle)
            if high - low < ENOUGH * (1 + abs(high)):
                break
        return (low + high) / 2


def _check(advance: Decimal, payments: Sequence[Decimal]) -> None:
    if advance <= 0 or not any(payments) or any(one < 0 for one in payments):
        raise NoRate("a rate needs money paid out first and only money coming back after it")


def _back(day: date, periods: int, unit: Unit) -> date:
    if unit.kind == "day":
        return day - timedelta(days=periods * unit.length)
    if unit.kind == "month":
        return add_months(day, -periods * unit.length, day.day)
    moved = add_months(day, -(periods // 2), day.day)
    if periods % 2 == 0:
        return moved
    return moved.replace(day=moved.day - 15) if moved.day > 15 else add_months(moved, -1, min(moved.day + 15, 30))


def _unit_root(advance: Decimal, payments: Sequence[Decimal], whole: int, odd: Decimal) -> Decimal:
    """Return the rate per unit period. The worth falls and is convex above -1, so Newton's steps from its left never pass the root."""
    rate = Decimal(0)
    while _unit_worth(advance, payments, whole, odd, rate)[0] < 0:
        rate = (rate - 1) / 2
        if 1 + rate < ENOUGH:
            raise NoRate("these figures give no rate that could be meant")
    for _step in range(STEPS):
        worth, slope = _unit_worth(advance, payments, whole, odd, rate)
        step = worth / slope
        rate -= step
        if abs(step) < ENOUGH * (1 + abs(rate)):
            break
    return rate


def _unit_worth(advance: Decimal, payments: Sequence[Decimal], whole: int, odd: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """Return the worth of the payments less the advance at `rate`, and its slope."""
    v = 1 / (1 + rate)
    power, total, slope = v**whole, Decimal(0), Decimal(0)
    for number, payment in enumerate(payments):
        total += payment * power
        slope -= payment * (whole + number) * power * v
        power *= v
    straight = 1 + odd * rate
    return total / straight - advance, slope / straight - total * odd / straight**2
