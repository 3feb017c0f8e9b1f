"""Every term a product may be sold with, from the product to the last cent: booked, paid, closed, and played anew without a difference."""

import itertools
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from credit import (
    applications,
    book_check,
    business_days,
    cap_rules,
    caps,
    contract_terms,
    costing,
    loans,
    payoffs,
    product_factory,
    product_terms,
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
LATE = {"code": "fee_1", "name": {"en": "Late notice", "zh-hans": "催告费"}, "method": "late", "amount": "15.00", "rate": "0.01", "kind": "fee"}


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
        low, high = ("0.2", "0.23") if product.method == "flat_fee" else ("0.112", "0.1225")
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
    loan = same(booked(desk, method=method, day_count=day_count, terms=terms, term=3))
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
