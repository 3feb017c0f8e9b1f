"""By whose clock it is a lawful hour now: zones in which nobody may be called at a moment, by the hours of the contact policy."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from customers import contact_packs
from governance.models import LegalEntity

QUARTER = 15 * 60  # the zones of the world differ by quarters of an hour


def asleep(entity: LegalEntity, *, at: datetime) -> tuple[str, ...]:
    """Return the zones, "" for the lender's own among them, in which it is outside the hours of contact; () by day everywhere.

    :raises NoRule: if the policy has no hours: without rules nobody is contacted
    """
    pack = contact_packs.held(on=at.astimezone(ZoneInfo(entity.zone)).date(), lender=entity.code).pack
    closed = zones_outside(
        int(at.timestamp()) // QUARTER, pack.opens.hour * 60 + pack.opens.minute, pack.closes.hour * 60 + pack.closes.minute
    )
    return ("", *closed) if entity.zone in closed else tuple(closed)


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
