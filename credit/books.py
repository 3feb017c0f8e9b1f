"""Which day a moment belongs to. The business date is data of the legal entity, advanced by the close of day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from governance.models import LegalEntity


def local_day(entity: LegalEntity, at: datetime) -> date:
    """Return the calendar day of `at` where the legal entity is."""
    return at.astimezone(ZoneInfo(entity.zone)).date()


def value_day(entity: LegalEntity, at: datetime) -> date:
    """Return the day a movement at `at` counts for: that day, or the open business date where the books are already further.

    A day that is closed stays closed. Books that lag behind do not hold the movement back: lateness and penalty are closed
    forms of the day, so the close of an earlier date finds them as they are.
    """
    return max(entity.business_date, local_day(entity, at))
