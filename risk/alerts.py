"""Doors of alerts: one stands for a cause at a time; a later day renews it, raises it or notes that it has passed; a person closes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.lifecycle import move
from ledger import log
from risk.models import RiskAlert, ScorecardVersion, StrategyVersion

Status = RiskAlert.Status
STEP = Decimal("0.000001")
RANK = {"": 0, RiskAlert.Level.WATCH: 1, RiskAlert.Level.ACT: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that left its bounds: what, how far, and where the bound lay."""

    kind: str
    level: str
    value: Any
    threshold: Any
    feature: str = ""


def settle(version: ScorecardVersion | StrategyVersion, findings: Iterable[Finding], *, on: date, at: datetime, actor: Any) -> None:
    """Let the alerts of a version say what was found on `on`: new ones open, standing ones are renewed, the others have passed.

    One statement reads and one writes the standing ones; each new alert has its own entry.
    """
    about = f"{version._meta.label_lower}:{version.pk}"
    key = {"scorecard_version" if isinstance(version, ScorecardVersion) else "strategy_version": version}
    found = {f"{each.kind}|{about}|{each.feature}": each for each in findings}
    _settle(RiskAlert.objects.filter(**key), found, on=on, at=at, actor=actor, about=lambda _cause: key)


def warn(findings: Mapping[int, Finding | None], *, on: date, at: datetime, actor: Any) -> None:
    """Open or renew the early warnings of customers; of whom nothing is found any more, note that it has passed. Two statements."""
    rows = RiskAlert.objects.filter(customer__in=list(findings), kind=RiskAlert.Kind.EARLY_WARNING)
    named = {f"{finding.kind}|customers.customer:{who}|": (who, finding) for who, finding in findings.items() if finding is not None}
    found = {cause: finding for cause, (_who, finding) in named.items()}
    _settle(rows, found, on=on, at=at, actor=actor, about=lambda cause: {"customer_id": named[cause][0]})


@transaction.atomic
def _settle(rows: Any, found: dict[str, Finding], *, on: date, at: datetime, actor: Any, about: Callable[[str], dict[str, Any]]) -> None:
    standing = {alert.cause: alert for alert in rows.filter(status__in=RiskAlert.STANDING).select_for_update(of=("self",))}
    for cause, alert in standing.items():
        finding = found.get(cause)
        if finding is None:
            alert.passed_on = alert.passed_on or on
            continue
        raised = RANK[finding.level] > RANK[alert.level]
        alert.level, alert.value, alert.threshold = finding.level, exact(finding.value), exact(finding.threshold)
        alert.seen_on, alert.passed_on = on, None
        if raised:
            log.record("risk.alert.raised", alert, actor=actor, at=at, level=alert.level, value=alert.value, threshold=alert.threshold)
    RiskAlert.objects.bulk_update(standing.values(), ["level", "value", "threshold", "seen_on", "passed_on"])
    for cause, finding in found.items():
        if cause not in standing:
            _open(cause, finding, on=on, at=at, actor=actor, **about(cause))


def _open(cause: str, finding: Finding, *, on: date, at: datetime, actor: Any, **about: Any) -> None:
    alert = RiskAlert(
        cause=cause, kind=finding.kind, level=finding.level, feature=finding.feature, value=exact(finding.value),
        threshold=exact(finding.threshold), opened_at=at, seen_on=on, **about,
    )  # fmt: skip
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
    except IntegrityError:  # another run was faster: one stands
        return
    log.record(
        "risk.alert.opened", alert, actor=actor, at=at, alert=alert.public_id, kind=alert.kind, level=alert.level, feature=alert.feature,
        value=alert.value, threshold=alert.threshold, cause=cause,
    )  # fmt: skip


@transaction.atomic
def acknowledge(alert: RiskAlert, *, actor: Any, at: datetime) -> RiskAlert:
    """Take an alert in hand.

    :raises IllegalMove: if it is not open
    :raises MovedMeanwhile: if somebody else was faster
    """
    return move(alert, Status.ACKNOWLEDGED, actor=actor, at=at, event="risk.alert.acknowledged", acknowledged_by=actor, acknowledged_at=at)


@transaction.atomic
def close(alert: RiskAlert, *, reason: str, actor: Any, at: datetime, words: str = "") -> RiskAlert:
    """Close an alert with a reason from the list and, if one likes, words. Found again, it opens as another.

    :raises Invalid: without a reason of the list
    :raises IllegalMove: if it is closed already
    :raises MovedMeanwhile: if somebody else was faster
    """
    if reason not in RiskAlert.Reason:
        raise Invalid(_("Choose why it is closed."), fields={"reason": _("Choose why it is closed.")})
    done = move(
        alert,
        Status.CLOSED,
        actor=actor,
        at=at,
        event="risk.alert.closed",
        closed_by=actor,
        closed_at=at,
        reason=reason,
        facts={"reason": reason},
    )
    if words.strip():
        done.words = words.strip()[:2000]
        done.save(update_fields=["words"])
    return done


def exact(value: Any) -> Decimal:
    """Return a statistic as it is stored: to six places."""
    return Decimal(str(value)).quantize(STEP)
