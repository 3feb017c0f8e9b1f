"""Which day a moment belongs to, and whether its month is open. The business date is data of the legal entity, advanced by the close of day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from credit.models import AccountingPeriod
from crm.lib.errors import DomainError
from governance.models import LegalEntity


class PeriodClosed(DomainError):
    """The month is closed: nothing counts for a day of it any more."""

    code = "period_closed"


def local_day(entity: LegalEntity, at: datetime) -> date:
    """Return the calendar day of `at` where the legal entity is."""
    return at.astimezone(ZoneInfo(entity.zone)).date()


def value_day(entity: LegalEntity, at: datetime) -> date:
    """Return the day a movement at `at` counts for: that day, or the open business date where the books are already further.

    A day that is closed stays closed. Books that lag behind do not hold the movement back: lateness and penalty are closed
    forms of the day, so the close of an earlier date finds them as they are.
    """
    return max(entity.business_date, local_day(entity, at))


def money_day(entity: LegalEntity, at: datetime) -> date:
    """Return the day money that moves at `at` counts for.

    :raises PeriodClosed: if its month is closed
    """
    return check_open(entity, value_day(entity, at))


def check_open(entity: LegalEntity, day: date) -> date:
    """Return `day` if movements may count for it; the database refuses the others too.

    :raises PeriodClosed: if its month is closed
    """
    closed = AccountingPeriod.Status.CLOSED
    if AccountingPeriod.objects.filter(legal_entity=entity, month=day.replace(day=1), status=closed).exists():
        sentence = _("The books of %(month)s are closed: nothing can count for %(day)s. Two persons can open the month again.") % {
            "month": f"{day:%Y-%m}", "day": day.isoformat(),
        }  # fmt: skip
        raise PeriodClosed(sentence, month=f"{day:%Y-%m}")
    return day
