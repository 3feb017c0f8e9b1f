"""Revolving lines in the machine: statements by hand, and that no cent is made or lost."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.events import (
    Charge,
    ChargeOff,
    Disburse,
    EndLine,
    Event,
    Freeze,
    PayOff,
    Recover,
    Refund,
    Repay,
    Reverse,
    SetLimit,
    Thaw,
    Waive,
    WriteOff,
)
from credit.machine import play, quote
from credit.revolving import LineState
from credit.state import REST
from credit.terms import Impossible, LineTerms, NotPlayable, Penalty, Terms


def line(limit: str = "20000.00", rate: str = "0.18", day: int = 10, **changes: Any) -> Terms:
    of_line = {"ends_on": date(2026, 1, 1), "statement_day": day} | {k: changes.pop(k) for k in list(changes) if k in LineTerms.__slots__}
    values = {"day_count": "actual/360", "penalty": Penalty(D("0.27"), 3)} | changes
    return Terms(D(limit), D(rate), 12, date(2025, 1, 1), method="equal_principal", line=LineTerms(**of_line), **values)


LINE = line()
DRAWN = Disburse(key="1", on=date(2025, 1, 5), amount=D("10000.00"))


def at(terms: Terms, events: list[Event], as_of: date) -> LineState:
    return cast(LineState, play(terms, events, as_of))


def test_a_statement_bills_daily_interest_and_the_minimum() -> None:
    state = at(LINE, [DRAWN], date(2025, 2, 10))
    first, second = state.billed
    # 10,000 × 18 % / 360 × 5 days = 25.00; × 31 days = 155.00. The minimum: a tenth of what is not billed before.
    assert (first.due.interest, first.due.principal, first.due_on) == (D("25.00"), D("1000.00"), date(2025, 1, 30))
    assert (second.due.interest, second.due.principal, second.due_on) == (D("155.00"), D("900.00"), date(2025, 3, 2))
    assert (state.available, state.minimum_due) == (D("10000.00"), D("2088.25"))  # 8.25 of penalty: 1,000 × 27 % / 360 × 11 days
    assert (state.payoff, state.delinquency.regulatory_days) == (D("10188.25"), 11)
    assert quote(LINE, [DRAWN], date(2025, 2, 15)).amount == at(LINE, [DRAWN], date(2025, 2, 15)).payoff
    rest = state.installments[-1]
    assert (rest.seq, rest.unpaid, rest.due_on) == (REST, D("8100.00"), date(2026, 1, 1))


def test_money_pays_statements_then_what_is_drawn_and_frees_the_limit() -> None:
    paid = Repay(key="2", on=date(2025, 1, 20), amount=D("3025.00"))
    state = at(LINE, [DRAWN, paid], date(2025, 2, 10))
    assert [(each.installment, each.part, each.amount) for each in state.splits["2"].lines] == [
        (1, "interest", D("25.00")), (1, "principal", D("1000.00")), (REST, "principal", D("2000.00")),
    ]  # fmt: skip
    assert state.billed[0].met_on == paid.on
    # ten days on 10,000 and twenty-one on 7,000
    assert state.billed[1].due.interest == D("50.00") + D("73.50")
    assert (state.available, state.earned_to(date(2025, 1, 15))) == (D("13000.00"), D("50.00"))
    again = at(LINE, [DRAWN, paid, Disburse(key="3", on=date(2025, 2, 1), amount=D("13000.00"))], date(2025, 2, 1))
    assert (again.available, again.day_of_interest()) == (0, D("10.00"))


def test_a_small_debt_is_due_whole_and_the_end_of_a_month_is_a_day_too() -> None:
    terms = line("500.00", "0.12", 31)
    state = at(terms, [Disburse(key="1", on=date(2025, 2, 1), amount=D("60.00"))], date(2025, 2, 28))
    assert [row.due.principal for row in state.billed] == [D("0.00"), D("60.00")]
    assert state.billed[0].met_on == date(2025, 1, 31)


def test_the_last_statement_asks_for_everything_and_a_line_without_debt_settles_then() -> None:
    terms = line(ends_on=date(2025, 3, 1))
    state = at(terms, [DRAWN], date(2025, 3, 1))
    assert (state.billed[-1].due_on, state.billed[-1].balance, state.installments[-1].unpaid) == (date(2025, 3, 21), 0, 0)
    assert (state.status, state.available, state.minimum_due) == ("open", 0, state.payoff)
    for amount in (state.payoff, state.payoff + D("500.00")):  # without and with interest of the days after the end
        settled = at(terms, [DRAWN, Repay(key="2", on=date(2025, 3, 1), amount=amount)], date(2025, 3, 1))
        assert (settled.status, settled.payoff) == ("settled", 0)
    late = [DRAWN, Repay(key="2", on=date(2025, 3, 5), amount=state.payoff)]
    assert at(terms, late, date(2025, 3, 5)).payoff == D("23.00")  # four days of 5.00 since, and of 0.75 penalty
    assert at(terms, [*late, Repay(key="3", on=date(2025, 3, 5), seq=1, amount=D("23.00"))], date(2025, 3, 5)).status == "settled"
    unused = at(terms, [], date(2025, 3, 1))
    assert (unused.status, unused.settled_on, len(unused.billed)) == ("settled", date(2025, 3, 1), 3)
    assert at(terms, [], date(2025, 2, 28)).status == "open"


def test_what_was_reversed_never_was() -> None:
    paid = Repay(key="2", on=date(2025, 1, 20), amount=D("3025.00"))
    undone = at(LINE, [DRAWN, paid, Reverse(key="3", on=date(2025, 1, 21), of="2")], date(2025, 1, 25))
    assert undone.billed == at(LINE, [DRAWN], date(2025, 1, 25)).billed
    # a payment that bounces after it was drawn again leaves more drawn than the limit: that happened, and is not refused
    again = Disburse(key="4", on=date(2025, 1, 21), amount=D("13000.00"), stands=True)
    over = at(LINE, [DRAWN, paid, again, Reverse(key="3", on=date(2025, 1, 22), of="2")], date(2025, 1, 25))
    assert (over.principal_outstanding, over.available) == (D("23000.00"), 0)


@pytest.mark.parametrize(
    ("before", "event", "code"),
    [
        ([], Disburse(key="x", on=date(2025, 1, 6), amount=D("10000.01")), "over_limit"),
        (
            [SetLimit(key="l", on=DRAWN.on, seq=1, amount=D("10500.00"))],
            Disburse(key="x", on=date(2025, 1, 6), amount=D("500.01")),
            "over_limit",
        ),
        ([Freeze(key="f", on=DRAWN.on, seq=1)], Disburse(key="x", on=date(2025, 1, 6), amount=D("1.00")), "frozen"),
        ([Freeze(key="f", on=DRAWN.on, seq=1)], Freeze(key="x", on=date(2025, 1, 6)), "frozen"),
        ([], Thaw(key="x", on=date(2025, 1, 6)), "not_frozen"),
        ([], Disburse(key="x", on=date(2026, 1, 1), amount=D("1.00")), "line_ended"),
        ([ChargeOff(key="c", on=DRAWN.on, seq=1)], Disburse(key="x", on=date(2025, 1, 6), amount=D("1.00")), "charged_off"),
        ([], Repay(key="x", on=date(2025, 1, 6), amount=D("0.00")), "amount"),
        ([], Refund(key="x", on=date(2025, 1, 6), amount=D("0.01")), "overpayment"),
        ([], EndLine(key="x", on=date(2025, 1, 6)), "still_owed"),
        ([], Waive(key="x", on=date(2025, 1, 6), part="interest", amount=D("0.01")), "waives_too_much"),
        ([], Charge(key="x", on=date(2025, 1, 6), amount=D("1.00"), due_on=date(2025, 1, 6)), "not_of_a_line"),
        ([PayOff(key="p", on=DRAWN.on, seq=1)], Repay(key="x", on=date(2025, 1, 6), amount=D("1.00")), "line_ended"),
    ],
)
def test_what_cannot_be_is_refused(before: list[Event], event: Event, code: str) -> None:
    with pytest.raises(NotPlayable) as refused:
        play(LINE, [DRAWN, *before, event], date(2025, 1, 6))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"limit": "0.00"}, "amount"),
        ({"day": 32}, "dates"),
        ({"ends_on": date(2025, 1, 1)}, "dates"),
        ({"minimum_share": D("1.01")}, "rate"),
        ({"minimum_amount": D("0.001")}, "amount"),
        ({"day_count": "30/360"}, "day_count"),
        ({"penalty": Penalty(percent_once=D("0.01"))}, "fee"),
    ],
)
def test_no_line_is_made_from_these(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Impossible) as refused:
        line(**changes)
    assert refused.value.code == code


def test_an_event_of_a_line_is_none_of_a_loan() -> None:
    with pytest.raises(NotPlayable, match="revolving line"):
        play(
            Terms(D("100.00"), D("0.1"), 3, DRAWN.on),
            [Disburse(key="1", on=DRAWN.on, amount=D("100.00")), Freeze(key="2", on=DRAWN.on, seq=1)],
            DRAWN.on,
        )


def test_terms_of_a_line_go_to_json_and_back() -> None:
    assert Terms.from_json(LINE.to_json()) == LINE
    assert "line" not in Terms(D("100.00"), D("0.1"), 3, DRAWN.on).to_json()


def test_waived_written_off_and_recovered() -> None:
    waived = Waive(key="2", on=date(2025, 1, 12), part="interest", amount=D("5.00"))
    state = at(LINE, [DRAWN, waived, WriteOff(key="3", on=date(2025, 1, 20))], date(2025, 3, 1))
    # 1,000 and 9,000 of principal, 20.00 billed and 50.00 not billed of interest
    assert sum(each.amount for each in state.splits["3"].written_off) == D("10070.00")
    assert (state.status, state.principal_outstanding, state.payoff, len(state.billed)) == ("written_off", 0, 0, 1)
    more = at(
        LINE,
        [DRAWN, waived, WriteOff(key="3", on=date(2025, 1, 20)), Recover(key="4", on=date(2025, 2, 1), amount=D("9.00"))],
        date(2025, 3, 1),
    )
    assert more.recovered == D("9.00")


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.decimals("0.01", "9000", places=2)), max_size=10)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 31), st.integers(0, 90))
def test_no_cent_is_made_or_lost_and_the_payoff_ends_it(steps: list[tuple[bool, int, D]], statement_day: int, beyond: int) -> None:
    terms = line(rate="0.24", day=statement_day, penalty=Penalty(D("0.36"), 2), ends_on=date(2025, 7, 1))
    events: list[Event] = []
    on = terms.starts_on
    for n, (draws, days, amount) in enumerate(steps):
        on += timedelta(days=days)
        if draws:
            amount = min(amount, at(terms, events, on).available)
        if amount and not (draws and on >= date(2025, 7, 1)):
            events.append((Disburse if draws else Repay)(key=str(n), on=on, seq=n, amount=amount))
    on += timedelta(days=beyond)
    state = at(terms, events, on)
    went = sum((each.amount for each in events if isinstance(each, Disburse)), D(0))
    came = sum((split.part("principal") for split in state.splits.values() if not isinstance(split.event, Disburse)), D(0))
    assert state.principal_outstanding == went - came >= 0
    assert state.principal_outstanding == sum((row.unpaid for row in state.installments), D(0))
    for split in state.splits.values():
        if isinstance(split.event, Repay):
            assert split.amount == sum((each.amount for each in split.lines), D(0)) + split.overpayment
    assert state.earned_to(on) - sum((row.paid.interest for row in state.installments), D(0)) == state.balances.interest + state.unbilled
    if state.payoff and state.status == "open":
        ended = at(terms, [*events, PayOff(key="end", on=on, seq=99, amount=state.payoff)], on + timedelta(days=60))
        assert (ended.status, ended.principal_outstanding, ended.minimum_due, ended.payoff) == ("settled", 0, 0, 0)
        assert ended.splits["end"].overpayment == 0
