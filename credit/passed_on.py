"""Fees of a contract that go to somebody else: what of an instalment's fee the lender only collects for its payee. Pure.

A contract of the time before names no payee in its terms: what it charges stays the lender's, as it was posted. So do the charge for
paying early and what people put on by hand.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from credit.terms import Fee, Terms
from crm.lib.money import quantize

if TYPE_CHECKING:
    from credit.state import Installment

ZERO = Decimal("0.00")
MAY_BE = ("once", "per_period", "up_front", "late")  # an early fee belongs to no instalment


def others(fees: Iterable[Fee]) -> list[Fee]:
    """Return the charges that go to somebody else."""
    return [fee for fee in fees if fee.payee and fee.when in MAY_BE]


def late(terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what of the charge for an instalment missed goes to somebody else: an amount, and a share of its unpaid principal."""
    found = [fee for fee in others(terms.fees) if fee.when == "late"]
    return sum((fee.amount for fee in found), ZERO), sum((fee.rate for fee in found), Decimal(0))


def up_front(terms: Terms, paid_out: Decimal) -> Decimal:
    """Return what of the charges at payout goes to somebody else."""
    return sum((fee.amount + quantize(paid_out * fee.rate) for fee in others(terms.fees) if fee.when == "up_front"), ZERO)


def of(row: "Installment") -> Decimal:
    """Return what of an instalment's fee, less what was given up of it, goes to somebody else: given up is a like part of both."""
    return part(row, row.due.fee - row.waived.fee)


def part(row: "Installment", amount: Decimal) -> Decimal:
    """Return others' part of `amount` of an instalment's fee."""
    fee = row.due.fee
    return quantize(min(row.passed, fee) * amount / fee) if row.passed and fee else ZERO


def cut(row: "Installment", fee: Decimal) -> None:
    """Let an instalment's fee become `fee`, others' part of it with it."""
    row.passed = part(row, fee)
    row.due.fee = fee
