"""Fees that go to somebody else: a debt to their payee and no income, in the books, their check, reports and invoices."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit import book_check, chart, general_ledger, invoices, passed_on
from credit.machine import play
from credit.models import Loan, Product
from credit.terms import Fee
from tests.credit import histories
from tests.credit.test_acts import at, do, fresh, rows_of
from tests.credit.test_late_deaths import often
from tests.credit.test_loan_doors import agree, sound, undo

OTHER = {"en": "Guarantor Ltd", "zh-hans": "担保公司"}
FEES = [
    {"code": "service", "name": {"en": "Service", "zh-hans": "服务费"}, "method": "per_period", "amount": "3.00"},
    {"code": "guarantee", "name": {"en": "Guarantee", "zh-hans": "担保费"}, "method": "per_period", "amount": "7.00", "payee": OTHER},
    {"code": "notice", "name": {"en": "Notice", "zh-hans": "通知费"}, "method": "late", "amount": "2.00", "payee": OTHER},
]


@pytest.fixture
def product(desk):
    product = Product.objects.get(pk=desk.product.pk)
    product.pk, product.code, product.fees, product.public_id = None, "third", FEES, "F-THIRD77"
    product.save(force_insert=True)
    return product


def books(desk):
    """Return what the general ledger has of fees: the debt to others, income, receivable."""
    desk.cast.entity.refresh_from_db()
    had = general_ledger.balance(desk.cast.entity)["third"]
    return tuple(had[name] for name in (chart.FEE_PAYABLE, chart.FEE_INCOME, "fee"))


def test_what_is_due_to_others_is_a_debt_from_the_due_date_and_no_income(desk, product):
    loan = desk.loan(product=product)
    assert {row.fee_passed for row in rows_of(loan)} == {D("7.00")} and loan.late_fee_passed == D("2.00")
    desk.close_to(date(2026, 4, 1))
    assert books(desk) == (D(0), D(0), D(0))
    desk.close_to(date(2026, 4, 2))
    assert books(desk) == (D("-7.00"), D("-3.00"), D("10.00"))
    agree(desk)
    paid = desk.pay(loan, "1110.16", on=date(2026, 4, 3))
    desk.close_to(date(2026, 4, 3))
    assert books(desk) == (D("-7.00"), D("-3.00"), D("0.00"))
    undo(desk, paid, date(2026, 4, 4))
    do(desk, loan, "waiver", date(2026, 4, 4), part="fee", amount=D("5.00"), installment=1)
    assert rows_of(loan)[0].fee_passed == D("3.50")
    desk.close_to(date(2026, 4, 4))
    assert books(desk) == (D("-3.50"), D("-1.50"), D("5.00"))
    agree(desk), sound(loan)


def test_a_late_fee_of_others_is_theirs_by_the_close_and_when_played_anew(desk, product):
    loan = desk.loan(product=product)
    desk.close_to(date(2026, 4, 8))
    row = rows_of(loan)[0]
    assert (row.late_charged, row.fee, row.fee_passed) == (True, D("12.00"), D("9.00"))
    sound(loan)
    assert books(desk) == (D("-9.00"), D("-3.00"), D("12.00"))
    desk.pay(loan, "12.00", on=date(2026, 4, 9))
    told = {
        "first": loan.starts_on,
        "last": date(2026, 4, 9),
        "purpose": "books",
        "actor": desk.cast.loan_operations,
        "at": at(date(2026, 4, 9)),
    }
    made = {each.payee: each.amount for each in invoices.invoice(fresh(loan), **told)}
    assert made == {"": D("3.00"), "担保公司 · Guarantor Ltd": D("9.00")}


def test_of_a_loan_that_is_lost_only_what_came_in_is_owed_to_others(desk, product):
    loan = desk.loan(product=product)
    desk.pay(loan, "5.00", on=date(2026, 4, 2))
    do(desk, loan, "write_off", date(2026, 4, 3))
    desk.close_to(date(2026, 4, 3))
    assert books(desk) == (D("-3.50"), D("-1.50"), D("0.00"))
    agree(desk), sound(loan)


def test_a_loan_whose_terms_name_no_payee_keeps_what_it_posted(desk, product):
    loan = desk.loan(product=product)
    own = loan.terms | {"fees": [fee | {"payee": ""} for fee in loan.terms["fees"]]}
    Loan.objects.filter(pk=loan.pk).update(terms=own, late_fee_passed=0)
    loan.installments.update(fee_passed=0)
    desk.close_to(date(2026, 4, 2))
    desk.pay(loan, "1110.16", on=date(2026, 4, 3))
    desk.close_to(date(2026, 4, 3))
    assert books(desk) == (D(0), D("-10.00"), D("0.00"))
    agree(desk), sound(loan)


def test_the_check_tells_a_debt_that_differs(desk, product):
    loan = desk.loan(product=product)
    desk.close_to(date(2026, 4, 2))
    loan.installments.filter(seq=1).update(fee_passed=D("6.00"))
    found = {each.check for each in book_check.run(desk.cast.entity, date(2026, 4, 2)) if each.differences}
    assert found == {"payees"}


@often
@given(st.booleans().flatmap(lambda again: histories.terms(recalculated=again)), st.integers(0, 10**9))
def test_others_part_is_never_more_than_the_fee_nor_less_than_nothing(terms, seed):
    from dataclasses import replace

    fees = (
        Fee("own", "per_period", D("3.00")),
        Fee("other", "per_period", D("7.00"), payee="x"),
        Fee("late", "late", D("2.00"), payee="x"),
    )
    terms = replace(terms, fees=fees)
    state = play(terms, histories.history(terms, seed), histories.START)
    for row in state.installments:
        part = passed_on.of(row)
        assert 0 <= part <= row.due.fee - row.waived.fee
        if not any(charge.part == "fee" for each in state.installments for charge in each.charges) and row.due.fee and row.passed:
            assert part * 10 >= (row.due.fee - row.waived.fee) * 6  # 7 of 10, or 9 of 12: never the lender's part alone
