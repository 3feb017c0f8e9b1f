"""Whether a promise was kept: a closed form of what was promised, what was paid, and the last day that is over. Pure.

Policy of this house, with the cases in `tests/collection/test_judgement.py`: payments count up to each due date and its grace;
up to `tolerance` may lack; a promise is broken when the grace of a part is over and too little had come by then. Until then it
is open, or part-paid once something has come. It is kept as soon as all of it is paid, before the last day too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

ZERO = Decimal("0.00")
State = Literal["open", "partial", "kept", "broken"]


@dataclass(frozen=True, slots=True)
class Part:
    """An amount promised by a day."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that counts for a day; a reversal is below zero."""

    value_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise, and how much of it was paid in time."""

    state: State
    paid: Decimal


def judge(parts: Sequence[Part], payments: Sequence[Payment], *, closed: date, grace_days: int, tolerance: Decimal) -> Verdict:
    """Return the verdict as of `closed`, the last day that is over.

    :raises ValueError: if there is no part
    """
    if not parts:
        raise ValueError("a promise without parts")
    promised = ZERO
    for part in sorted(parts, key=lambda each: each.due_on):
        promised += part.amount
        deadline = part.due_on + timedelta(days=grace_days)
        paid = paid_by(payments, deadline)
        if not enough(paid, promised, tolerance) and deadline <= closed:
            return Verdict("broken", paid)
    if enough(paid, promised, tolerance):
        return Verdict("kept", paid)
    return Verdict("partial" if paid > ZERO else "open", paid)


def enough(given: Decimal, wanted: Decimal, tolerance: Decimal) -> bool:
    """Return whether `given` is all of `wanted` but for what may lack: of a promise paid, and of what is overdue promised."""
    return given >= wanted - tolerance


def paid_by(payments: Sequence[Payment], day: date) -> Decimal:
    """Return what had come by the end of `day`, never below zero."""
    return max(sum((each.amount for each in payments if each.value_on <= day), ZERO), ZERO)
