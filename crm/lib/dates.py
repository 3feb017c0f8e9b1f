"""Calendar arithmetic without a clock: months with an anchor day, day counts."""

import calendar
from datetime import date, timedelta
from functools import lru_cache

import holidays


def add_months(day: date, months: int, anchor_day: int | None = None) -> date:
    """Return `day` moved by `months`, on `anchor_day` or the month's last day when it is shorter.

    The anchor keeps the 31st: 31 Jan + 1 = 28 Feb, and + 2 = 31 Mar.
    """
    anchor = anchor_day or day.day
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    # Asking the calendar costs more than all the rest of a schedule's row, and no month is shorter than this.
    return date(year, month, anchor if anchor <= 28 else min(anchor, calendar.monthrange(year, month)[1]))


def days_360(start: date, end: date) -> int:
    """Return days between by the 30/360 bond basis (ISDA 2006 section 4.16(f))."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first


def age_on(born: date, day: date) -> int:
    """Return completed years of life on `day`."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_business_day(day: date, calendar_code: str = "CN") -> bool:
    """Return whether offices work on `day`: not at week-ends and holidays, but on week-ends that are made up for a holiday (调休).

    The calendar is the `holidays` library's; a year it was not yet told has the fixed holidays only.

    :raises ValueError: for a calendar it does not know
    """
    return _calendar(calendar_code, day.year).is_working_day(day)


def business_day(day: date, shift: str = "next", calendar_code: str = "CN") -> date:
    """Return `day`, or the business day `next` to it or `previous` to it when it is none; `none` leaves it.

    :raises ValueError: for another shift or an unknown calendar
    """
    if shift not in ("none", "next", "previous"):
        raise ValueError(f"unknown shift {shift!r}")
    if shift == "none":
        return day
    step = timedelta(days=1 if shift == "next" else -1)
    while not is_business_day(day, calendar_code):
        day += step
    return day


@lru_cache(maxsize=64)
def _calendar(code: str, year: int) -> holidays.HolidayBase:
    try:
        return holidays.country_holidays(code, years=year)
    except NotImplementedError as error:
        raise ValueError(f"unknown calendar {code!r}") from error
