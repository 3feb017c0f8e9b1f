"""The general ledger: journals of a day, accrual in sums, what the database refuses, non-accrual, transfers, a book taken over."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


def books(desk: Desk, until: date | None = None) -> dict[str, D]:
    """Return the balances of the general ledger by purpose, those of nothing left out."""
    from credit import general_ledger

    found = general_ledger.balance(desk.cast.entity, until=until)
    return {purpose: amount for parts in found.values() for purpose, amount in parts.items() if amount}


def test_a_loan_paid_out_stands_in_the_books_after_the_close(desk: Desk) -> None:
    desk.loan()
    desk.close_to(TODAY)
    assert books(desk) == {"principal": D("12000.00"), "cash": D("-12000.00")}


def test_interest_is_earned_day_by_day_in_one_sum(desk: Desk) -> None:
    loans = [desk.loan(), desk.loan(amount=D("7000.00"))]
    desk.close_to(TODAY + timedelta(days=10))
    parts = [loan.installments.get(seq=1) for loan in loans]
    exact = sum(part.interest * 10 / (part.due_on - part.from_on).days for part in parts)
    assert books(desk)["interest"] == exact.quantize(D("0.01")) == -books(desk)["interest_income"]
    from credit.models import Journal

    days = Journal.objects.filter(source="accrual").values_list("business_date", flat=True)
    assert sorted(days) == [TODAY + timedelta(days=n) for n in range(1, 11)]


def test_what_is_paid_relieves_what_was_earned(desk: Desk) -> None:
    loan = desk.loan()
    first = loan.installments.get(seq=1)
    desk.close_to(first.due_on - timedelta(days=1))
    desk.pay(loan, first.payment, on=first.due_on)
    desk.close_to(first.due_on)
    found = books(desk)
    assert "interest" not in found
    assert (found["interest_income"], found["principal"]) == (-first.interest, D("12000.00") - first.principal)
