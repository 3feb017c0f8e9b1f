"""Money that comes in while a business date is being closed is in the journal of that date or of the next, in just one of them."""

from datetime import timedelta
from decimal import Decimal as D
from functools import partial

import pytest

from credit import book_check, end_of_day
from credit.models import Transaction
from tests.credit.conftest import Desk
from tests.credit.test_races import together
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db(transaction=True)


def test_payments_during_the_close_are_in_one_journal_each(desk: Desk) -> None:
    loans = [desk.loan() for _ in range(4)]
    desk.close_to(TODAY - timedelta(days=1))
    payments = [partial(desk.pay, loan, "50.00", key=f"{loan}") for loan in loans]

    done = together(partial(end_of_day.close, desk.cast.entity, TODAY, at=NOON), *payments)

    assert [each for each in done if isinstance(each, Exception)] == []
    booked = set(Transaction.objects.filter(kind="repayment").values_list("booked_on", flat=True))
    assert booked <= {TODAY, TODAY + timedelta(days=1)}
    for day in (TODAY, TODAY + timedelta(days=1)):
        desk.close_to(day)
        assert [each for each in book_check.run(desk.cast.entity, day) if each.differences] == []
    assert Transaction.objects.filter(kind="repayment", amount=D("50.00")).count() == 4
