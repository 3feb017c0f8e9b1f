"""Lateness: published figures, the edges of buckets and grace, and the closed form against day-by-day reasoning."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.accrual import Late, bucket, bucket_name, days_past_due, penalty

DUE = date(2025, 6, 8)


def late(principal="966.40", base="0.00", due_on=DUE, since=None, owed=None):
    return Late(due_on, D(principal), D(owed if owed is not None else principal), D(base), since or due_on)


def test_the_published_penalty():
    """PBoC 2003/251 as quoted: overdue principal 966.40, contract 18 % × 1.5 = 27 % / 360, 40 days: 28.99."""
    assert penalty(late(), annual_rate=D("0.27"), as_of=DUE + timedelta(40)) == D("28.99")


def test_due_on_the_8th_paid_on_the_10th_is_two_days():
    assert [days_past_due([late()], as_of=DUE + timedelta(n)) for n in (-1, 0, 1, 2)] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("dpd", "name"),
    [
        (0, "M0"),
        (1, "M1"),
        (30, "M1"),
        (31, "M2"),
        (60, "M2"),
        (61, "M3"),
        (90, "M3"),
        (91, "M4"),
        (120, "M4"),
        (121, "M5"),
        (150, "M5"),
        (151, "M6"),
        (180, "M6"),
        (181, "M7+"),
        (1000, "M7+"),
    ],
)
def test_buckets(dpd, name):
    assert bucket_name(bucket(dpd)) == name


@pytest.mark.parametrize(("days", "dpd", "owed"), [(0, 0, "0.00"), (3, 0, "0.00"), (4, 4, "2.90"), (40, 40, "28.99")])
def test_inside_the_grace_nothing_and_once_missed_from_the_due_date(days, dpd, owed):
    as_of = DUE + timedelta(days)
    assert days_past_due([late()], as_of=as_of, grace_days=3) == dpd
    assert penalty(late(), annual_rate=D("0.27"), as_of=as_of, grace_days=3) == D(owed)


def test_the_oldest_unpaid_instalment_counts_and_penalty_alone_is_not_lateness():
    later = DUE + timedelta(30)
    paid = late(owed="0.00", principal="0.00", base="4.20")
    assert days_past_due([late(due_on=later), late()], as_of=DUE + timedelta(45)) == 45
    assert days_past_due([late(due_on=later), paid], as_of=DUE + timedelta(45)) == 15
    assert days_past_due([paid], as_of=DUE + timedelta(45)) == 0
    assert days_past_due([], as_of=DUE) == 0


@given(
    st.decimals("0.01", "99999.99", places=2),
    st.decimals("0", "0.36", places=6),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(0, 10),
)
def test_penalty_never_falls_and_a_split_of_the_days_differs_by_a_cent_at_most(principal, rate, first, more, grace):
    whole = late(str(principal))
    as_of = DUE + timedelta(first + more)
    once = penalty(whole, annual_rate=rate, as_of=as_of, grace_days=grace)
    base = penalty(whole, annual_rate=rate, as_of=DUE + timedelta(first), grace_days=grace)
    assert once >= base >= 0
    if first > grace:
        rest = late(str(principal), base=str(base), since=DUE + timedelta(first))
        assert abs(penalty(rest, annual_rate=rate, as_of=as_of, grace_days=grace) - once) <= D("0.01")


@given(st.integers(0, 1000))
def test_buckets_only_rise_with_days(dpd):
    assert 0 <= bucket(dpd) <= bucket(dpd + 1) <= 7
