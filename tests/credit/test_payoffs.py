"""What ends a loan on a day: to the cent, and paid it ends."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from credit import payoffs, repayments, reversals
from credit.models import Loan, PayoffQuote
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


def at(day):
    return NOON + timedelta(days=(day - NOON.date()).days)


def issue(desk, loan, day, on=None):
    return payoffs.issue(loan, settles_on=day, actor=desk.cast.loan_officer, at=at(on or day))


def fresh(loan):
    return Loan.objects.get(pk=loan.pk)


def test_half_a_period_owes_half_its_interest(desk):
    loan = desk.loan()  # 12,000.00 over 12 months at 18 %
    quote = issue(desk, loan, TODAY + timedelta(days=15))
    assert (quote.principal, quote.interest, quote.fee, quote.penalty) == (D("12000.00"), D("90.00"), D("0.00"), D("0.00"))
    assert quote.total == D("12090.00")
    assert quote.interest_waived == sum(row.interest for row in loan.installments.all()) - D("90.00")


def test_on_the_first_day_only_the_principal(desk):
    assert issue(desk, desk.loan(), TODAY).total == D("12000.00")


def test_what_is_late_is_owed_whole_with_its_penalty(desk):
    loan = desk.loan()
    day = date(2026, 5, 2) + timedelta(days=10)
    quote = issue(desk, loan, day)
    # instalments of April and May whole; penalty 40 and 10 days at 24 %; ten days of the third period
    assert quote.penalty == D("24.54") + D("6.23")
    rows = list(loan.installments.order_by("seq"))
    balance = D("12000.00") - rows[0].principal - rows[1].principal
    running = (balance * D("0.18") * 10 / 360).quantize(D("0.01"))
    assert quote.interest == rows[0].interest + rows[1].interest + running


def test_paying_it_ends_the_loan_exactly(desk):
    loan = desk.loan()
    quote = issue(desk, loan, TODAY + timedelta(days=15), on=TODAY)
    movement = desk.pay(loan, quote.total, TODAY + timedelta(days=13))
    loan = fresh(loan)
    assert (loan.status, loan.principal_outstanding, loan.overpayment) == ("settled", D("0.00"), D("0.00"))
    quote.refresh_from_db()
    assert (quote.status, quote.transaction) == ("paid", movement)
    assert all(row.status == "paid" and row.owed == 0 for row in loan.installments.all())


def test_the_early_fee_of_the_product_is_posted(desk):
    type(desk.product).objects.filter(pk=desk.product.pk).update(early_fee_rate=D("0.010000"))
    loan = desk.loan()
    quote = issue(desk, loan, TODAY + timedelta(days=15))
    assert (quote.early_fee, quote.total) == (D("120.00"), D("12210.00"))
    movement = desk.pay(loan, quote.total, TODAY + timedelta(days=15))
    assert movement.postings.get(account="fee").amount == D("-120.00")


def test_any_other_money_makes_it_another_sum(desk):
    loan = desk.loan()
    quote = issue(desk, loan, TODAY + timedelta(days=15), on=TODAY)
    desk.pay(loan, "100.00")
    quote.refresh_from_db()
    assert quote.status == "superseded"
    assert fresh(loan).status == "open"
    desk.pay(loan, quote.total)
    assert fresh(loan).status == "open"  # the old sum ends nothing any more


def test_after_its_day_it_is_a_payment_like_others(desk):
    loan = desk.loan()
    quote = issue(desk, loan, TODAY + timedelta(days=2), on=TODAY)
    desk.pay(loan, quote.total, TODAY + timedelta(days=3))
    assert fresh(loan).status == "open"
    assert fresh(loan).overpayment > D("10000.00")


def test_the_same_day_asked_again_is_the_same_quote(desk):
    loan = desk.loan()
    day = TODAY + timedelta(days=5)
    first = issue(desk, loan, day, on=TODAY)
    assert issue(desk, loan, day, on=TODAY) == first
    second = issue(desk, loan, day + timedelta(days=1), on=TODAY)
    first.refresh_from_db()
    assert (first.status, second.status, PayoffQuote.objects.filter(loan=loan, status="issued").count()) == ("superseded", "issued", 1)


@pytest.mark.parametrize("days", [-1, 16])
def test_only_near_days(desk, days):
    with pytest.raises(payoffs.NotADay):
        issue(desk, desk.loan(), TODAY + timedelta(days=days), on=TODAY)


def test_a_settled_loan_has_none(desk):
    loan = desk.loan()
    desk.pay(loan, issue(desk, loan, TODAY).total)
    with pytest.raises(repayments.LoanClosed):
        issue(desk, loan, TODAY)


def test_a_payoff_that_is_reversed_leaves_the_schedule_as_it_was(desk):
    loan = desk.loan()
    desk.pay(loan, "1100.16")
    before = list(loan.installments.order_by("seq").values())
    quote = issue(desk, loan, TODAY + timedelta(days=5), on=TODAY)
    movement = desk.pay(loan, quote.total)
    reversals.reverse(movement, reason="bounced", actor=desk.cast.loan_operations, at=NOON, key="r")
    assert list(loan.installments.order_by("seq").values()) == before
    quote.refresh_from_db()
    assert (fresh(loan).status, quote.status) == ("open", "reversed")


def test_when_an_earlier_payment_is_reversed_the_payoff_no_longer_suffices(desk):
    loan = desk.loan()
    first = desk.pay(loan, "1100.16")
    quote = issue(desk, loan, TODAY + timedelta(days=5), on=TODAY)
    desk.pay(loan, quote.total)
    reversals.reverse(first, reason="bounced", actor=desk.cast.loan_operations, at=NOON, key="r")
    loan = fresh(loan)
    assert loan.status == "open"
    assert loan.overpayment == quote.total - D("1100.16")  # it pays the running instalment, the rest is held


@pytest.mark.parametrize("days", range(0, 400, 23))
def test_never_more_than_the_schedule_and_never_less_than_the_principal(desk, days):
    loan = desk.loan()
    installments = list(loan.installments.order_by("seq"))
    on = TODAY + timedelta(days=days)
    ending = payoffs.figures(loan, on)
    whole = sum(row.payment for row in installments)
    assert loan.principal <= ending.total - ending.part("penalty") <= whole
    assert ending.total - ending.part("penalty") + ending.interest_waived + ending.fee_waived == whole
