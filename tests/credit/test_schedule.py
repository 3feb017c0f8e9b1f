"""Schedules to the cent: published figures first, then what must hold for every loan."""

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.schedule import DAY_COUNTS, MONTH_ENDS, Terms, build, day_fraction, due_dates, equal_installment

# "amortisation_cn / equal_payment": 12,000 at 1.5 % a month, 12 periods; formula A = P·i·(1+i)^n / ((1+i)^n − 1),
# schedule and rate computed two independent ways.
CN_EQUAL_PAYMENT = """
920.16 180.00 1100.16 11079.84
933.96 166.20 1100.16 10145.88
947.97 152.19 1100.16 9197.91
962.19 137.97 1100.16 8235.72
976.62 123.54 1100.16 7259.10
991.27 108.89 1100.16 6267.83
1006.14 94.02 1100.16 5261.69
1021.23 78.93 1100.16 4240.46
1036.55 63.61 1100.16 3203.91
1052.10 48.06 1100.16 2151.81
1067.88 32.28 1100.16 1083.93
1083.93 16.26 1100.19 0.00
"""

# Apache Fineract (Apache-2.0), figures of its test suite at 4198b0b: Loan.feature 5540 and EMICalculation-Part1.feature,
# LoanMonthEndDueDateStrategy.feature; they round HALF_EVEN. Columns: due date, principal, interest, balance.
FINERACT = {
    "30/360 7 %": (
        Terms(D("100.00"), D("0.07"), 6, date(2024, 1, 1), "30/360", rounding="HALF_EVEN"),
        """2024-02-01 16.43 0.58 83.57
           2024-03-01 16.52 0.49 67.05
           2024-04-01 16.62 0.39 50.43
           2024-05-01 16.72 0.29 33.71
           2024-06-01 16.81 0.20 16.90
           2024-07-01 16.90 0.10 0.00""",
    ),
    "actual/365 12 %": (
        Terms(D("100.00"), D("0.12"), 6, date(2024, 1, 1), "actual/365", rounding="HALF_EVEN"),
        """2024-02-01 16.23 1.02 83.77
           2024-03-01 16.45 0.80 67.32
           2024-04-01 16.56 0.69 50.76
           2024-05-01 16.75 0.50 34.01
           2024-06-01 16.90 0.35 17.11
           2024-07-01 17.11 0.17 0.00""",
    ),
    "actual/365 9.4822 %": (
        Terms(D("100.00"), D("0.094822"), 6, date(2024, 1, 1), "actual/365", rounding="HALF_EVEN"),
        """2024-02-01 16.32 0.81 83.68
           2024-03-01 16.50 0.63 67.18
           2024-04-01 16.59 0.54 50.59
           2024-05-01 16.74 0.39 33.85
           2024-06-01 16.86 0.27 16.99
           2024-07-01 16.99 0.13 0.00""",
    ),
    "actual/365 15.678 %": (
        Terms(D("100.00"), D("0.15678"), 6, date(2024, 1, 1), "actual/365", rounding="HALF_EVEN"),
        """2024-02-01 16.10 1.33 83.90
           2024-03-01 16.38 1.05 67.52
           2024-04-01 16.53 0.90 50.99
           2024-05-01 16.77 0.66 34.22
           2024-06-01 16.97 0.46 17.25
           2024-07-01 17.25 0.22 0.00""",
    ),
    "no interest": (
        Terms(D("1000.00"), D("0"), 4, date(2024, 1, 1), "actual/365", rounding="HALF_EVEN"),
        """2024-02-01 250.00 0.00 750.00
           2024-03-01 250.00 0.00 500.00
           2024-04-01 250.00 0.00 250.00
           2024-05-01 250.00 0.00 0.00""",
    ),
    "30/360, the 31st rolls to the 1st": (
        Terms(D("10000.00"), D("0.12"), 3, date(2025, 1, 31), "30/360", "next_first", "HALF_EVEN"),
        """2025-03-01 3300.22 100.00 6699.78
           2025-03-31 3333.22 67.00 3366.56
           2025-05-01 3366.56 33.67 0.00""",
    ),
}


def test_the_published_equal_instalment_loan():
    rows = equal_installment(Terms(D("12000.00"), D("0.18"), 12, date(2025, 1, 8)))
    assert [[row.principal, row.interest, row.payment, row.balance] for row in rows] == [
        [D(cell) for cell in line.split()] for line in CN_EQUAL_PAYMENT.strip().splitlines()
    ]
    assert rows[0].payment == D("1100.16")
    assert rows[-1].payment == D("1100.19")
    assert sum(row.interest for row in rows) == D("1201.95")


@pytest.mark.parametrize("case", FINERACT)
def test_figures_of_another_servicing_system(case):
    terms, printed = FINERACT[case]
    rows = equal_installment(terms)
    assert [f"{row.due_on} {row.principal} {row.interest} {row.balance}" for row in rows] == [
        " ".join(line.split()) for line in printed.splitlines()
    ]


def test_due_dates_count_from_the_first_so_the_31st_comes_back():
    assert due_dates(date(2025, 1, 31), 3) == [date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30)]
    assert due_dates(date(2025, 1, 31), 3, "next_first") == [date(2025, 3, 1), date(2025, 3, 31), date(2025, 5, 1)]
    assert due_dates(date(2023, 12, 29), 2) == [date(2024, 1, 29), date(2024, 2, 29)]
    assert due_dates(date(2025, 12, 31), 2, "next_first") == [date(2026, 1, 31), date(2026, 3, 1)]


def test_interest_between_two_days_by_day_count():
    start, end = date(2025, 1, 31), date(2025, 3, 1)
    assert day_fraction("30/360", start, end) * 360 == 31
    assert day_fraction("actual/360", start, end) == D(29) / 360
    assert day_fraction("actual/365", start, end) == D(29) / 365


amounts = st.decimals("0.01", "200000.00", places=2)
rates = st.decimals("0", "0.36", places=6)


@given(
    amounts,
    rates,
    st.integers(1, 72),
    st.dates(date(2000, 1, 1), date(2060, 1, 1)),
    st.sampled_from(DAY_COUNTS),
    st.sampled_from(MONTH_ENDS),
)
def test_every_schedule_repays_the_principal_and_nothing_is_negative(principal, rate, periods, start, day_count, month_end):
    rows = equal_installment(Terms(principal, rate, periods, start, day_count, month_end))
    assert sum(row.principal for row in rows) == principal
    assert rows[-1].balance == 0
    assert [row.seq for row in rows] == list(range(1, periods + 1))
    assert all(row.principal >= 0 and row.interest >= 0 and row.balance >= 0 for row in rows)
    assert all(a.due_on == b.from_on and a.due_on < b.due_on for a, b in itertools.pairwise(rows))
    balances = [principal, *(row.balance for row in rows)]
    assert all(before - row.principal == row.balance for before, row in zip(balances, rows, strict=False))


@given(st.decimals("200.00", "50000.00", places=2), st.decimals("0", "0.24", places=6), st.integers(3, 72), st.sampled_from(DAY_COUNTS))
def test_all_instalments_but_the_last_are_equal_and_the_last_differs_by_rounding_only(principal, rate, periods, day_count):
    rows = equal_installment(Terms(principal, rate, periods, date(2025, 1, 31), day_count))
    assert len({row.payment for row in rows[:-1]}) == 1
    # Each of n roundings is off by half a cent at most; the early ones compound until the end.
    assert abs(rows[-1].payment - rows[0].payment) <= D("0.01") * periods * (1 + rate / 12) ** periods


@pytest.mark.parametrize(
    ("principal", "rate", "periods"),
    [("0.00", "0.1", 12), ("-5.00", "0.1", 12), ("10.005", "0.1", 12), ("10.00", "-0.1", 12), ("10.00", "0.1", 0)],
)
def test_an_impossible_schedule_is_refused(principal, rate, periods):
    with pytest.raises(ValueError):
        equal_installment(Terms(D(principal), D(rate), periods, date(2025, 1, 1)))


def test_an_unknown_day_count_is_refused():
    with pytest.raises(ValueError, match="day count"):
        equal_installment(Terms(D("10.00"), D("0.1"), 3, date(2025, 1, 1), "actual/366"))


def test_equal_shares_of_principal_keep_their_cents_in_the_family_of_the_published_figures():
    """Apache Fineract, LoanRepayment.feature line 407 at 4198b0b: 5,000.00 in 18 months with a multiple of 1; 277.78 a month, not 278."""
    terms = Terms(
        D("5000.00"), D("0.12"), 18, date(2022, 11, 1), "30/360", method="equal_principal", interest="per_period", family="cumulative",
        installment_multiple=D(1), rounding="HALF_EVEN",
    )  # fmt: skip
    rows = build(terms)
    assert [(row.principal, row.interest, row.balance) for row in rows[:3]] == [
        (D("277.78"), D("50.00"), D("4722.22")), (D("277.78"), D("47.22"), D("4444.44")), (D("277.78"), D("44.44"), D("4166.66")),
    ]  # fmt: skip
    assert [row.principal for row in build(replace(terms, family="house"))][:2] == [D("278.00"), D("278.00")]
