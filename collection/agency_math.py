"""Arithmetic of placement: fees to the cent, and who gets how many cases. Pure; schedules and capacities are data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crm.lib.money import quantize

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Seat:
    """An agency that may take cases: how many more, and its recovery per case placed so far (None before it has any)."""

    code: str
    room: int
    recovery: Decimal | None


def rate_at(schedule: Mapping[str, str], dpd: int) -> Decimal:
    """Return the share of what comes in that is the agency's, by the days past due at placement: the last step reached."""
    reached = [int(days) for days in schedule if int(days) <= dpd]
    return Decimal(schedule[str(max(reached))]) if reached else Decimal(0)


def fee(collected: Decimal, rate: Decimal, *, before: Decimal = ZERO) -> Decimal:
    """Return the fee on `collected` when `before` came earlier: the difference of two rounded totals, so that parts add up to the whole.

    What is taken back by a reversal (`collected` below zero) takes its fee back to the cent.
    """
    return quantize((before + collected) * rate) - quantize(before * rate)


def shares(number: int, seats: Sequence[Seat]) -> dict[str, int]:
    """Return how many of `number` cases each agency gets: by recovery, never above its room; the rest goes to nobody.

    One without a record counts as the mean of the others. Fractions go to the largest remainders, ties to who has more room, then to
    the earlier code: cases that come one by one are shared out too.
    """
    given = {seat.code: 0 for seat in seats}
    known = [seat.recovery for seat in seats if seat.recovery is not None and seat.recovery > 0]
    mean = sum(known, Decimal(0)) / len(known) if known else Decimal(1)
    weight = {seat.code: seat.recovery if seat.recovery is not None and seat.recovery > 0 else mean for seat in seats}
    room = {seat.code: seat.room for seat in seats}
    left = number
    while left > 0 and (open_ := sorted(code for code, free in room.items() if free > given[code])):
        whole = sum((weight[code] for code in open_), Decimal(0))
        exact = {code: left * weight[code] / whole for code in open_}
        step = {code: min(int(exact[code]), room[code] - given[code]) for code in open_}
        if not any(step.values()):
            for code in sorted(open_, key=lambda one: (-(exact[one] - int(exact[one])), given[one] - room[one], one))[:left]:
                step[code] = 1
        for code, more in step.items():
            given[code] += more
        left = number - sum(given.values())
    return given
