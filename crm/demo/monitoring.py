"""Monitoring of the demonstration: the figures of each month's end, as the daily job would have counted them, and alerts that were answered."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm.lib.dates import add_months
from governance import users
from governance.models import LegalEntity, User
from risk import alerts, behaviour, behaviour_training, limit_proposals, monitoring, portfolio, registry
from risk.models import LimitProposal, RiskAlert
from risk.registry import UnfitData

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
    told = behaviour_scores(entity, today=today, staff=staff)
    return f"{made} runs of monitoring, {RiskAlert.objects.count()} alerts; {told}"


def behaviour_scores(entity: LegalEntity, *, today: date, staff: dict[str, User]) -> str:
    """Train the behaviour score on this house's own borrowers, score the last month's end and today, decide two proposals."""
    zone, system = ZoneInfo(entity.zone), users.system()
    at = datetime.combine(today, time(8), tzinfo=zone)
    try:
        version = behaviour_training.train(until=today, months=6, actor=system, at=at)
    except UnfitData as few:  # a tenth of the demonstration has too few who fell behind
        return f"no behaviour score: {few}"
    registry.make_live(version, actor=system, at=at)
    on = today.replace(day=1) - timedelta(days=1)
    behaviour.monthly(on=on, at=datetime.combine(on + timedelta(days=1), time(5), tzinfo=zone), actor=system)
    portfolio.score(version, as_of=at, at=at, actor=system)
    for proposal, consents in zip(LimitProposal.objects.filter(status="open").order_by("direction", "pk")[:2], (True, False), strict=False):
        if proposal.direction == "down" or consents:
            told: dict[str, Any] = {"consent_on": today, "consent_channel": "phone"} if proposal.direction == "up" else {}
            limit_proposals.approve(proposal, actor=staff["underwriter"], at=at + timedelta(hours=3), **told)
    held = version.metrics["holdout"]
    return f"behaviour score of hold-out AUC {held['auc']:.3f}, {LimitProposal.objects.count()} limits proposed"
