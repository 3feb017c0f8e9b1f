"""Which days a contract counts as closed. Calendars change from year to year; a contract keeps the one it was made under.

`Terms.special_days` are the days on which the calendar differs from the plain week: holidays from Monday to Friday, and weekends worked in
their place (调休). With them the due dates of a loan come out the same whenever it is played.
"""

from collections.abc import Callable
from datetime import date, timedelta

from credit.terms import Terms
from crm.lib.dates import is_business_day

WEEKEND = 5
SPARE = timedelta(days=400)  # a schedule moved later goes on beyond its first end


def special_days(first: date, last: date, calendar: str = "CN") -> tuple[date, ...]:
    """Return the days from `first` to somewhat after `last` on which offices work otherwise than by the week.

    :raises ValueError: for a calendar that is not known
    """
    days = (first + timedelta(days=n) for n in range((last + SPARE - first).days))
    return tuple(day for day in days if is_business_day(day, calendar) != (day.weekday() < WEEKEND))


def closed(terms: Terms) -> Callable[[date], bool] | tuple[()]:
    """Return what tells the days closed under `terms`; nothing where due dates do not move."""
    if terms.holiday_shift == "none":
        return ()
    special = frozenset(terms.special_days)
    return lambda day: (day.weekday() >= WEEKEND) != (day in special)
