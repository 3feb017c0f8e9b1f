"""At which minute a message leaves: spread over the allowed hours instead of all at once, at a customer's best hour where it is known."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.lib.registry import Registry
from governance import rules
from governance.models import Rule

SPREAD = "message.spread_minutes"
HOUR = timedelta(hours=1)
# The same in both places: a customer has one minute a day, whichever worker plans it. Expects {customer}, {day} and {minutes}.
SQL = "(('x' || left(md5({customer} || ':' || {day}), 8))::bit(32)::bigint %% {minutes})::int"

# Who learned it says a customer's best hour of the day (0–23, by their clock); asked once for a set, in a constant number of queries.
BEST: Registry[Callable[[Collection[int]], Mapping[int, int]]] = Registry("best hour of a customer")


def offset(customer_id: int, day: date, minutes: int) -> int:
    """Return a customer's minute of a day in [0, minutes): always the same, and evenly spread over the customers."""
    found = hashlib.md5(f"{customer_id}:{day.isoformat()}".encode(), usedforsecurity=False).hexdigest()[:8]
    return int(found, 16) % max(minutes, 1)


def minutes_on(day: date) -> int:
    """Return over how many minutes messages are spread that leave from one moment on; 1 where no rule says so."""
    found = Rule.objects.filter(code=SPREAD, effective_from__lte=day).order_by("-effective_from").values_list("value", flat=True).first()
    return max(int(found), 1) if found is not None else 1


def best_of(customer_ids: Collection[int]) -> dict[int, int]:
    """Return the best hour of each customer of whom it is known."""
    found: dict[int, int] = {}
    for read in BEST.values():
        found = {**read(customer_ids), **found}
    return {pk: hour for pk, hour in found.items() if 0 <= hour <= 23}


def moment(customer_id: int, *, after: datetime, zone: ZoneInfo, minutes: int, best: int | None = None) -> datetime:
    """Return when a message leaves that may leave from `after` on: within `minutes`, or within the customer's best hour if it is to come."""
    day = after.astimezone(zone).date()
    if best is not None:
        hour = datetime.combine(day, time(best), tzinfo=zone)
        if hour + HOUR > after:
            return max(after, hour + timedelta(minutes=offset(customer_id, day, 60)))
    return after + timedelta(minutes=offset(customer_id, day, minutes))


def seed() -> None:
    rules.put(
        SPREAD, value=60, unit="minutes", effective_from=date(2020, 1, 1), verification=Rule.Verification.POLICY,
        meaning_en="Minutes over which messages are spread that may leave from one moment on", meaning_zh="可同时发送的消息的分散发送时长（分钟）",
    )  # fmt: skip
