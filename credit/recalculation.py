"""Interest that follows the balance day by day, for loans whose terms ask for it. Pure; played by `credit/machine.py`.

Up to the day of looking the balance is what it was; on that day everything past due is taken as paid, and from there on the balance is
the schedule's. What is paid with an instalment stays as planned; its interest is the balance's, the rest repays, the last takes what
remains (conventions of the published cases with interest recalculation, and of the progressive schedule of worked examples).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from credit.due_dates import day_fraction
from credit.state import Stretch
from crm.lib.money import quantize

if TYPE_CHECKING:
    from credit.state import Installment
    from credit.terms import Terms
    from credit.working import Working

ZERO = Decimal("0.00")


def refresh(loan: Working, on: date, *, ends: bool = False) -> None:
    """Write the interest of every instalment not met as the balance to `on` makes it; with `ends`, as if all principal came that day."""
    rule = loan.terms.recalculation
    rows = [row for row in loan.unmet if row.period is not None]
    rest = sum((row.unpaid for row in rows), ZERO)
    # Unpaid principal of the instalments before: on the day of looking it is taken as paid.
    owed_before = sum((row.unpaid for row in loan.unmet if row.period is None), ZERO)
    for row in rows:
        if row.seq not in loan.final:
            later = ZERO if ends else loan.principal - owed_before
            if ends and rule is not None and rule.payoff == "to_period_end" and row.from_on < on < row.due_on:
                later = _at(loan, on)
            row.stretches = tuple(_stretches(loan, row, on, later))
            row.due.interest = row.earned = max(sum(rounded(loan.terms, row.stretches), ZERO), row.paid.interest + row.waived.interest)
            if loan.terms.method == "equal_installment":
                row.due.principal = row.paid.principal + _repaid(row, rest, is_last=row is rows[-1])
            if row.due_on <= on and not ends:
                loan.final.add(row.seq)
        unpaid = row.unpaid
        rest -= unpaid
        owed_before += unpaid
    _drop_empty(loan, on)
    if not ends:
        loan.meet([*loan.unmet], on)
    loan.refreshed_on = None if ends else on


def _repaid(row: Installment, rest: Decimal, *, is_last: bool) -> Decimal:
    """Return what is still to be repaid with an instalment: the payment it was planned with less its interest, of what is left."""
    if is_last:
        return rest
    if row.period is not None and row.period.principal_free:
        return ZERO
    return min(max(row.plan - row.due.interest + row.prepaid - row.paid.principal, ZERO), rest)


def _stretches(loan: Working, row: Installment, on: date, later: Decimal) -> Iterator[Stretch]:
    """Return what makes the interest of an instalment's period: what the balance was up to `on`, and `later` from there on."""
    terms, period = loan.terms, row.period
    if period is None:
        return
    if on <= period.from_on:
        yield Stretch(period.from_on, period.due_on, later, later * period.factor)
        return
    first, last = bisect_right(loan.days, period.from_on), bisect_left(loan.days, min(period.due_on, on))
    cuts = [period.from_on, *loan.days[first:last], period.due_on]
    if period.from_on < on < period.due_on:
        cuts.insert(-1, on)
    whole = max((period.due_on - period.from_on).days, 1)
    for start, end in pairwise(cuts):
        if end <= start:
            continue
        balance = later if start >= on else _at(loan, start)
        if terms.partial_period == "period_share":
            part = balance * period.factor * (end - start).days / whole
        elif end - start == period.due_on - period.from_on or not period.factor:
            part = balance * period.factor
        else:
            part = balance * terms.annual_rate * day_fraction(terms.day_count, start, end)
        yield Stretch(start, end, balance, part)


def rounded(terms: Terms, stretches: Sequence[Stretch]) -> list[Decimal]:
    """Return the interest of each stretch in whole cents: the cumulative family rounds each for itself, the others their sum."""
    if terms.family == "cumulative":
        return [quantize(each.interest, terms.rounding) for each in stretches]
    exact, found = Decimal(0), []
    for each in stretches:
        found.append(quantize(exact + each.interest, terms.rounding) - quantize(exact, terms.rounding))
        exact += each.interest
    return found


def _at(loan: Working, day: date) -> Decimal:
    place = bisect_right(loan.days, day)
    return loan.days_after[place - 1] if place else ZERO


def _drop_empty(loan: Working, on: date) -> None:
    """Leave out the last instalments once prepayments have left nothing for them."""
    kept = len(loan.rows)
    while kept > 1:
        row = loan.rows[kept - 1]
        bare = row.kind == "installment" and not row.due.principal and not row.due.interest and not row.paid.total and not row.charges
        if not bare or row.met_on is not None or row.due_on <= on:
            break
        kept -= 1
    if kept < len(loan.rows):
        loan.set_rows(loan.rows[:kept])
