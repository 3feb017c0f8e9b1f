"""Revolving lines: statements by hand, and that no cent is made or lost."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.events import Disburse, Refund, Repay, Reverse, WriteOff
from credit.revolving import Revolving, play_line
from credit.terms import Impossible, NotPlayable, Penalty

LINE = Revolving(D("20000.00"), D("0.18"), date(2025, 1, 1), statement_day=10, penalty=Penalty(D("0.27"), 3))
DRAWN = Disburse(key="1", on=date(2025, 1, 5), amount=D("10000.00"))


def test_a_statement_bills_daily_interest_and_the_minimum():
    state = play_line(LINE, [DRAWN], date(2025, 2, 10))
    first, second = state.billed
    # 10,000 × 18 % / 360 × 5 days = 25.00; × 31 days = 155.00. The minimum: a tenth of what is not billed before.
    assert (first.due.interest, first.due.principal, first.due_on) == (D("25.00"), D("1000.00"), date(2025, 1, 30))
    assert (second.due.interest, second.due.principal, second.due_on) == (D("155.00"), D("900.00"), date(2025, 3, 2))
    assert (state.available, state.minimum_due) == (D("10000.00"), D("2088.25"))  # 8.25 of penalty: 1,000 × 27 % / 360 × 11 days
    assert state.payoff == D("10188.25")
    assert state.delinquency.regulatory_days == 11


def test_money_pays_statements_then_what_is_drawn_and_frees_the_limit():
    paid = Repay(key="2", on=date(2025, 1, 20), amount=D("3025.00"))
    state = play_line(LINE, [DRAWN, paid], date(2025, 2, 10))
    split = state.splits["2"]
    assert [(line.installment, line.part, line.amount) for line in split.lines] == [
        (1, "interest", D("25.00")), (1, "principal", D("1000.00")), (0, "principal", D("2000.00")),
    ]  # fmt: skip
    assert state.billed[0].met_on == paid.on
    # ten days on 10,000 and twenty-one on 7,000
    assert state.billed[1].due.interest == D("50.00") + D("73.50")
    assert state.available == D("13000.00")
    again = play_line(LINE, [DRAWN, paid, Disburse(key="3", on=date(2025, 2, 1), amount=D("13000.00"))], date(2025, 2, 1))
    assert again.available == 0


def test_a_small_debt_is_due_whole_and_the_end_of_a_month_is_a_day_too():
    line = Revolving(D("500.00"), D("0.12"), date(2025, 1, 1), statement_day=31)
    state = play_line(line, [Disburse(key="1", on=date(2025, 2, 1), amount=D("60.00"))], date(2025, 2, 28))
    assert [row.due.principal for row in state.billed] == [D("0.00"), D("60.00")]
    assert state.billed[0].met_on == date(2025, 1, 31)


def test_what_was_reversed_never_was_and_what_cannot_be_is_refused():
    paid = Repay(key="2", on=date(2025, 1, 20), amount=D("3025.00"))
    undone = play_line(LINE, [DRAWN, paid, Reverse(key="3", on=date(2025, 1, 21), of="2")], date(2025, 1, 25))
    assert undone.billed == play_line(LINE, [DRAWN], date(2025, 1, 25)).billed
    for event, code in [
        (Disburse(key="x", on=date(2025, 1, 6), amount=D("10000.01")), "over_limit"),
        (Repay(key="x", on=date(2025, 1, 6), amount=D("0.00")), "amount"),
        (Refund(key="x", on=date(2025, 1, 6), amount=D("0.01")), "overpayment"),
        (WriteOff(key="x", on=date(2025, 1, 6)), "not_of_a_line"),
    ]:
        with pytest.raises(NotPlayable) as refused:
            play_line(LINE, [DRAWN, event], date(2025, 1, 6))
        assert refused.value.code == code
    with pytest.raises(Impossible):
        Revolving(D("0.00"), D("0.18"), date(2025, 1, 1), statement_day=10)


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.decimals("0.01", "9000", places=2)), max_size=10)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 31), st.integers(0, 90))
def test_no_cent_is_made_or_lost_and_the_payoff_ends_it(steps, statement_day, beyond):
    line = Revolving(D("20000.00"), D("0.24"), date(2025, 1, 1), statement_day=statement_day, penalty=Penalty(D("0.36"), 2))
    events, on = [], line.opened_on
    for n, (draws, days, amount) in enumerate(steps):
        on += timedelta(days=days)
        if draws:
            amount = min(amount, play_line(line, events, on).available)
        if amount:
            events.append((Disburse if draws else Repay)(key=str(n), on=on, seq=n, amount=amount))
    on += timedelta(days=beyond)
    state = play_line(line, events, on)
    went = sum((each.amount for each in events if isinstance(each, Disburse)), D(0))
    came = sum((split.part("principal") for split in state.splits.values()), D(0))
    assert state.drawn == went - came >= 0
    for split in state.splits.values():
        if isinstance(split.event, Repay):
            assert split.amount == sum((line.amount for line in split.lines), D(0)) + split.overpayment
    assert sum((row.left("principal") for row in state.billed), D(0)) <= state.drawn
    if state.payoff:
        ended = play_line(line, [*events, Repay(key="end", on=on, seq=99, amount=state.payoff)], on + timedelta(days=60))
        assert (ended.drawn, ended.minimum_due, ended.payoff) == (0, 0, 0)
        assert ended.splits["end"].overpayment == 0
