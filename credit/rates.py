"""What a loan costs a year: internal rate of return, nominal and effective. Pure, in `Decimal` throughout."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

RATE = Decimal("0.000001")
PRECISION = 40
ENOUGH = Decimal("1e-18")
STEPS = 200


class NoRate(ValueError):
    """These flows have no rate: nothing goes out first, nothing comes back, or money goes out again later."""

    code = "no_rate"


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates as fractions with six decimals: 0.180004 is 18.0004 %."""

    periodic: Decimal
    nominal: Decimal
    effective: Decimal


def irr(flows: Sequence[Decimal]) -> Decimal:
    """Return the rate per period at which `flows` (money out first, then money in, evenly spaced) are worth nothing.

    With v = 1 / (1 + rate) the value f(v) = flows[0] + flows[1] v + flows[2] v² + … starts below zero, and as no later flow is
    negative it rises and is convex for v > 0. So there is exactly one root, and Newton's steps from any point right of it
    come down to it without ever passing it: no bracket can be missed and no second root found.

    :raises NoRate: if the first flow is not money out, or the others are not money in, somewhere more than nothing
    """
    if len(flows) < 2 or flows[0] >= 0 or any(flow < 0 for flow in flows[1:]) or not any(flows[1:]):
        raise NoRate("a rate needs money paid out first and only money coming back after it")
    with localcontext() as context:
        context.prec = PRECISION
        v = Decimal(1)
        while _value_and_slope(flows, v)[0] < 0:
            v *= 2
        for _step in range(STEPS):
            value, slope = _value_and_slope(flows, v)
            step = value / slope
            v -= step
            if abs(step) < ENOUGH * v:
                break
        return 1 / v - 1


def annualised(flows: Sequence[Decimal], *, periods_a_year: int | Decimal = 12) -> Rates:
    """Return the periodic rate of `flows` with its nominal (times the periods) and effective (compounded) annual rate.

    :raises NoRate: as `irr`, or for a year of no period
    """
    if periods_a_year < 1:
        raise NoRate("a year has at least one period")
    periodic = irr(flows)
    with localcontext() as context:
        context.prec = PRECISION
        return Rates(
            periodic=periodic.quantize(RATE),
            nominal=(periodic * periods_a_year).quantize(RATE),
            effective=((1 + periodic) ** periods_a_year - 1).quantize(RATE),
        )


def _value_and_slope(flows: Sequence[Decimal], v: Decimal) -> tuple[Decimal, Decimal]:
    value = slope = Decimal(0)
    for flow in reversed(flows):
        slope = slope * v + value
        value = value * v + flow
    return value, slope
