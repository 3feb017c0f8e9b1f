"""Interest that follows the balance day by day, for loans whose terms ask for it. Pure; played by `credit/machine.py`.

Up to the day of looking the balance is what it was; on that day everything past due is taken as paid, and from there on the balance is
the schedule's. What is paid with an instalment stays as planned; its interest is the balance's, the rest repays, the last takes what
remains (conventions of the published cases with interest recalculation, and of the progressive schedule of worked examples).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from credit.due_dates import Period, day_fraction
from crm.lib.money import quantize

if TYPE_CHECKING:
    from credit.state import Installment
    from credit.working import Working

ZERO = Decimal("0.00")


def refresh(loan: Working, on: date, *, ends: bool = False) -> None:
    """Write the interest of every instalment not met as the balance to `on` makes it; with `ends`, as if all principal came that day."""
    rule = loan.terms.recalculation
    days, balances = _history(loan)
    rows = [row for row in loan.rows if row.kind == "installment"]
    rest = sum((row.due.principal for row in rows), ZERO)
    owed_before = ZERO  # unpaid principal of the instalments before
    last = next((row for row in reversed(rows) if row.met_on is None), None)
    for row in rows:
        if row.met_on is None and row.period is not None:
            later = ZERO if ends else loan.principal - owed_before
            if ends and rule is not None and rule.payoff == "to_period_end" and row.from_on < on < row.due_on:
                later = _at(days, balances, on)
            _write(loan, row, row.period, on, days, balances, later, rest, is_last=row is last)
        rest -= row.due.principal
        owed_before += row.left("principal")
    _drop_empty(loan)


def _write(
    loan: Working, row: Installment, period: Period, on: date, days: list[date], balances: list[Decimal], later: Decimal,
    rest: Decimal, *, is_last: bool,
) -> None:  # fmt: skip
    interest = _interest(loan, period, on, days, balances, later)
    row.due.interest = row.earned = max(interest, row.paid.interest + row.waived.interest)
    if loan.terms.method == "equal_installment":
        planned = rest if is_last else min(max(row.plan - row.due.interest, ZERO) + row.prepaid, rest)
        row.due.principal = max(planned, row.paid.principal)


def _interest(loan: Working, period: Period, on: date, days: list[date], balances: list[Decimal], later: Decimal) -> Decimal:
    """Return the interest of a period: what the balance was up to `on`, `later` from there on."""
    terms = loan.terms
    cuts = [period.from_on, *(day for day in days if period.from_on < day < min(period.due_on, on)), period.due_on]
    if period.from_on < on < period.due_on:
        cuts.insert(-1, on)
    whole, exact, rounded = max((period.due_on - period.from_on).days, 1), Decimal(0), ZERO
    for start, end in pairwise(cuts):
        if end <= start:
            continue
        balance = later if start >= on else _at(days, balances, start)
        if terms.partial_period == "period_share":
            part = balance * period.factor * (end - start).days / whole
        elif end - start == period.due_on - period.from_on or not period.factor:
            part = balance * period.factor
        else:
            part = balance * terms.annual_rate * day_fraction(terms.day_count, start, end)
        exact += part
        rounded += quantize(part, terms.rounding)
    # The cumulative family rounds each stretch of days for itself, the others the sum.
    return rounded if terms.family == "cumulative" else quantize(exact, terms.rounding)


def _history(loan: Working) -> tuple[list[date], list[Decimal]]:
    days: list[date] = []
    balances: list[Decimal] = []
    balance = ZERO
    for day, change in loan.flows:
        balance += change
        if days and days[-1] == day:
            balances[-1] = balance
        else:
            days.append(day)
            balances.append(balance)
    return days, balances


def _at(days: list[date], balances: list[Decimal], day: date) -> Decimal:
    place = bisect_right(days, day)
    return balances[place - 1] if place else ZERO


def _drop_empty(loan: Working) -> None:
    """Leave out the last instalments once prepayments have left nothing for them."""
    kept = len(loan.rows)
    while kept > 1:
        row = loan.rows[kept - 1]
        if row.kind != "installment" or row.due.total or row.paid.total or row.charges or row.met_on is not None:
            break
        kept -= 1
    if kept < len(loan.rows):
        loan.set_rows(loan.rows[:kept])
