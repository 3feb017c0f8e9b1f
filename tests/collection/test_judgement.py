"""Whether a promise was kept, as examples of the policy and as properties of the rule."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.judgement import Part, Payment, judge

DUE = date(2025, 6, 10)
POLICY: dict[str, Any] = {"grace_days": 1, "tolerance": D("1.00")}


def day(number: int) -> date:
    return DUE + timedelta(days=number)


@pytest.mark.parametrize(
    ("paid", "closed", "state"),
    [
        ([(-1, "500.00")], -1, "kept"),  # at once, not only on the day
        ([(1, "499.50")], 0, "kept"),  # inside grace and tolerance
        ([(1, "499.00")], 1, "kept"),  # the tolerance to the cent
        ([(1, "498.99")], 1, "broken"),
        ([(0, "200.00")], 0, "partial"),
        ([(0, "200.00")], 1, "broken"),  # the grace is over
        ([], 0, "open"),
        ([], 1, "broken"),
        ([(2, "500.00")], 1, "broken"),  # too late by a day
        ([(0, "500.00"), (1, "-500.00")], 0, "open"),  # taken back
        ([(0, "300.00"), (1, "200.00")], 1, "kept"),
    ],
)
def test_cases_of_the_policy(paid: list[tuple[int, str]], closed: int, state: str) -> None:
    found = judge([Part(DUE, D("500.00"))], [Payment(day(n), D(amount)) for n, amount in paid], closed=day(closed), **POLICY)
    assert found.state == state


def test_a_promise_in_parts_is_broken_with_the_first_that_lacks() -> None:
    parts = [Part(DUE, D("300.00")), Part(day(7), D("200.00"))]
    first = [Payment(DUE, D("300.00"))]
    assert judge(parts, [], closed=day(1), **POLICY).state == "broken"
    assert judge(parts, first, closed=day(1), **POLICY) == judge(parts, first, closed=day(7), **POLICY)
    assert judge(parts, first, closed=day(7), **POLICY).state == "partial"
    assert judge(parts, first, closed=day(8), **POLICY).state == "broken"
    assert judge(parts, [Payment(DUE, D("500.00"))], closed=day(1), **POLICY).state == "kept"
    assert judge(list(reversed(parts)), first, closed=day(1), **POLICY).state == "partial"


def test_nothing_promised_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="without parts"):
        judge([], [], closed=DUE, **POLICY)


amounts = st.integers(200, 500_000).map(lambda cents: D(cents) / 100)
offsets = st.integers(-5, 40)
some_parts = st.lists(st.tuples(offsets, amounts), min_size=1, max_size=5, unique_by=lambda part: part[0]).map(
    lambda rows: [Part(day(n), amount) for n, amount in rows]
)
some_payments = st.lists(st.tuples(offsets, amounts), max_size=8).map(lambda rows: [Payment(day(n), amount) for n, amount in rows])
policies = st.fixed_dictionaries({"grace_days": st.integers(0, 5), "tolerance": st.integers(0, 199).map(lambda cents: D(cents) / 100)})
ORDER = {"broken": 0, "open": 1, "partial": 2, "kept": 3}


@given(some_parts, some_payments, offsets, policies)
def test_more_money_never_worsens(parts: Any, payments: Any, closed: int, policy: Any) -> None:
    less = judge(parts, payments[1:], closed=day(closed), **policy)
    more = judge(parts, payments, closed=day(closed), **policy)
    assert ORDER[more.state] >= ORDER[less.state]


@given(some_parts, some_payments, offsets, policies, st.randoms())
def test_neither_order_nor_splitting_matters(parts: Any, payments: Any, closed: int, policy: Any, rng: Any) -> None:
    split = [half for each in payments for half in (Payment(each.value_on, D("0.01")), Payment(each.value_on, each.amount - D("0.01")))]
    rng.shuffle(split)
    shuffled = list(parts)
    rng.shuffle(shuffled)
    assert judge(shuffled, split, closed=day(closed), **policy) == judge(parts, payments, closed=day(closed), **policy)


@given(some_parts, some_payments, offsets, policies)
def test_each_state_means_what_it_says(parts: Any, payments: Any, closed: int, policy: Any) -> None:
    grace, tolerance = policy["grace_days"], policy["tolerance"]
    found = judge(parts, payments, closed=day(closed), **policy)
    deadlines = sorted(part.due_on + timedelta(days=grace) for part in parts)
    promised = sum(part.amount for part in parts)
    in_time = sum((each.amount for each in payments if each.value_on <= deadlines[-1]), D(0))
    if deadlines[0] > day(closed):
        assert found.state != "broken", "no grace is over yet"
    if deadlines[-1] <= day(closed):
        assert found.state in ("kept", "broken"), "nothing is left to wait for"
    if found.state == "kept":
        assert in_time >= promised - tolerance
    if found.state == "open":
        assert in_time == 0
    if found.state == "partial":
        assert 0 < in_time < promised - tolerance


@given(some_parts, offsets, policies)
def test_who_pays_each_part_on_its_day_keeps_the_promise(parts: Any, closed: int, policy: Any) -> None:
    payments = [Payment(part.due_on, part.amount) for part in parts]
    assert judge(parts, payments, closed=day(closed), **policy).state == "kept"


@given(some_parts, some_payments, st.integers(0, 40), st.integers(0, 40), policies)
def test_an_end_is_an_end(parts: Any, payments: Any, first: int, more: int, policy: Any) -> None:
    """Payments that were known stay known: kept and broken do not change by the mere passing of days."""
    known = [each for each in payments if each.value_on <= day(first)]
    then = judge(parts, known, closed=day(first), **policy)
    later = judge(parts, known, closed=day(first + more), **policy)
    if then.state in ("kept", "broken"):
        assert later == then
