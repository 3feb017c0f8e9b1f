"""Rates of return: published figures, another library's answer, and the proof that the root is one."""

from datetime import date
from decimal import Decimal as D

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from credit.cost import percent
from credit.rates import annualised, irr
from credit.schedule import Terms, equal_installment


def of(start, *payments):
    return [D(-start), *(D(str(each)) for each in payments)]


@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        # docs.scipy.org numpy.irr; numpy.org/numpy-financial
        (of(100, 39, 59, 55, 20), "0.2809484211599611"),
        (of(250000, 100000, 150000, 200000, 250000, 300000), "0.5672303344358536"),
        (of(1200, *[100] * 12), "0"),
        (of(100, 0, 0, 50), "-0.2062994740159003"),
    ],
)
def test_published_internal_rates_of_return(flows, rate):
    assert abs(irr(flows) - D(rate)) < D("1e-15")


@pytest.mark.parametrize(
    ("payments", "nominal", "effective"),
    [
        # "amortisation_cn": 12,000 at 1.5 % a month over 12 months by four methods, and with 3 % withheld (test of the solver only)
        ([*["1100.16"] * 11, "1100.19"], "0.180004", "0.195623"),
        ([f"{1180 - 15 * n}" for n in range(12)], "0.180000", "0.195618"),
        ([*["180"] * 11, "12180"], "0.180000", "0.195618"),
        (["1180"] * 12, "0.317164", "0.367583"),
    ],
)
def test_annualised_cost_of_the_four_methods(payments, nominal, effective):
    rates = annualised(of(12000, *payments))
    assert (rates.nominal, rates.effective) == (D(nominal), D(effective))


def test_three_per_cent_withheld_turns_18_into_two_verdicts():
    rates = annualised(of(11640, *["1100.16"] * 11, "1100.19"))
    assert (rates.nominal, rates.effective) == (D("0.239092"), D("0.267113"))


def test_24_per_cent_on_30_360_meets_the_cap_at_two_decimals_and_actual_360_does_not():
    def nominal(day_count):
        rows = equal_installment(Terms(D("10000.00"), D("0.24"), 12, date(2025, 1, 1), day_count))
        return annualised(of(10000, *(row.payment for row in rows))).nominal

    assert percent(nominal("30/360")) == "24.00%"
    assert percent(nominal("actual/360")) == "24.23%"


flows = st.tuples(st.decimals("1", "100000", places=2), st.lists(st.decimals("0", "100000", places=2), min_size=1, max_size=72).filter(any))


@given(flows)
def test_the_value_at_the_rate_is_nothing(case):
    out, back = case
    rate = irr([-out, *back])
    assert rate > -1
    value = sum((flow / (1 + rate) ** n for n, flow in enumerate([-out, *back])), D(0))
    assert abs(value) < D("1e-9") * max(out, *back)


@given(st.decimals("200", "200000", places=2), st.decimals("0.000001", "0.36", places=6), st.integers(3, 72))
def test_another_solver_gives_the_same(principal, rate, periods):
    payments = [row.payment for row in equal_installment(Terms(principal, rate, periods, date(2025, 1, 1)))]
    ours = annualised([-principal, *payments]).periodic
    theirs = pyxirr.irr([float(-principal), *map(float, payments)])
    assert theirs is not None
    assert abs(float(ours) - theirs) < 2e-6


@pytest.mark.parametrize("flows", [[], [D(-1)], [D(1), D(1)], [D(-1), D(0)], [D(-1), D(2), D(-1)]])
def test_flows_without_one_answer_are_refused(flows):
    with pytest.raises(ValueError):
        irr(flows)
