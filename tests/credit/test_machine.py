"""The machine against published figures, and each event once with figures worked by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from credit import machine
from credit.allocation import Allocation
from credit.events import (
    Accelerate,
    Cancel,
    Charge,
    ChargeOff,
    Disburse,
    Pause,
    PayOff,
    Prepay,
    Recover,
    Refund,
    Repay,
    Reschedule,
    Restructure,
    Resume,
    Reverse,
    Waive,
    WriteOff,
)
from credit.machine import difference, play
from credit.rates import annualised
from credit.schedule import build
from credit.terms import Fee, Impossible, NotPlayable, Penalty, Range, Recalculation, Terms

# amortisation_cn of the worked examples: 12,000 at 1.5 % a month over 12 periods, computed two independent ways.
CN = Terms(D("12000.00"), D("0.18"), 12, date(2025, 1, 8))
OUT = Disburse(key="out", on=date(2025, 1, 8), amount=D("12000.00"))
THREE = [OUT, *(Repay(key=f"r{n}", on=date(2025, 1 + n, 8), amount=D("1100.16")) for n in (1, 2, 3))]

# Apache Fineract (Apache-2.0), figures of its test suite at 4198b0b: Loan.feature 5540-5720; worked example fineract_progressive_schedule.
FINERACT = Terms(
    D("100.00"), D("0.07"), 6, date(2024, 1, 1), rounding="HALF_EVEN", family="progressive", partial_period="period_share",
    allocation=Allocation.of(("penalty", "fee", "principal", "interest"), excess="next"), recalculation=Recalculation(),
)  # fmt: skip
HUNDRED = Disburse(key="out", on=date(2024, 1, 1), amount=D("100.00"))
FIRST = Repay(key="1", on=date(2024, 2, 1), amount=D("17.01"))


def cells(state):
    return [f"{row.due_on} {row.due.principal} {row.due.interest} {row.balance}" for row in state.installments]


@pytest.mark.parametrize(
    ("method", "first", "last", "interest", "nominal", "effective"),
    [
        ("equal_installment", "1100.16", "1100.19", "1201.95", "0.180004", "0.195623"),
        ("equal_principal", "1180.00", "1015.00", "1170.00", "0.180000", "0.195618"),
        ("interest_only", "180.00", "12180.00", "2160.00", "0.180000", "0.195618"),
        ("flat", "1180.00", "1180.00", "2160.00", "0.317164", "0.367583"),
        ("bullet", "14160.00", "14160.00", "2160.00", None, None),
    ],
)
def test_the_methods_of_the_worked_examples(method, first, last, interest, nominal, effective):
    rows = build(replace(CN, method=method))
    assert (str(rows[0].payment), str(rows[-1].payment)) == (first, last)
    assert sum(row.interest for row in rows) == D(interest)
    if nominal:
        rates = annualised([-CN.principal, *(row.payment for row in rows)])
        assert (str(rates.nominal), str(rates.effective)) == (nominal, effective)


def test_equal_principal_and_flat_row_by_row():
    rows = build(replace(CN, method="equal_principal"))
    assert [str(row.interest) for row in rows] == [f"{15 * n}.00" for n in range(12, 0, -1)]
    assert {row.principal for row in rows} == {D("1000.00")}
    flat = build(replace(CN, method="flat"))
    assert {(row.principal, row.interest) for row in flat} == {(D("1000.00"), D("180.00"))}


@pytest.mark.parametrize(("fee", "total"), [("0", "9266.89"), ("0.01", "9358.87")])
def test_paid_off_fifteen_days_after_the_third_due_date(fee, total):
    """Worked example prepayment_full_cn: interest stops at the day, later interest is not owed."""
    terms = replace(CN, fees=(Fee("early", "prepayment", rate=D(fee)),) if D(fee) else ())
    state = play(terms, [*THREE, PayOff(key="end", on=date(2025, 4, 23))], date(2025, 4, 23))
    split = state.splits["end"]
    assert (split.amount, split.part("principal"), split.part("interest")) == (D(total), D("9197.91"), D("68.98"))
    assert state.status == "settled"
    assert sum(line.amount for line in split.waived) == D("634.58")


def test_a_quote_is_the_split_of_the_payment_that_ends_it():
    asked = machine.quote(CN, THREE, date(2025, 4, 20), settles_on=date(2025, 4, 23))
    assert (asked.amount, sum(line.amount for line in asked.waived)) == (D("9266.89"), D("634.58"))


def test_interest_earned_to_a_day():
    state = play(CN, THREE, date(2025, 4, 8))
    assert state.earned_to(date(2025, 1, 8)) == 0
    assert state.earned_to(date(2025, 4, 8)) == D("498.39")  # 180.00 + 166.20 + 152.19
    assert state.earned_to(date(2025, 4, 23)) == D("567.37")  # and 68.98
    ended = play(CN, [*THREE, PayOff(key="end", on=date(2025, 4, 23))], date(2025, 4, 23))
    assert ended.earned_to(date(2025, 12, 31)) == D("567.37")


def test_after_ninety_days_cash_goes_to_principal_first_if_the_product_says_so():
    terms = replace(CN, non_accrual_days=90, allocation_of=(("non_accrual", Allocation.of(("principal", "interest", "fee", "penalty"))),))
    parts = [
        {line.part for line in play(terms, [OUT, Repay(key="1", on=on, amount=D("500.00"))], on).splits["1"].lines}
        for on in (date(2025, 5, 9), date(2025, 5, 10))
    ]
    assert parts == [{"interest", "principal"}, {"principal"}]


def test_fees_up_front_each_period_and_for_being_late():
    fees = (Fee("start", "up_front", rate=D("0.01")), Fee("each", "per_period", amount=D("2.00")), Fee("late", "late", amount=D("15.00")))
    terms = replace(CN, fees=fees, penalty=Penalty(grace_days=3))
    state = play(terms, [OUT], date(2025, 2, 12))
    assert [row.due.fee for row in state.installments[:3]] == [D("137.00"), D("2.00"), D("2.00")]
    assert play(terms, [OUT], date(2025, 2, 11)).installments[0].due.fee == D("122.00")


@pytest.mark.parametrize(
    ("excess", "paid", "held"),
    [
        ("running", ["1100.16", "1100.16", "0.00", "0.00"], "799.68"),
        ("none", ["1100.16", "0.00", "0.00", "0.00"], "1899.84"),
        ("next", ["1100.16", "1100.16", "799.68", "0.00"], "0.00"),
        ("last", ["1100.16", "0.00", "0.00", "1100.19"], "0.00"),
        ("reamortize", ["1100.16", "172.72", "172.72", "172.71"], "0.00"),
    ],
)
def test_what_becomes_of_more_than_is_due(excess, paid, held):
    terms = replace(CN, allocation=Allocation.of(excess=excess))
    state = play(terms, [OUT, Repay(key="1", on=date(2025, 2, 8), amount=D("3000.00"))], date(2025, 2, 8))
    assert [str(state.installments[n].paid.total) for n in (0, 1, 2, -1)] == paid
    assert state.overpayment == D(held)


def test_penalty_of_the_worked_example():
    """overdue_penalty_cn: 966.40 overdue 40 days at 18 % × 1.5 a year of 360 days."""
    terms = Terms(D("966.40"), D(0), 1, date(2025, 1, 10), penalty=Penalty(D("0.27")))
    out = Disburse(key="out", on=date(2025, 1, 10), amount=D("966.40"))
    assert play(terms, [out], date(2025, 3, 22)).balances.penalty == D("28.99")


def test_the_progressive_schedule_and_its_early_payoff():
    assert cells(play(FINERACT, [HUNDRED], HUNDRED.on)) == [
        "2024-02-01 16.43 0.58 83.57", "2024-03-01 16.52 0.49 67.05", "2024-04-01 16.62 0.39 50.43", "2024-05-01 16.72 0.29 33.71",
        "2024-06-01 16.81 0.20 16.90", "2024-07-01 16.90 0.10 0.00",
    ]  # fmt: skip
    end = PayOff(key="end", on=date(2024, 2, 15))
    state = play(FINERACT, [HUNDRED, FIRST, end], end.on)
    assert (state.splits["end"].amount, state.splits["end"].part("interest")) == (D("83.81"), D("0.24"))
    assert cells(state)[1:] == [
        "2024-03-01 16.77 0.24 66.80", "2024-04-01 17.01 0.00 49.79", "2024-05-01 17.01 0.00 32.78", "2024-06-01 17.01 0.00 15.77",
        "2024-07-01 15.77 0.00 0.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("paid", "as_of", "last"),
    [((), date(2024, 3, 10), "17.16"), ((FIRST,), date(2024, 3, 10), "17.03"), ((), date(2024, 7, 15), "18.43")],
)
def test_what_is_late_goes_on_costing_interest(paid, as_of, last):
    state = play(FINERACT, [HUNDRED, *paid], as_of)
    assert state.installments[-1].due.total == D(last)
    assert all(row.due.total == D("17.01") for row in state.installments[:-1])


def test_prepayment_shortens_the_term_or_lowers_the_instalment():
    on = date(2025, 2, 8)
    events = [OUT, Repay(key="1", on=on, seq=1, amount=D("1100.16"))]
    short = play(CN, [*events, Prepay(key="p", on=on, seq=2, amount=D("5000.00"), keeps="installment")], on)
    low = play(CN, [*events, Prepay(key="p", on=on, seq=2, amount=D("5000.00"))], on)
    # 6,079.84 left: at 1,100.16 a month that is five whole instalments and a rest; over 11 months 6079.84 × .015 × 1.015^11 / (1.015^11 − 1).
    assert [row.due.total for row in short.installments[1:]] == [*[D("1100.16")] * 5, D("894.61")]
    assert {row.due.total for row in low.installments[1:-1]} == {D("603.69")}
    for state in (short, low):
        assert state.installments[0].prepaid == D("5000.00")
        assert sum(row.due.principal for row in state.installments) == D("12000.00")
        assert state.principal_outstanding == D("6079.84")


def test_prepayment_inside_a_period_saves_interest_from_its_day():
    state = play(CN, [OUT, Prepay(key="p", on=date(2025, 1, 23), amount=D("6000.00"))], date(2025, 1, 23))
    # half the month on 12,000, half on 6,000
    assert state.installments[0].due.interest == D("135.00")


def test_a_prepayment_pays_its_fee_out_of_the_money():
    terms = replace(CN, fees=(Fee("early", "prepayment", rate=D("0.01")),))
    split = play(terms, [OUT, Prepay(key="p", on=date(2025, 1, 20), amount=D("5050.00"))], date(2025, 1, 20)).splits["p"]
    assert (split.part("principal"), split.fee, split.overpayment) == (D("5000.00"), D("50.00"), D(0))


def test_too_much_is_held_for_refund_and_given_back():
    state = play(CN, [OUT, Repay(key="1", on=date(2025, 2, 8), amount=D("2500.00"))], date(2025, 2, 8))
    # the instalment due and the running one; a lender takes no deposits for later ones
    assert (state.splits["1"].overpayment, state.overpayment) == (D("299.68"), D("299.68"))
    events = [OUT, Repay(key="1", on=date(2025, 2, 8), amount=D("2500.00")), Refund(key="back", on=date(2025, 2, 9), amount=D("299.68"))]
    assert play(CN, events, date(2025, 2, 9)).overpayment == 0
    with pytest.raises(NotPlayable) as refused:
        play(CN, [*events, Refund(key="again", on=date(2025, 2, 10), amount=D("0.01"))], date(2025, 2, 10))
    assert refused.value.code == "overpayment"


def test_a_back_dated_payment_changes_what_came_after():
    terms = replace(CN, penalty=Penalty(D("0.27")))
    late = Repay(key="late", on=date(2025, 3, 10), amount=D("1200.00"))
    before = play(terms, [OUT, late], late.on)
    after = play(terms, [OUT, late, Repay(key="found", on=date(2025, 2, 8), seq=9, amount=D("1100.16"))], late.on)
    # 920.16 × 27 % / 360 × 30 = 20.70 for the first, 933.96 × 27 % / 360 × 2 = 1.40 for the second; paid in time, only the second was late
    assert (before.totals()["penalty"], after.totals()["penalty"]) == (D("22.10"), D("1.40"))
    changed = difference(before, after)
    assert changed.splits == ("late", "found")
    assert changed.regulatory_days == (2, 0)
    assert changed.totals["penalty"] == after.totals()["penalty"] - before.totals()["penalty"]
    assert not changed.nothing
    assert difference(after, after).nothing


def test_a_waiver_gives_up_what_is_owed_and_not_more():
    terms = replace(CN, penalty=Penalty(D("0.27")))
    waive = Waive(key="w", on=date(2025, 3, 8), part="penalty", amount=D("10.00"))
    state = play(terms, [OUT, waive], waive.on)
    assert state.installments[0].waived.penalty == D("10.00")
    assert state.installments[0].left("penalty") == D("9.32")  # 920.16 × 27 % / 360 × 28 = 19.32
    with pytest.raises(NotPlayable) as refused:
        play(terms, [OUT, replace(waive, amount=D("19.33"))], waive.on)
    assert refused.value.code == "waives_too_much"


def test_a_tranche_is_spread_over_what_is_not_due_yet():
    events = [replace(OUT, amount=D("6000.00")), Disburse(key="more", on=date(2025, 1, 23), amount=D("6000.00"))]
    state = play(CN, events, date(2025, 1, 23))
    assert state.installments[0].due.interest == D("135.00")  # a month of 6,000, half a month of the other 6,000
    assert sum(row.due.principal for row in state.installments) == state.principal_outstanding == D("12000.00")
    with pytest.raises(NotPlayable) as refused:
        play(CN, [*events, Disburse(key="too much", on=date(2025, 1, 24), amount=D("0.01"))], date(2025, 1, 24))
    assert refused.value.code == "over_disbursed"


def test_more_periods_another_day_and_a_later_start():
    more = play(CN, [*THREE, Reschedule(key="x", on=date(2025, 4, 20), more=3)], date(2025, 4, 20))
    assert [row.due_on for row in more.installments[-4:]] == [date(2026, 1, 8), date(2026, 2, 8), date(2026, 3, 8), date(2026, 4, 8)]
    assert {row.due.total for row in more.installments[3:-1]} == {D("843.26")}  # 9,197.91 over 12
    day = play(CN, [*THREE, Reschedule(key="x", on=date(2025, 4, 20), due_day=25)], date(2025, 4, 20))
    assert [row.due_on for row in day.installments[3:5]] == [date(2025, 4, 25), date(2025, 5, 25)]
    assert day.installments[3].due.interest == D("78.18")  # 9,197.91 × 18 % × 17 / 360
    later = play(CN, [*THREE, Reschedule(key="x", on=date(2025, 4, 20), next_due_on=date(2025, 6, 8))], date(2025, 4, 20))
    assert [row.due_on for row in later.installments[3:5]] == [date(2025, 6, 8), date(2025, 7, 8)]
    assert later.installments[3].due.interest == D("275.94")  # two months


def test_restructured_with_what_was_owed_as_principal_or_due_first():
    event = Restructure(key="x", on=date(2025, 3, 8), terms=replace(CN, periods=24, annual_rate=D("0.12")), capitalises=True)
    state = play(CN, [OUT, event], event.on)
    assert state.principal_outstanding == D("12346.20")  # 180.00 + 166.20 of interest
    assert [line.amount for line in state.splits["x"].capitalised] == [D("180.00"), D("166.20")]
    assert len([row for row in state.installments if row.met_on is None]) == 24
    plain = play(CN, [OUT, replace(event, capitalises=False)], event.on)
    assert plain.principal_outstanding == D("12000.00")
    assert plain.installments[0].due.interest == D("466.20")  # 346.20 and a month at 1 % of 12,000


def test_accelerated_all_is_due_with_interest_to_the_day_and_undone_nothing_is():
    event = Accelerate(key="x", on=date(2025, 4, 23))
    state = play(CN, [*THREE, event], event.on)
    assert state.balances.total == D("9266.89")
    assert state.installments[-1].due_on == event.on
    undone = play(CN, [*THREE, event, Reverse(key="u", on=date(2025, 4, 30), of="x")], date(2025, 4, 30))
    assert difference(play(CN, THREE, date(2025, 4, 30)), undone).installments == ()


def test_charged_off_written_off_and_recovered():
    events = [*THREE, ChargeOff(key="c", on=date(2025, 10, 8)), WriteOff(key="w", on=date(2025, 11, 8))]
    state = play(CN, [*events, Recover(key="r", on=date(2025, 12, 1), amount=D("500.00"))], date(2025, 12, 1))
    assert (state.status, state.recovered, state.principal_outstanding) == ("written_off", D("500.00"), D(0))
    assert state.charged_off_on == date(2025, 10, 8)
    assert sum(row.written_off.principal for row in state.installments) == D("9197.91")
    # as the published behaviour BEH-07: no payment after it, and no earlier payment is reversed; the write-off itself can be
    later = date(2025, 12, 1)
    for event in (Repay(key="late", on=later, amount=D("1.00")), Reverse(key="no", on=later, of="r1")):
        with pytest.raises(NotPlayable) as refused:
            play(CN, [*events, event], later)
        assert refused.value.code == "written_off"
    undone = play(CN, [*events, Reverse(key="no", on=later, of="w"), Reverse(key="too", on=later, seq=1, of="r1")], later)
    assert (undone.status, undone.principal_outstanding) == ("open", D("10145.88"))


def test_cancelled_in_the_cooling_off_period_costs_nothing():
    state = play(CN, [OUT, Cancel(key="x", on=date(2025, 1, 12), amount=D("12000.00"))], date(2025, 1, 12))
    assert (state.status, state.balances.total) == ("cancelled", D(0))
    with pytest.raises(NotPlayable) as refused:
        play(CN, [OUT, Cancel(key="x", on=date(2025, 1, 12), amount=D("11999.99"))], date(2025, 1, 12))
    assert refused.value.code == "cancel_amount"


def test_two_counters_and_ranges():
    ranges = (Range("early", 1, 30), Range("late", 31))
    terms = replace(CN, penalty=Penalty(D("0.27"), 3), arrears_grace_days=3, ranges=ranges)
    inside = play(terms, [OUT], date(2025, 2, 11)).delinquency
    assert (inside.past_due_days, inside.regulatory_days, inside.treatment_days) == (3, 0, 0)
    missed = play(terms, [OUT], date(2025, 2, 12)).delinquency
    assert (missed.regulatory_days, missed.treatment_days, missed.range_name) == (4, 1, "early")
    events = [OUT, Pause(key="p", on=date(2025, 2, 20), until=date(2025, 3, 30)), Resume(key="r", on=date(2025, 3, 12))]
    paused = play(terms, events, date(2025, 3, 20)).delinquency
    assert (paused.regulatory_days, paused.treatment_days) == (40, 17)  # 40 − 3 − 20 paused
    # 40 − 20 paused; the second, due on 8 March, 12 − 4 paused
    assert [name for name, _amount in paused.amounts] == ["early"]
    assert paused.amounts[0][1] == paused.amount == D("2200.32") + D("27.60") + D("8.41")


def test_charges_fall_where_they_belong():
    late = Charge(key="c", on=date(2025, 3, 1), amount=D("20.00"), due_on=date(2026, 2, 1))
    inside = Charge(key="d", on=date(2025, 3, 1), amount=D("5.00"), due_on=date(2025, 3, 8), part="penalty")
    state = play(CN, [OUT, late, inside], date(2025, 3, 1))
    assert (state.installments[-1].kind, state.installments[-1].due_on, state.installments[-1].due.fee) == (
        "charge",
        date(2026, 2, 1),
        D("20.00"),
    )
    assert state.installments[1].due.penalty == D("5.00")


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([Repay(key="1", on=date(2025, 2, 8), amount=D("1.00"))], "before_disbursement"),
        ([OUT, OUT], "repeated_key"),
        ([OUT, Reverse(key="r", on=date(2025, 2, 8), of="what")], "unknown_key"),
        ([OUT, Reverse(key="r", on=date(2025, 2, 8), of="out"), Reverse(key="s", on=date(2025, 2, 8), of="r")], "not_reversible"),
        ([OUT, Repay(key="1", on=date(2025, 2, 8), amount=D("0.00"))], "amount"),
        ([OUT, Repay(key="1", on=date(2025, 2, 8), amount=D("1.005"))], "amount"),
        ([OUT, Recover(key="1", on=date(2025, 2, 8), amount=D("1.00"))], "not_written_off"),
        ([OUT, Resume(key="1", on=date(2025, 2, 8))], "no_pause"),
        ([OUT, Reschedule(key="1", on=date(2025, 2, 8))], "nothing_to_reshape"),
    ],
)
def test_histories_that_cannot_be(events, code):
    with pytest.raises(machine.NotPlayable) as refused:
        play(CN, events, date(2025, 2, 8))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"principal": D("0.00")}, "amount"), ({"annual_rate": D("-0.01")}, "rate"), ({"periods": 0}, "periods"),
        ({"grace_on_principal": 12}, "grace"), ({"grace_on_interest": 12}, "grace"), ({"interest_free": 13}, "grace"),
        ({"first_due_on": date(2025, 1, 8)}, "dates"), ({"due_day": 32}, "dates"), ({"down_payment": D(1)}, "down_payment"),
        ({"installment_multiple": D(0)}, "multiple"), ({"every": 0}, "frequency"), ({"fees": (Fee("x", "once"),)}, "fee"),
        ({"penalty": Penalty(D(-1))}, "penalty"), ({"ranges": (Range("a", 5, 9), Range("b", 9))}, "ranges"),
        ({"day_count": "actual/363"}, "day_count"), ({"method": "other"}, "method"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused_by_name(changes, code):
    with pytest.raises(Impossible) as refused:
        replace(CN, **changes)
    assert refused.value.code == code


def test_terms_of_a_later_time_or_another_hand_are_refused():
    for document, code in [({**CN.to_json(), "version": 2}, "version"), ({**CN.to_json(), "colour": "red"}, "unknown_field")]:
        with pytest.raises(Impossible) as refused:
            Terms.from_json(document)
        assert refused.value.code == code
    with pytest.raises(Impossible):
        Allocation(order=("due.fee",))


def test_graces_hold_back_principal_and_interest():
    held = build(replace(CN, grace_on_principal=2, grace_on_interest=2))
    assert [(row.principal, row.interest) for row in held[:2]] == [(D(0), D(0))] * 2
    assert held[2].interest == D("540.00")
    # inside the grace the interest held back is owed all the same
    state = play(replace(CN, grace_on_interest=2), [OUT, PayOff(key="x", on=date(2025, 2, 23))], date(2025, 2, 23))
    assert state.splits["x"].part("interest") == D("263.10")  # 180.00 of the first month, 11,079.84 × 18 % × 15 / 360 of the second
    free = build(replace(CN, interest_free=1))
    assert free[0].interest == 0 and free[0].principal == free[0].payment


def test_due_dates_by_day_shifted_off_holidays():
    terms = replace(CN, due_day=25, first_period_days=20, holiday_shift="next")
    rows = build(terms, {date(2025, 2, 25), date(2025, 2, 26)})
    assert [row.due_on for row in rows[:3]] == [date(2025, 2, 27), date(2025, 3, 25), date(2025, 4, 25)]
    assert rows[0].interest == D("282.00")  # 8 January to 25 February is 47 days of 30/360: the shift moves no interest
    before = build(replace(terms, holiday_shift="previous", day_count="actual/360"), lambda day: day.weekday() > 4)
    assert (before[1].due_on == date(2025, 3, 25) and before[3].due_on == date(2025, 4, 25)) or before[3].due_on.weekday() < 5
    with pytest.raises(Impossible):
        build(terms, lambda day: True)
