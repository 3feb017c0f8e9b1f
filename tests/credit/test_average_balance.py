"""The average balance a price is checked with, against the schedules that are paid."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis.strategies import decimals, integers

from credit import average_balance
from credit.schedule import Terms, build

ON = date(2026, 1, 15)


def rows(**changes):
    told = {"principal": D("12000.00"), "annual_rate": D("0.18"), "periods": 12, "starts_on": ON, "day_count": "30/360"}
    return build(Terms(**told | changes))


@given(decimals("0", "0.36", places=4), integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_closed_form_is_the_schedule_s(rate, term):
    by_schedule = average_balance.share(D("100000.00"), rows(principal=D("100000.00"), annual_rate=rate, periods=term))
    assert abs(by_schedule - average_balance.equal_instalments(rate, term)) < D("0.00001")


def test_the_published_figure():
    assert average_balance.share(D("12000.00"), rows()) * 12000 == pytest.approx(D("6677.50"), abs=D("0.20"))
    assert (D("0.05") / average_balance.equal_instalments(D("0.18"), 12)).quantize(D("0.0001")) == D("0.0899")


@pytest.mark.parametrize(("method", "share"), [("equal_principal", D("0.541667")), ("interest_only", D("1.000000"))])
def test_other_ways_of_repaying_stand_higher_or_lower(method, share):
    assert average_balance.share(D("12000.00"), rows(method=method)) == share


def test_what_is_paid_a_month():
    assert average_balance.monthly(D("12000.00"), rows(), 12) == D("0.091680")
    assert average_balance.monthly(D("12000.00"), rows(method="equal_principal"), 12) == (D(1180) / 12000).quantize(D("0.000001"))
