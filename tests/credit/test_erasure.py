"""Open business keeps a person from being erased."""

from typing import Any

import pytest
from django.utils.timezone import localdate, now

from customers import erasures

pytestmark = pytest.mark.django_db


def test_an_open_loan_and_an_open_application_keep_a_person(desk: Any, cast: Any) -> None:
    loan = desk.loan()
    assert erasures.duties(loan.customer, on=localdate(now())) == ["1 loan is open."]
    with pytest.raises(erasures.MustBeKept, match="1 loan is open"):
        erasures.propose(loan.customer, reason="asked", actor=cast.compliance, at=now())
