"""The five classes of a loan: 正常 normal, 关注 special mention, 次级 substandard, 可疑 doubtful, 损失 loss. Pure.

A class is the gravest of what its days past due say, what people found, and the floor of a restructured loan. Nothing lifts it above
what the days say. A non-performing loan becomes better only after its arrears are paid and it was paid as agreed for the longer of two
periods and six months (Measures for the Risk Classification of Financial Assets of Commercial Banks, Order [2023] No. 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from crm.lib.dates import add_months

NORMAL, SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS = range(1, 6)
CLASSES = (NORMAL, SPECIAL_MENTION, SUBSTANDARD, DOUBTFUL, LOSS)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A loan more days past due than these is at least of the class; and what an upgrade needs."""

    special_mention: int
    substandard: int
    doubtful: int
    loss: int
    upgrade_periods: int
    upgrade_months: int


def by_days(dpd: int, thresholds: Thresholds) -> int:
    """Return the class that days past due call for."""
    limits = (thresholds.special_mention, thresholds.substandard, thresholds.doubtful, thresholds.loss)
    return NORMAL + sum(dpd > limit for limit in limits)


def upgrade_on(cured_on: date, due_dates: Iterable[date], thresholds: Thresholds) -> date:
    """Return the first day a non-performing loan without arrears since `cured_on` may become better.

    That is after the months, and after that many due dates where so many are left.
    """
    later = sorted(due_on for due_on in due_dates if due_on > cured_on)
    months = add_months(cured_on, thresholds.upgrade_months)
    periods = thresholds.upgrade_periods
    return max(months, later[periods - 1]) if 0 < periods <= len(later) else months


def classify(
    *, dpd: int, floor: int, was: int, cured_on: date | None, due_dates: Iterable[date], as_of: date, thresholds: Thresholds
) -> int:
    """Return the class on `as_of`.

    :param floor: the gravest class that people or a restructuring set, `NORMAL` when none did
    :param was: the class of the day before
    :param cured_on: since when nothing is past due, None while something is
    """
    found = max(by_days(dpd, thresholds), floor)
    if was < SUBSTANDARD or found >= SUBSTANDARD:
        return found
    over = cured_on is not None and as_of >= upgrade_on(cured_on, due_dates, thresholds)
    return found if over else SUBSTANDARD
