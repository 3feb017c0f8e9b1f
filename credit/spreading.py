"""How one payment is spread over several loans, in a declared order. Pure: what is due goes in, shares come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Order = Literal["oldest_due", "highest_dpd", "highest_rate", "smallest_due"]
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Debt:
    """What one loan asks for on a day: `due` by due date, oldest first, and the instalment that `runs`, if any of it is unpaid."""

    loan: int
    annual_rate: Decimal
    days_late: int
    due: tuple[tuple[date, Decimal], ...]
    runs: tuple[date, Decimal] | None = None

    @property
    def total(self) -> Decimal:
        """All that is due."""
        return sum((amount for _day, amount in self.due), ZERO)


def ranked(debts: Sequence[Debt], order: Order) -> list[Debt]:
    """Return the loans in the order in which they are served; ties go to the oldest due date, then to the older loan."""

    def oldest(debt: Debt) -> date:
        return debt.due[0][0] if debt.due else debt.runs[0] if debt.runs else date.max

    def rank(debt: Debt) -> tuple[bool, Decimal, date, int]:
        first = {
            "oldest_due": ZERO, "highest_dpd": Decimal(-debt.days_late), "highest_rate": -debt.annual_rate, "smallest_due": debt.total,
        }[order]  # fmt: skip
        return (not debt.due, first, oldest(debt), debt.loan)

    return sorted(debts, key=rank)


def spread(amount: Decimal, debts: Sequence[Debt], order: Order) -> list[tuple[int, Decimal]]:
    """Return (loan, share) in the order served: what is due, then the instalments that run, nearest first; the rest to the first loan.

    The shares are above zero and sum to `amount`; no loan, no share. How a loan's share goes on inside it is the loan's own rule.
    """
    served = ranked(debts, order)
    if order == "oldest_due":
        places = {debt.loan: n for n, debt in enumerate(served)}
        found = [(day, places[debt.loan], debt.loan, sum_) for debt in served for day, sum_ in debt.due]
        asked = [(loan, sum_) for _day, _place, loan, sum_ in sorted(found)]
    else:
        asked = [(debt.loan, debt.total) for debt in served]
    running = sorted((debt.runs[0], n, debt.loan, debt.runs[1]) for n, debt in enumerate(served) if debt.runs)
    asked += [(loan, sum_) for _day, _n, loan, sum_ in running]
    shares: dict[int, Decimal] = {}
    for loan, sum_ in asked:
        if taken := min(amount, sum_):
            shares[loan] = shares.get(loan, ZERO) + taken
            amount -= taken
    if amount and served:
        first = served[0].loan
        shares[first] = shares.get(first, ZERO) + amount
    return list(shares.items())
