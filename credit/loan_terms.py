"""A stored loan read as what the machine plays: its `Terms` and its events. No query beyond the rows it is given."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

from credit.allocation import Allocation
from credit.cost import read_fees
from credit.events import Disburse, Event, PayOff, Refund, Repay, Reverse
from credit.models import Loan, Transaction
from credit.schedule import DayCount, MonthEnd
from credit.terms import Fee, Penalty, Terms
from crm.lib.money import Mode


def terms_of(loan: Loan) -> Terms:
    """Return the terms of a loan with equal instalments as they stand in its columns; `loan.product` is read for its fees."""
    product = loan.product
    fees = [Fee(fee.code, fee.method, fee.amount, fee.rate) for fee in read_fees(product.fees, {})]
    if product.early_fee_rate:
        fees.append(Fee("early", "prepayment", rate=product.early_fee_rate))
    return Terms(
        loan.principal,
        loan.annual_rate,
        loan.term,
        loan.starts_on,
        cast(DayCount, loan.day_count),
        cast(MonthEnd, loan.month_end),
        cast(Mode, loan.rounding),
        fees=tuple(fees),
        penalty=Penalty(annual_rate=loan.penalty_rate, grace_days=loan.grace_days),
        allocation=Allocation.of(loan.allocation_order),
        arrears_grace_days=loan.grace_days,
    )


def events_of(movements: Sequence[Transaction], settles_on: Mapping[int, date]) -> list[Event]:
    """Return the events of a loan's `movements`; `settles_on` gives the day of those that paid a payoff quote, by id.

    A reallocation is no event: it posts what a reversal changed.
    """
    return list(_events(movements, {each.pk: each.public_id for each in movements}, settles_on))


def _events(movements: Iterable[Transaction], keys: Mapping[int, str], settles_on: Mapping[int, date]) -> Iterable[Event]:
    kinds = Transaction.Kind
    for row in sorted(movements, key=lambda each: each.pk):
        key, amount = row.public_id, row.amount
        if row.kind == kinds.DISBURSEMENT:
            yield Disburse(key=key, on=row.value_on, seq=row.pk, amount=amount)
        elif row.kind == kinds.REPAYMENT and row.pk in settles_on:
            yield PayOff(key=key, on=row.value_on, seq=row.pk, amount=amount, settles_on=settles_on[row.pk])
        elif row.kind == kinds.REPAYMENT:
            yield Repay(key=key, on=row.value_on, seq=row.pk, amount=amount)
        elif row.kind == kinds.REFUND:
            yield Refund(key=key, on=row.value_on, seq=row.pk, amount=amount)
        elif row.kind == kinds.REVERSAL and row.reverses_id is not None:
            yield Reverse(key=key, on=row.value_on, seq=row.pk, of=keys[row.reverses_id])
