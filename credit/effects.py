"""What money does to a loan: pure functions over a loan and its instalments in memory. Doors load, call, save.

A loan's state is a function of its terms and its transactions; `credit/replay.py` runs these same functions from the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from credit import accrual
from credit.allocation import Due, Line
from credit.models import Installment, Loan
from credit.schedule import DayCount, day_fraction
from crm.lib.money import Mode, quantize, total

ZERO = Decimal("0.00")


def dues(loan: Loan, installments: Sequence[Installment], on: date) -> list[Due]:
    """Return what a payment on `on` goes to: every unpaid instalment that is due, then the one that runs, oldest first."""
    running = next((each.seq for each in installments if each.due_on > on), None)
    return [
        Due(
            installment=each.pk,
            fee=each.fee - each.fee_paid,
            penalty=penalty_on(loan, each, on) - each.penalty_paid,
            interest=each.interest - each.interest_paid,
            principal=each.principal - each.principal_paid,
        )
        for each in installments
        if each.status != Installment.Status.PAID and (each.due_on <= on or each.seq == running)
    ]


def penalty_on(loan: Loan, installment: Installment, on: date) -> Decimal:
    """Return the penalty of an instalment on a day, whether or not that day was closed."""
    if installment.status == Installment.Status.PAID:
        return installment.penalty
    return accrual.penalty(late(installment), annual_rate=loan.penalty_rate, as_of=on, grace_days=loan.grace_days)


def late(installment: Installment) -> accrual.Late:
    """Return the side of an instalment that lateness looks at."""
    return accrual.Late(
        due_on=installment.due_on,
        principal=installment.principal - installment.principal_paid,
        owed=installment.owed,
        penalty_base=installment.penalty_base,
        penalty_since=installment.penalty_since,
    )


def pay(loan: Loan, installments: Sequence[Installment], lines: Sequence[Line], on: date) -> list[Installment]:
    """Write what `lines` paid into their instalments and return those. Penalty grown so far becomes the base, and grows on from `on`."""
    by_pk = {each.pk: each for each in installments}
    touched = [by_pk[pk] for pk in sorted({line.installment for line in lines})]
    for each in touched:
        each.penalty = penalty_on(loan, each, on)
        # Inside the grace nothing is fixed: once missed, the days of what stays unpaid count from the due date.
        if accrual.missed(each.due_on, on, loan.grace_days):
            each.penalty_base, each.penalty_since = each.penalty, on
    for line in lines:
        each = by_pk[line.installment]
        setattr(each, f"{line.part}_paid", getattr(each, f"{line.part}_paid") + line.amount)
    for each in touched:
        if not each.outstanding:
            each.status, each.paid_on = Installment.Status.PAID, on
    return touched


@dataclass(frozen=True, slots=True)
class Payoff:
    """What ends a loan on a day: lines to pay, what of interest and fees is no longer owed by instalment, the early fee."""

    lines: list[Line]
    waived: dict[int, tuple[Decimal, Decimal]]
    early_fee: Decimal

    def part(self, name: str) -> Decimal:
        """Return the sum of one part, without the early fee."""
        return total([line.amount for line in self.lines if line.part == name])

    @property
    def total(self) -> Decimal:
        return total([line.amount for line in self.lines]) + self.early_fee


def payoff(loan: Loan, installments: Sequence[Installment], settles_on: date, *, early_fee_rate: Decimal) -> Payoff:
    """Return what ends `loan` on `settles_on`: everything due, the principal to come, and the running period's interest to that day.

    Interest of the running period is counted by the loan's day count on the principal it began with, and never above the
    schedule's; what was paid of it before is not given back. Interest and fees of later periods are not owed.
    """
    lines, waived, early = [], {}, ZERO
    balance = total([each.principal for each in installments])
    for each in installments:
        left = balance
        balance -= each.principal
        if each.status == Installment.Status.PAID:
            continue
        interest, fee = each.interest - each.interest_paid, each.fee - each.fee_paid
        if each.due_on > settles_on:
            early += each.principal - each.principal_paid
            begun = each.from_on < settles_on
            accrued = to_date(loan, each, left, settles_on) if begun else ZERO
            owed = max(accrued - each.interest_paid, ZERO)
            owed_fee = fee if begun or each.seq == 1 else ZERO  # what is charged once, is charged with the first
            waived[each.pk] = (interest - owed, fee - owed_fee)
            interest, fee = owed, owed_fee
        amounts = {
            "fee": fee,
            "penalty": penalty_on(loan, each, settles_on) - each.penalty_paid,
            "interest": interest,
            "principal": each.principal - each.principal_paid,
        }
        lines += [Line(each.pk, part, amounts[part]) for part in loan.allocation_order if amounts[part]]
    return Payoff(lines, waived, quantize(early * early_fee_rate))


def to_date(loan: Loan, installment: Installment, balance: Decimal, on: date) -> Decimal:
    """Return the interest of a running period up to a day, on the principal the period began with."""
    part = day_fraction(cast(DayCount, loan.day_count), installment.from_on, on)
    return min(quantize(balance * loan.annual_rate * part, cast(Mode, loan.rounding)), installment.interest)


def settle(loan: Loan, installments: Sequence[Installment], ending: Payoff, *, settles_on: date, on: date) -> list[Installment]:
    """Pay a loan off in memory on `on`; interest and penalty were counted to `settles_on`. Return the instalments it ended."""
    ended = [each for each in installments if each.status != Installment.Status.PAID]
    pay(loan, installments, ending.lines, settles_on)
    for each in ended:
        each.interest_waived, each.fee_waived = ending.waived.get(each.pk, (ZERO, ZERO))
        each.status, each.paid_on = Installment.Status.PAID, on
    return ended


SAVED = [
    "status", "paid_on", "penalty", "penalty_base", "penalty_since", "fee_paid", "penalty_paid", "interest_paid", "principal_paid",
]  # fmt: skip
WAIVED = ["interest_waived", "fee_waived"]
