"""Months with an anchor, days of 30/360, ages; without a clock."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import dates, integers

from crm.lib.dates import add_months, age_on, business_day, days_360

DAYS = dates(date(1950, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "anchor", "expected"),
    [
        (date(2026, 1, 31), 1, None, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, None, date(2026, 3, 31)),
        (date(2028, 1, 31), 1, None, date(2028, 2, 29)),
        (date(2026, 2, 28), 1, 31, date(2026, 3, 31)),
        (date(2026, 2, 28), 1, None, date(2026, 3, 28)),
        (date(2026, 12, 15), 1, None, date(2027, 1, 15)),
        (date(2026, 1, 15), -1, None, date(2025, 12, 15)),
        (date(2024, 2, 29), 12, None, date(2025, 2, 28)),
        (date(2026, 5, 5), 0, 31, date(2026, 5, 31)),
    ],
)
def test_months_keep_their_anchor(day: date, months: int, anchor: int | None, expected: date) -> None:
    assert add_months(day, months, anchor) == expected


@given(DAYS, integers(-600, 600))
def test_a_month_is_one_month(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved.day < day.day and (moved + timedelta(days=1)).day == 1)


@given(DAYS, integers(0, 120), integers(0, 120))
def test_with_an_anchor_two_steps_are_one_step(day: date, first: int, second: int) -> None:
    once = add_months(day, first + second, day.day)
    twice = add_months(add_months(day, first, day.day), second, day.day)
    assert once == twice


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        # ISDA 2006 section 4.16(f), "30/360 bond basis": cases of the definition's own rule
        (date(2026, 1, 15), date(2026, 2, 15), 30),
        (date(2026, 1, 30), date(2026, 1, 31), 0),
        (date(2026, 1, 31), date(2026, 3, 31), 60),
        (date(2026, 1, 29), date(2026, 1, 31), 2),
        (date(2026, 2, 28), date(2026, 3, 31), 33),
        (date(2026, 1, 1), date(2027, 1, 1), 360),
        (date(2026, 1, 1), date(2026, 1, 1), 0),
    ],
)
def test_days_of_30_360(start: date, end: date, days: int) -> None:
    assert days_360(start, end) == days


@given(DAYS, integers(1, 360))
def test_a_month_of_30_360_has_thirty_days(day: date, months: int) -> None:
    start = day.replace(day=min(day.day, 28))
    assert days_360(start, add_months(start, months)) == 30 * months


@given(DAYS)
def test_an_age_grows_on_the_birthday(born: date) -> None:
    birthday = add_months(born, 12 * 30)
    if birthday.day == born.day:
        assert age_on(born, birthday) == 30
        assert age_on(born, birthday - timedelta(days=1)) == 29


@pytest.mark.parametrize(
    ("day", "shift", "expected"),
    [
        # State Council notice for 2026: National Day 1-7 October; Saturday 10 October is worked in exchange, so are 14 February and 4 January
        ("2026-10-01", "next", "2026-10-08"),
        ("2026-10-01", "previous", "2026-09-30"),
        ("2026-10-01", "none", "2026-10-01"),
        ("2026-10-10", "next", "2026-10-10"),
        ("2026-02-14", "next", "2026-02-14"),
        ("2026-03-07", "next", "2026-03-09"),
        ("2026-11-18", "next", "2026-11-18"),
    ],
)
def test_a_day_moves_to_a_business_day_of_the_chinese_calendar(day: str, shift: str, expected: str) -> None:
    assert business_day(date.fromisoformat(day), shift) == date.fromisoformat(expected)


def test_an_unknown_calendar_or_shift_is_refused() -> None:
    for call in (lambda: business_day(date(2026, 1, 1), "sideways"), lambda: business_day(date(2026, 1, 1), "next", "XX")):
        with pytest.raises(ValueError, match="unknown"):
            call()
