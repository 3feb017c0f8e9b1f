"""The loans of today are a special case: the doors' own functions and the machine give the same cents on random histories."""

from datetime import date, timedelta
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from credit import machine, replay
from credit.accrual import bucket
from credit.allocation import WATERFALL
from credit.cost import fees_by_installment, read_fees
from credit.events import Disburse, Event, PayOff, Refund, Repay
from credit.loan_terms import terms_of
from credit.loans import installments
from credit.models import Loan, Product, Transaction
from credit.schedule import DAY_COUNTS, MONTH_ENDS, build

START = date(2025, 1, 31)
KIND = Transaction.Kind


def booked(principal: D, rate: D, term: int, grace: int, order: list[str], fees: list[dict[str, Any]], early: D, day_count: str) -> Any:
    """Return a loan with its instalments as the doors make them, in memory."""
    product = Product(early_fee_rate=early, fees=fees)
    loan = Loan(
        product=product, principal=principal, annual_rate=rate, penalty_rate=(rate * D("1.5")).quantize(D("0.000001")), term=term,
        day_count=day_count, month_end=MONTH_ENDS[grace % 2], rounding=["HALF_UP", "HALF_EVEN"][term % 2], grace_days=grace,
        allocation_order=order, starts_on=START, closed_on=START,
    )  # fmt: skip
    rows = build(terms_of(loan))
    parts = installments(loan, rows, fees_by_installment(read_fees(fees, {"en": "", "zh-hans": ""}), principal, term))
    for row in parts:
        row.pk = row.seq
    return loan, parts


moves = st.lists(
    st.tuples(st.sampled_from(["repay", "repay", "repay", "payoff", "refund"]), st.integers(0, 90), st.decimals("0.01", "6000", places=2)),
    max_size=9,
)
fees = st.sampled_from(
    [
        [],
        [{"code": "a", "name": {"en": "A", "zh-hans": "A"}, "method": "once", "amount": "30.00"}],
        [{"code": "b", "name": {"en": "B", "zh-hans": "B"}, "method": "per_period", "rate": "0.001"}],
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.decimals("0.05", "20000", places=2), st.decimals("0", "0.36", places=4), st.integers(1, 14), st.integers(0, 5),
    st.permutations(WATERFALL), fees, st.sampled_from([D(0), D("0.01")]), st.sampled_from(DAY_COUNTS), moves, st.integers(0, 60),
)  # fmt: skip
def test_the_doors_and_the_machine_give_the_same_cents(principal, rate, term, grace, order, fees, early, day_count, moves, beyond):
    loan, parts = booked(principal, rate, term, grace, order, fees, early, day_count)
    terms = terms_of(loan)
    events: list[Event] = [Disburse(key="out", on=START, amount=principal)]
    told: list[replay.Event] = []
    on, held = START, D(0)
    for n, (kind, days, amount) in enumerate(moves, start=1):
        on += timedelta(days=days)
        if kind == "refund":
            held = machine.play(terms, events, on).overpayment
            if held:
                events.append(Refund(key=f"e{n}", on=on, seq=n, amount=min(amount, held)))
                told.append(replay.Event(KIND.REFUND, min(amount, held), on))
            continue
        if kind == "repay":
            events.append(Repay(key=f"e{n}", on=on, seq=n, amount=amount))
            told.append(replay.Event(KIND.REPAYMENT, amount, on))
            continue
        ends = (
            machine.play(terms, [*events, PayOff(key="?", on=on, seq=n, settles_on=on + timedelta(days=days % 7))], on).splits["?"].amount
        )
        amount = ends or amount
        events.append(PayOff(key=f"e{n}", on=on, seq=n, amount=amount, settles_on=on + timedelta(days=days % 7)))
        told.append(replay.Event(KIND.REPAYMENT, amount, on, on + timedelta(days=days % 7)))
    loan.closed_on = on + timedelta(days=beyond)
    replay.run(loan, parts, told)
    state = machine.play(terms, events, loan.closed_on)
    assert [figures(row) for row in state.installments] == [stored(row) for row in parts]
    assert (state.principal_outstanding, state.overpayment) == (loan.principal_outstanding, loan.overpayment)
    assert (state.delinquency.regulatory_days, bucket(state.delinquency.regulatory_days)) == (loan.dpd, loan.bucket)
    assert (state.delinquency.oldest_due_on if loan.dpd else None) == loan.oldest_due_on
    assert (state.status == "settled") == all(row.status == "paid" for row in parts)


def figures(row: Any) -> tuple[Any, ...]:
    due, paid = row.due, row.paid
    return (
        row.due_on, due.principal, due.interest, due.fee, due.penalty, paid.principal, paid.interest, paid.fee, paid.penalty,
        row.waived.interest, row.waived.fee, row.met_on,
    )  # fmt: skip


def stored(row: Any) -> tuple[Any, ...]:
    return (
        row.due_on, row.principal, row.interest, row.fee, row.penalty, row.principal_paid, row.interest_paid, row.fee_paid,
        row.penalty_paid, row.interest_waived, row.fee_waived, row.paid_on,
    )  # fmt: skip


def test_stored_movements_become_events_and_what_was_reversed_is_named():
    from credit.loan_terms import events_of

    rows = [
        SimpleNamespace(pk=pk, public_id=f"X{pk}", kind=kind, amount=D("5.00"), value_on=START, reverses_id=reverses)
        for pk, kind, reverses in [
            (1, KIND.DISBURSEMENT, None), (2, KIND.REPAYMENT, None), (3, KIND.REPAYMENT, None), (4, KIND.REVERSAL, 2),
            (5, KIND.REALLOCATION, None), (6, KIND.REFUND, None),
        ]
    ]  # fmt: skip
    found = events_of(rows, {3: START})
    assert [(type(each).__name__, each.key) for each in found] == [
        ("Disburse", "X1"), ("Repay", "X2"), ("PayOff", "X3"), ("Reverse", "X4"), ("Refund", "X6"),
    ]  # fmt: skip
    assert found[3].of == "X2"
