"""Monitoring of the demonstration: the figures of each month's end, as the daily job would have counted them, and alerts that were answered."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.lib.dates import add_months
from governance import users
from governance.models import LegalEntity, User
from risk import alerts, monitoring
from risk.models import RiskAlert

MONTHS = 12


def fill(entity: LegalEntity, *, today: date, staff: dict[str, User]) -> str:
    """Count the figures of the last months and of today; take one alert in hand, close one."""
    zone, system = ZoneInfo(entity.zone), users.system()
    ends = [add_months(today.replace(day=1), back) - timedelta(days=1) for back in range(1 - MONTHS, 1)]
    made = 0
    for day in (*ends, today):
        made += len(monitoring.run(on=day, at=datetime.combine(day, time(21), tzinfo=zone), actor=system))
    at = datetime.combine(today, time(17), tzinfo=zone)
    found = list(RiskAlert.objects.standing().order_by("-passed_on", "pk")[:2])
    for alert in found:
        alerts.acknowledge(alert, actor=staff["analyst"], at=at)
    for alert in found[1:]:
        alerts.close(alert, reason="explained", words="More young applicants after the campaign of the month.", actor=staff["risk"], at=at)
    return f"{made} runs of monitoring, {RiskAlert.objects.count()} alerts"
