"""Small plots of the supervisor's home, set on the server in whole pixels: a home page loads no chart bundle. Pure."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from collection.treatment_results import Arm

# The picture of the days, and of one interval, in pixels of its view box.
WIDTH, HEIGHT, TOP, BOTTOM = 420, 150, 16, 18
BAR, GAP = 16, 3
LINE, EDGE = 140, 8


def whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def days(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return two bars for each day of a plan: contacts needed, contacts possible; the tallest fills the picture."""
    most = max([1, *(day["needed"] for day in rows), *(day["capacity"] for day in rows)])
    room, ground = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    step = WIDTH // max(len(rows), 1)
    bars = []
    for place, day in enumerate(rows):
        middle = place * step + step // 2
        tall = {name: whole(Decimal(day[name] * room) / most) for name in ("needed", "capacity")}
        bars.append(
            {
                "label": day["day"][5:], "middle": middle, "needed": day["needed"], "possible": day["capacity"], "short": day["short"],
                "left": middle - BAR - GAP // 2, "right": middle + GAP - GAP // 2, "needed_at": middle - BAR // 2 - GAP // 2,
                "possible_at": middle + BAR // 2 + GAP - GAP // 2, "needed_top": ground - tall["needed"], "needed_tall": tall["needed"],
                "possible_top": ground - tall["capacity"], "possible_tall": tall["capacity"],
                "needed_word": ground - tall["needed"] - 4, "possible_word": ground - tall["capacity"] - 4,
            }
        )  # fmt: skip
    return {"width": WIDTH, "height": HEIGHT, "ground": ground, "foot": HEIGHT - 4, "bar": BAR, "bars": bars}


def intervals(arms: Sequence[Arm]) -> list[dict[str, int]]:
    """Return for each arm where its cash a case and the ends of its interval stand on one scale that holds zero."""
    ends = [end for one in arms for end in one.cash_interval]
    low, high = min([Decimal(0), *ends]), max([Decimal(0), *ends])
    span = (high - low) or Decimal(1)

    def at(value: Decimal) -> int:
        return EDGE + whole((value - low) / span * (LINE - 2 * EDGE))

    return [
        {"width": LINE, "zero": at(Decimal(0)), "low": at(one.cash_interval[0]), "high": at(one.cash_interval[1]), "mean": at(one.cash_per_case)}
        for one in arms
    ]  # fmt: skip
