"""Charge-offs of a version that posted nothing for them: posted once, on the open day, told in the ledger."""

from datetime import date
from decimal import Decimal as D

import pytest

from credit import book_check, charge_off_books
from credit.models import Loan, Transaction
from governance import users
from ledger.models import Entry
from tests.credit.test_acts import at, do, fresh
from tests.credit.test_loan_doors import agree, jump, sound

pytestmark = pytest.mark.django_db
OPEN = date(2026, 4, 21)


def charged_off_before(desk, loan, day):
    """Charge `loan` off as the version before did: a movement of nothing, and the loan says so."""
    made = Transaction.objects.create(
        loan=loan, kind="charge_off", amount=0, value_on=day, at=at(day), actor=desk.cast.loan_operations, key=f"old-{loan.pk}", details={}
    )
    Loan.objects.filter(pk=loan.pk).update(charged_off_on=day)
    return made


def post(day=OPEN):
    return charge_off_books.post_missing(actor=users.system(), at=at(day))


def test_what_was_charged_off_before_is_posted_on_the_open_day_with_what_came_in_since(desk):
    loan, other = desk.loan(), desk.loan()
    jump(desk, date(2026, 4, 20))
    desk.pay(loan, "1100.16", on=date(2026, 4, 20))
    charged_off_before(desk, loan, date(2026, 4, 14))
    desk.close_to(OPEN)
    desk.cast.entity.refresh_from_db()
    wrong = {each.check for each in book_check.run(desk.cast.entity, OPEN) if each.differences}
    assert "loans" in wrong
    day = date(2026, 4, 22)
    assert (post(day), post(day)) == (1, 0)
    made = loan.transactions.get(kind="reallocation")
    assert (made.value_on, made.booked_on) == (day, day)
    held = sound(loan)
    assert held["loss"] == D("12000.00") and held["recovery"] == D("-1100.16") and -held["charged_off"] == fresh(loan).principal_outstanding
    desk.close_to(day)
    agree(desk)
    [entry] = Entry.objects.filter(event="credit.loan.charge_off_posted")
    assert entry.facts["movement"] == made.public_id and not other.transactions.filter(kind="reallocation").exists()


def test_a_charge_off_of_today_is_left(desk):
    loan = desk.loan()
    do(desk, loan, "charge_off", date(2026, 3, 2), why="legal")
    assert post(date(2026, 3, 2)) == 0 and not Entry.objects.filter(event="credit.loan.charge_off_posted").exists()


def test_a_loan_that_its_movements_do_not_explain_is_left_and_the_others_are_posted(desk):
    odd, loan = desk.loan(), desk.loan()
    for each in (odd, loan):
        charged_off_before(desk, each, date(2026, 3, 2))
    Loan.objects.filter(pk=odd.pk).update(overpayment=1)
    assert post(date(2026, 3, 3)) == 1 and loan.transactions.filter(kind="reallocation").exists()
    assert not odd.transactions.filter(kind="reallocation").exists()
