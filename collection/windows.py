"""By whose clock it is a lawful hour now: zones in which nobody may be called at a moment, by the hours of the contact policy."""

from datetime import date, datetime
from functools import lru_cache
from time import monotonic
from zoneinfo import ZoneInfo, available_timezones

from customers import contact_packs
from governance.models import LegalEntity

KEPT_SECONDS = 30
QUARTER = 15 * 60  # the zones of the world differ by quarters of an hour


def asleep(entity: LegalEntity, *, at: datetime) -> tuple[str, ...]:
    """Return the zones, "" for the lender's own among them, in which it is outside the hours of contact; () by day everywhere.

    It orders the queue and decides nothing: the gate reads the rules anew for each contact. So the hours are kept for half a minute in
    each process, and a claim does not read the whole policy.

    :raises NoRule: if the policy has no hours: without rules nobody is contacted
    """
    closed = zones_outside(int(at.timestamp()) // QUARTER, *hours_of(entity, at.astimezone(ZoneInfo(entity.zone)).date()))
    return ("", *closed) if entity.zone in closed else tuple(closed)


_kept: dict[tuple[str, date], tuple[float, tuple[int, int]]] = {}


def forget() -> None:
    """Read the hours anew from now on, in this process."""
    _kept.clear()


def hours_of(entity: LegalEntity, on: date) -> tuple[int, int]:
    """Return when contacts of a lender begin and end on a day, in minutes of the day, as they were read within the last half minute."""
    known = _kept.get((entity.code, on))
    if known is None or monotonic() - known[0] > KEPT_SECONDS:
        pack = contact_packs.held(on=on, lender=entity.code).pack
        hours = (pack.opens.hour * 60 + pack.opens.minute, pack.closes.hour * 60 + pack.closes.minute)
        known = _kept[entity.code, on] = (monotonic(), hours)
    return known[1]


@lru_cache(maxsize=64)
def zones_outside(quarter: int, opens: int, closes: int) -> frozenset[str]:
    """Return the zones whose clock stands outside `[opens, closes)`, in minutes of the day, at the beginning of a quarter of an hour."""
    at = datetime.fromtimestamp(quarter * QUARTER, tz=ZoneInfo("UTC"))
    return frozenset(name for name in zones() if not opens <= minutes(at, name) < closes)


def minutes(at: datetime, zone: str) -> int:
    local = at.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if name != "localtime"))
