"""A parked loan closed after its day's journals: the books agree at once, and nothing is counted twice by the next close."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from credit import book_check, end_of_day, late_closes
from credit.models import Installment, Journal, ParkedLoan
from tests.credit.test_acts import at, fresh
from tests.credit.test_loan_doors import agree, jump, sound

DAY = date(2026, 4, 12)  # ten days after the first due date


@pytest.fixture
def parked(desk):
    """Return a loan that the close of a day set aside, its cause cured since."""
    desk.loan()
    bad = desk.loan()
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("99.00"), penalty_paid=D("99.00"))
    jump(desk, DAY)
    assert ParkedLoan.objects.get().loan == bad
    Installment.objects.filter(loan=bad, seq=1).update(penalty=D("0.00"), penalty_paid=D("0.00"))
    return bad


def differing(desk):
    desk.cast.entity.refresh_from_db()
    return {each.check for each in book_check.run(desk.cast.entity, DAY) if each.differences}


def test_the_difference_is_posted_when_it_is_tried_again(desk, parked):
    written = Journal.objects.count()
    assert end_of_day.retry(ParkedLoan.objects.get(), at=at(DAY + timedelta(days=1)))
    loan = fresh(parked)
    assert (loan.dpd, loan.closed_on) == (10, DAY) and loan.ecl > 0
    agree(desk, day=DAY)
    added = Journal.objects.filter(business_date=DAY, serial__gt=0)
    assert {row.source for row in added} == {"provision", "accrual"} and Journal.objects.count() == written + added.count()
    sound(loan)
    desk.close_to(DAY + timedelta(days=1))
    agree(desk)


def test_without_it_the_books_would_differ(desk, parked, monkeypatch):
    monkeypatch.setattr(late_closes, "post", lambda *_args, **_more: 0)
    assert end_of_day.retry(ParkedLoan.objects.get(), at=at(DAY + timedelta(days=1)))
    assert differing(desk) == {"provisions", "receivables"}


def test_a_payment_that_closes_its_days_posts_the_allowance(desk, parked):
    desk.pay(parked, "100.00", on=DAY + timedelta(days=1))
    assert fresh(parked).closed_on == DAY
    assert differing(desk) == set()
    desk.close_to(DAY + timedelta(days=1))
    agree(desk)


def test_tried_again_before_its_cause_is_cured_it_posts_nothing(desk, parked):
    Installment.objects.filter(loan=parked, seq=1).update(penalty=D("99.00"), penalty_paid=D("99.00"))
    written = Journal.objects.count()
    assert not end_of_day.retry(ParkedLoan.objects.get(), at=at(DAY + timedelta(days=1)))
    assert Journal.objects.count() == written
