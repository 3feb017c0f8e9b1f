"""What being late costs and how late a loan is: closed forms of (instalment, date). Pure.

`credit/end_of_day.py` carries the same rules as SQL for whole portfolios; a property test holds the two against each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

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
