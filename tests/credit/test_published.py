"""Published figures, retyped here with their source, against what the product computes; and rates that cannot be."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit import apr, published
from credit.rates import NoRate, annualised

# 12 CFR 1026 Appendix J (c)(1) to (c)(4), the eleven examples in the order of the text
APPENDIX_J = ["9.69", "11.82", "10.34", "8.97", "14.96", "10.08", "28.50", "10.50", "12.22", "10.90", "7.30"]
# COM(1996)79 annex III; FSharp.Finance.Personal AprUnitedKingdomTests
EU = ["12.96", "13.07", "324.436"]


@pytest.mark.parametrize("figure", list(published.figures()), ids=lambda figure: f"{figure.source[:12]} {figure.name}")
def test_a_published_figure_comes_out(figure):
    assert figure.compute() == figure.expected


def test_the_page_holds_the_figures_of_the_sources():
    found = list(published.figures())
    assert [figure.expected for figure in found if figure.source == published.APPENDIX_J] == [*APPENDIX_J, "11.45"]
    assert [str(figure.expected) for figure in found if "European" in str(figure.group)] == EU
    assert len(found) >= 30


@pytest.mark.parametrize(
    ("unit", "per_year"), [(apr.MONTH, 12), (apr.QUARTER, 4), (apr.WEEK, 52), (apr.weeks(2), 26), (apr.months(2), 6), (apr.SEMIMONTH, 24)]
)
def test_without_an_odd_period_the_apr_is_the_periodic_rate_times_the_periods(unit, per_year):
    advanced, first = date(2026, 1, 1), {7: date(2026, 1, 8), 14: date(2026, 1, 15)}
    day = first[unit.length] if unit.kind == "day" else date(2026, 1, 16) if unit.kind == "semimonth" else date(2026, 1 + unit.length, 1)
    payments = [D("105.00")] * 10
    assert apr.first_period(advanced, day, unit) == (1, 0)
    found = apr.us_apr(D("1000.00"), advanced, day, payments, unit)
    assert abs(found - annualised([D(-1000), *payments], periods_a_year=per_year).nominal) < D("1e-6")


def test_the_last_of_a_short_month_is_a_month_after_the_31st():
    assert apr.first_period(date(2026, 1, 31), date(2026, 2, 28), apr.MONTH) == (1, 0)
    assert apr.first_period(date(2026, 1, 20), date(2026, 3, 1), apr.MONTH) == (1, D(12) / 30)


@given(
    st.decimals("100", "100000", places=2), st.lists(st.decimals("0.01", "100000", places=2), min_size=1, max_size=24), st.integers(0, 40)
)
def test_at_the_apr_the_payments_are_worth_the_advance(advance, payments, odd):
    advanced, first = date(2026, 1, 1), date.fromordinal(date(2026, 2, 1).toordinal() + odd)
    rate = apr.us_apr(advance, advanced, first, payments) / 12
    whole, part = apr.first_period(advanced, first, apr.MONTH)
    worth = sum(each / (1 + rate) ** (whole + n) for n, each in enumerate(payments)) / (1 + part * rate)
    assert abs(worth - advance) < D("1e-9") * advance


@pytest.mark.parametrize(
    "call",
    [
        lambda: apr.us_apr(D(0), date(2026, 1, 1), date(2026, 2, 1), [D(1)]),
        lambda: apr.us_apr(D(10), date(2026, 1, 1), date(2026, 1, 1), [D(11)]),
        lambda: apr.us_apr(D(10), date(2026, 1, 1), date(2026, 2, 1), [D(-1), D(20)]),
        lambda: apr.us_apr(D(10), date(2026, 1, 1), date(2026, 2, 1), []),
        lambda: apr.single_payment_apr(apr.Flow(date(2026, 1, 1), D(10)), apr.Flow(date(2027, 1, 1), D(11))),
        lambda: apr.eu_apr([], [apr.Flow(date(2026, 1, 1), D(10))]),
        lambda: apr.eu_apr([apr.Flow(date(2026, 1, 1), D(10))], [apr.Flow(date(2025, 1, 1), D(10))]),
        lambda: apr.eu_apr([apr.Flow(date(2026, 1, 1), D("0.01"))], [apr.Flow(date(2026, 1, 2), D("99999"))]),
        lambda: annualised([D(-1), D(2)], periods_a_year=0),
    ],
)
def test_figures_without_a_rate_are_refused_by_name(call):
    with pytest.raises(NoRate):
        call()
