"""Every term a product may be sold with, from the product to the last cent: booked, paid, closed, and played anew without a difference."""

import itertools
from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from credit import (
    applications,
    book_check,
    business_days,
    cap_rules,
    caps,
    contract_terms,
    costing,
    payoffs,
    product_factory,
    recompute,
)
from credit.machine import play
from credit.models import Loan, Product
from credit.product_written import written
from credit.schedule import build
from governance import changes
from tests.fixtures.cast import NOON

TODAY = NOON.date()
ALL = dict.fromkeys(product_factory.REVIEW, True)
LATE = {
    "code": "fee_1",
    "name": {"en": "Late notice", "zh-hans": "催告费"},
    "method": "late",
    "amount": "15.00",
    "rate": "0.01",
    "kind": "fee",
}


def on_sale(desk, **changed):
    """Put a version with these terms on sale at once, past the review that other tests walk through."""
    values = written(desk.product) | {"amount_min": D("1000.00"), "rates_by_grade": {"A": "0.120000"}, "grace_days": 3} | changed
    values = product_factory.checked(values, lender={"en": "a", "zh-hans": "b"}, on=TODAY)
    Product.objects.filter(live=True).update(live=False)
    number = Product.objects.order_by("-version").values_list("version", flat=True)[0] + 1
    made = Product.objects.create(
        legal_entity=desk.cast.entity, code=desk.product.code, version=number, live=True, currency="CNY", papers=[], **values
    )
    desk.product = made
    return made


def booked(desk, term=12, amount=D("12000.00"), **changed):
    on_sale(desk, **changed)
    return desk.loan(term=term, amount=amount, verdict={"grade": "A", "annual_rate": D("0.120000")})


def same(loan):
    loan = Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)
    assert recompute.differences(loan) == []
    return loan


def pay_all(desk, loan, until):
    """Pay each instalment on its day, closing the days between."""
    for row in list(loan.installments.order_by("seq")):
        if row.payment and row.due_on <= until:
            desk.close_to(row.due_on - timedelta(days=1))
            desk.pay(loan, row.payment, on=row.due_on)
    return Loan.objects.select_related("legal_entity", "product").get(pk=loan.pk)


METHODS = ("equal_installment", "equal_principal", "interest_only", "bullet", "flat_fee")
DAY_COUNTS = ("30/360", "actual/360", "actual/365", "actual/actual")
RHYTHMS = ({}, {"every": 3}, {"frequency": "week"}, {"frequency": "week", "every": 2}, {"frequency": "day", "every": 10})


def test_what_is_booked_is_what_the_machine_plays(desk):
    """Contract, instalments and machine agree before any money moved, for each method, day count and rhythm; nothing is stored."""
    product = desk.product
    for product.method, product.day_count, product.terms in itertools.product(METHODS, DAY_COUNTS, RHYTHMS):
        worked = costing.work_out(product, amount=D("12000.00"), term=12, annual_rate=D("0.12"), on=TODAY, caps=[])
        terms = contract_terms.of_product(product, amount=D("12000.00"), term=12, annual_rate=D("0.12"), on=TODAY)
        state = play(terms, [happened(D("12000.00"))], TODAY, holidays=business_days.closed(terms))
        assert [(row.due.principal, row.due.interest, row.due_on) for row in state.installments] == [
            (row.principal, row.interest, row.due_on) for row in worked.rows
        ]
        assert sum(row.principal for row in worked.rows) == D("12000.00")
        assert terms == type(terms).from_json(terms.to_json())
        table = worked.table()
        # one rate, whatever the rhythm: what is counted in weeks or days differs by the length of their year, a flat fee is dearer
        low, high = ("0.18", "0.24") if product.method == "flat_fee" else ("0.112", "0.1225")
        assert D(low) < D(table["annualised"]["nominal"]) < D(high)
        assert D(table["total_to_repay"]) == sum(row.payment for row in worked.rows)


def happened(amount):
    from credit.events import Disburse

    return Disburse(key="d", on=TODAY, amount=amount)


@pytest.mark.parametrize(
    ("method", "day_count", "terms"),
    [
        ("bullet", "actual/365", {}),
        ("bullet", "30/360", {"frequency": "week", "every": 2}),
        ("equal_installment", "actual/actual", {"frequency": "week"}),
        ("equal_principal", "actual/360", {"frequency": "day", "every": 10}),
        ("interest_only", "actual/365", {"frequency": "week", "every": 2, "holiday_shift": "next"}),
        ("flat_fee", "30/360", {"frequency": "week", "interest": "per_period"}),
        ("equal_installment", "30/360", {"grace_principal": 1, "interest_free": 1}),
        ("equal_installment", "actual/365", {"grace_interest_payment": 2, "due_day": 5, "first_period_days": 15}),
        ("equal_principal", "30/360", {"down_payment": "0.2", "instalment_multiple": "100"}),
        ("equal_installment", "30/360", {"first_due_days": 45, "holiday_shift": "previous", "every": 3}),
    ],
)
def test_a_loan_of_these_terms_is_paid_closed_and_played_anew(desk, method, day_count, terms):
    bounds = {"amount_min": D("5000.00"), "term_max": 12}
    loan = same(booked(desk, method=method, day_count=day_count, terms=terms, term=3, **bounds))
    rows = list(loan.installments.order_by("seq"))
    third = rows[min(2, len(rows) - 1)]
    loan = same(pay_all(desk, loan, third.due_on))
    if loan.status == "open":  # the next one is missed: days past due count from it once the grace is over, and a payoff ends all
        missed = next(row for row in loan.installments.order_by("seq") if row.paid_on is None and row.payment)
        desk.close_to(missed.due_on + timedelta(days=3))
        assert same(loan).dpd == 0
        desk.close_to(missed.due_on + timedelta(days=4))
        loan = same(loan)
        assert loan.dpd == 4
        on = desk.cast.entity.business_date
        ending = payoffs.figures(loan, on)
        at = NOON + timedelta(days=(on - TODAY).days)
        payoffs.issue(loan, settles_on=on, actor=desk.cast.loan_officer, at=at)
        desk.pay(loan, ending.total, on=on)
        loan = same(loan)
    assert (loan.status, loan.principal_outstanding) == ("settled", 0)
    desk.cast.entity.refresh_from_db()
    desk.close_to(desk.cast.entity.business_date)
    found = book_check.run(desk.cast.entity, desk.cast.entity.business_date - timedelta(days=1))
    assert [each for each in found if each.differences] == []


def test_a_late_fee_is_charged_once_by_the_close_or_by_the_payment_that_comes_first(desk):
    loan = booked(desk, fees=[LATE], terms={"late_fee": "5.00"}, term=6)
    assert (loan.late_fee, loan.late_fee_rate) == (D("20.00"), D("0.01"))
    first = loan.installments.get(seq=1)
    desk.close_to(first.due_on + timedelta(days=3))
    assert loan.installments.get(seq=1).fee == 0  # inside the grace nothing is charged
    # a payment on the first day beyond the grace meets the charge before the close of that day does
    desk.pay(loan, "30.00", on=first.due_on + timedelta(days=4))
    charge = D("20.00") + (first.principal * D("0.01")).quantize(D("0.01"))
    assert loan.installments.get(seq=1).fee == charge
    desk.close_to(first.due_on + timedelta(days=6))
    assert loan.installments.get(seq=1).fee == charge
    same(loan)
    second = loan.installments.get(seq=2)
    desk.close_to(second.due_on + timedelta(days=4))
    row = loan.installments.get(seq=2)
    assert (row.fee, row.late_charged) == (D("20.00") + (second.principal * D("0.01")).quantize(D("0.01")), True)
    same(loan)
    found = book_check.run(desk.cast.entity, second.due_on + timedelta(days=4))
    assert [each for each in found if each.differences] == []


def test_interest_held_by_a_grace_is_earned_day_by_day_all_the_same(desk):
    """Income follows the days, not the days of collection: after the two held periods all their interest is receivable."""
    from credit import general_ledger

    loan = booked(desk, terms={"grace_interest_payment": 2}, term=6)
    rows = list(loan.installments.order_by("seq"))
    assert [row.interest for row in rows[:2]] == [0, 0]
    earned = sum(row.interest_held for row in rows[:2])
    assert earned > 0
    assert sum(row.interest_held for row in rows) == 0
    for row in rows[:2]:
        desk.close_to(row.due_on - timedelta(days=1))
        desk.pay(loan, row.payment, on=row.due_on)
    desk.close_to(rows[1].due_on)
    on_books, _off = general_ledger.value(desk.cast.entity, rows[1].due_on)
    assert on_books[desk.product.code]["interest"] == earned
    same(loan)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"term_min": 3, "terms": {"grace_principal": 3}}, "grace_principal"),
        ({"term_min": 4, "terms": {"every": 3}}, "every"),
        ({"terms": {"frequency": "week", "due_day": 5}}, "due_day"),
        ({"terms": {"instalment_multiple": "1000"}}, "instalment_multiple"),
        ({"method": "bullet", "terms": {"interest_free": 1}}, "interest_free"),
        ({"method": "interest_only", "terms": {"grace_principal": 1}}, "grace_principal"),
        ({"terms": {"first_due_days": 40, "first_period_days": 10}}, "first_period_days"),
        ({"terms": {"first_due_days": 0}}, "first_due_days"),
        ({"fees": [LATE, LATE | {"code": "fee_2"}]}, "fee_1_method"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_name(changed, field):
    """No database: what is written is judged by itself."""
    values = BARE | {"terms": {}} | changed
    with pytest.raises(product_factory.Invalid) as refusal:
        product_factory.checked(values, lender={"en": "a", "zh-hans": "b"}, on=TODAY)
    assert list(refusal.value.fields) == [field]


BARE = {
    "name_en": "a", "name_zh": "b", "method": "equal_installment", "amount_min": D("1000.00"), "amount_max": D("50000.00"), "term_min": 3,
    "term_max": 24, "rates_by_grade": {"A": "0.12"}, "day_count": "30/360", "month_end": "last_day", "rounding": "HALF_UP", "grace_days": 0,
    "penalty_multiplier": D("1.5"), "penalty_within_cap": True, "allocation_order": ["fee", "penalty", "interest", "principal"],
    "early_fee_rate": D(0), "fees": [], "offer_days": 14, "examples": [],
}  # fmt: skip


def test_a_term_that_is_no_whole_number_of_periods_is_refused_at_the_door(desk):
    on_sale(desk, term_min=3, term_max=24, terms={"every": 3})
    with pytest.raises(applications.Invalid) as refusal:
        desk.draft(term=10)
    assert list(refusal.value.fields) == ["term"]
    assert desk.draft(term=9).term == 9


def test_rounding_named_by_the_product_decides_the_cent(desk):
    """Half a cent of interest: up under HALF_UP, to the even cent under HALF_EVEN."""
    found = []
    for desk.product.rounding in ("HALF_UP", "HALF_EVEN"):
        desk.product.method = "interest_only"
        worked = costing.work_out(desk.product, amount=D("1000.50"), term=3, annual_rate=D("0.12"), on=TODAY, caps=[])
        found.append(worked.rows[0].interest)
    assert found == [D("10.01"), D("10.00")]


def test_a_contract_keeps_its_calendar_and_falls_due_on_business_days(desk):
    """National Day 2026: 1 October is a holiday; the contract says so itself, whatever a later calendar holds."""
    on_sale(desk, terms={"holiday_shift": "next"})
    start = date(2026, 9, 1)
    terms = contract_terms.of_product(desk.product, amount=D("12000.00"), term=12, annual_rate=D("0.12"), on=start)
    closed = business_days.closed(terms)
    first = build(terms, closed)[0]
    assert closed(date(2026, 10, 1))
    assert first.due_on > date(2026, 10, 1)
    assert not closed(first.due_on)
    assert all(not closed(row.due_on) for row in build(type(terms).from_json(terms.to_json()), closed))
    # on 30/360 moved days change no interest
    assert first.interest == D("120.00")


def test_a_charge_for_being_late_counts_after_default():
    cap = type("Cap", (), {"value": D("0.24"), "basis": "nominal", "counts": ["fee", "penalty"]})()
    from credit.cost import Fee
    from credit.terms import Terms

    rows = build(Terms(D("12000.00"), D("0.18"), 12, date(2026, 1, 8)))
    late = Fee("late", {"en": "l", "zh-hans": "l"}, "late", {"en": "l", "zh-hans": "l"}, D("100.00"))
    plain = cap_rules.judge(cap, cap_rules.Costs(D("12000.00"), rows, (), D("0.20")))
    charged = cap_rules.judge(cap, cap_rules.Costs(D("12000.00"), rows, (late,), D("0.20")))
    assert plain.passes
    assert charged.in_default
    assert charged.counted == plain.counted
    # worked by hand: twelve payments a month late, each with 100.00 and its penalty, on 12,000.00
    assert charged.on_default > D("0.30")


def test_every_fee_of_the_contract_stands_in_the_table_with_its_payee(desk):
    agency = {"en": "Agency", "zh-hans": "中介"}
    kinds = ("up_front", "once", "per_period", "late", "prepayment")
    small = LATE | {"amount": "5.00", "rate": "0.001", "payee": agency, "kind": "third_party"}
    fees = [small | {"code": f"fee_{n}", "method": kind} for n, kind in enumerate(kinds, start=1)]
    loan = booked(desk, fees=fees, term=6)
    table = loan.offer.cost_table
    assert {row["code"]: row["payee"]["en"] for row in table["items"][1:]} == {"fee_1": "Agency", "fee_2": "Agency", "fee_3": "Agency"}
    assert {row["code"] for row in table["contingent"]} == {"penalty", "fee_4", "fee_5"}
    assert loan.installments.get(seq=1).fee == D("51.00")  # three times 5.00 + 0.1 % of 12,000.00: up front, once, every time
    assert D(table["total_cost"]) == sum(D(row["amount"]) for row in table["items"])
    same(loan)
    # the fee on paying early: 5.00 + 0.1 % of the principal not due yet
    ending = payoffs.figures(loan, TODAY + timedelta(days=10))
    assert ending.early_fee == D("17.00")
    # 12 % of interest, and 136.00 of charges on half of 12,000.00 for half a year; what is paid on the first day the borrower never had
    assert D("0.155") < D(table["annualised"]["nominal"]) < D("0.17")


def test_a_new_product_goes_from_a_code_to_sale(desk):
    risk, compliance = desk.cast.risk_manager, desk.cast.compliance
    made = product_factory.create(desk.cast.entity, code="week-1", name_en="Weekly", name_zh="周贷", actor=risk, at=NOON)
    assert (made.code, made.version, made.stage) == ("WEEK-1", 1, "draft")
    values = written(made) | {"method": "equal_principal", "terms": {"frequency": "week"}, "day_count": "actual/365"}
    made = product_factory.write(made, values, actor=risk, at=NOON)
    product_factory.review(made, answers=ALL, note="", actor=compliance, at=NOON)
    change = product_factory.propose(made, live=True, sunset_on=None, reason="r", actor=risk, at=NOON)
    changes.confirm(change, actor=compliance, at=NOON)
    made.refresh_from_db()
    assert (made.stage, Product.objects.live().count()) == ("live", 2)  # the other code stays on sale beside it
    desk.product = made
    loan = desk.loan(term=3, verdict={"grade": "A", "annual_rate": D("0.120000")})
    assert loan.installments.count() == 13
    same(loan)


@pytest.mark.parametrize("code", ["", "1A", "A B", "X" * 21, "Ä1"])
def test_a_code_that_cannot_be_is_refused(desk, code):
    with pytest.raises(product_factory.Invalid) as refusal:
        product_factory.create(desk.cast.entity, code=code, name_en="a", name_zh="", actor=desk.cast.risk_manager, at=NOON)
    assert list(refusal.value.fields) == ["code", "name_zh"]


def test_a_code_stands_once(desk):
    risk = desk.cast.risk_manager
    with pytest.raises(product_factory.Invalid) as refusal:
        product_factory.create(desk.cast.entity, code=desk.product.code, name_en="a", name_zh="b", actor=risk, at=NOON)
    assert list(refusal.value.fields) == ["code"]


def test_averages_are_weighted_by_amount(desk):
    from credit import cap_averages

    cap = caps.holding(TODAY)[0]
    assert cap_averages.average(cap, Loan.objects.all(), on=TODAY).new is None
    on_sale(desk, rates_by_grade={"A": "0.120000", "B": "0.180000"})
    low = desk.loan(amount=D("3000.00"), verdict={"grade": "A", "annual_rate": D("0.120000")})
    high = desk.loan(amount=D("9000.00"), verdict={"grade": "B", "annual_rate": D("0.180000")})
    found = cap_averages.average(cap, Loan.objects.all(), on=TODAY)
    expected = (low.offer.nominal_rate + 3 * high.offer.nominal_rate) / 4
    assert abs(found.new - expected) < D("0.000002")
    assert (found.book, found.new_amount) == (found.new, D("12000.00"))
    assert found.passes
