"""Monitoring: the grid of all versions, one version in full, a run by hand."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx
from crm.lib.permissions import needs
from governance.asked import Asked
from risk import monitor_pages, monitor_rules
from risk.models import RiskAlert, Scorecard, ScorecardVersion, Strategy, StrategyVersion
from risk.monitor_tasks import run_monitoring
from risk.permissions import RUN_MONITORING, VIEW_MONITORING
from risk.views.common import chosen

SHOWN = 6  # alerts on a page; the list has all


@require_GET
@needs(VIEW_MONITORING)
def monitoring(request: Asked) -> HttpResponse:
    """Show every version by month, what moved, how it ranks, what people and time make of it, and what is out of bounds."""
    today = localdate()
    held = monitor_rules.holding(today)
    lines = monitor_pages.grid(monitor_pages.runs(until=today), until=today, held=held)
    card = next((line for line in lines if line.is_card), None)
    strategy = next((line for line in lines if not line.is_card), None)
    charts = []
    if card:
        charts += [monitor_pages.shift_lines(card, held), monitor_pages.ranking_lines(card)]
    if strategy:
        charts += [monitor_pages.shift_lines(strategy, held), monitor_pages.verdict_lines(strategy), monitor_pages.latency_lines(strategy)]
    standing = RiskAlert.objects.visible_to(request.user).standing()
    found = standing.for_list().exclude(kind=RiskAlert.Kind.EARLY_WARNING).order_by("level", "-pk")[:SHOWN]
    context = {
        "months": monitor_pages.labels(monitor_pages.months_until(today)), "lines": lines, "alerts": monitor_pages.alert_rows(found),
        "charts": [(f"chart-{n}", each) for n, each in enumerate(charts)], "held": held, "standing": standing.count(),
        "may_run": request.user.has_perm(RUN_MONITORING), "on": max((line.last.on for line in lines if line.last), default=None),
        "may_compare": request.user.has_perm("risk.view_override_outcome"),
    }  # fmt: skip
    return htmx.render(request, "risk/monitoring.html", "risk/monitoring.html", context)


@require_GET
@needs(VIEW_MONITORING)
def monitoring_model(request: Asked, public_id: str) -> HttpResponse:
    """Show a version of a scorecard: features, scores, ranking, calibration, how each band turned out."""
    parent = get_object_or_404(Scorecard, public_id=public_id)
    rows = ScorecardVersion.objects.filter(scorecard=parent).select_related("scorecard").defer("content", "metrics")
    versions = list(rows.order_by("-number"))
    version = chosen(request, rows, versions)
    return _version(request, parent, version, versions, scorecard_version=version)


@require_GET
@needs(VIEW_MONITORING)
def monitoring_strategy(request: Asked, public_id: str) -> HttpResponse:
    """Show a version of a strategy: facts, verdicts, what people made of referrals, how long it takes."""
    parent = get_object_or_404(Strategy, public_id=public_id)
    rows = StrategyVersion.objects.filter(strategy=parent).select_related("strategy").defer("graph", "input_schema", "reasons")
    versions = list(rows.order_by("-number"))
    version = chosen(request, rows, versions)
    return _version(request, parent, version, versions, strategy_version=version)


def _version(request: Asked, parent: Any, version: Any, versions: list[Any], **of: Any) -> HttpResponse:
    today = localdate()
    held = monitor_rules.holding(today)
    lines = monitor_pages.grid(monitor_pages.runs(until=today, **of), until=today, held=held) if version else []
    line = lines[0] if lines else None
    cell = next((one for one in line.cells if f"{one.month:%Y-%m}" == request.GET.get("month") and one.run), None) if line else None
    run = cell.run if cell else line.last if line else None
    charts: list[Any] = []
    if line and run:
        charts.append(monitor_pages.shift_lines(line, held))
        if line.is_card:
            charts += [monitor_pages.score_bars(run), monitor_pages.ranking_lines(line)]
            charts += [monitor_pages.calibration_bars(run.figures[name]) for name in ("full", "early")]
            charts.append(monitor_pages.vintage_lines(run.figures["early"]))
        else:
            charts += [monitor_pages.verdict_lines(line), monitor_pages.latency_lines(line)]
    found = RiskAlert.objects.visible_to(request.user).filter(**of).for_list().order_by("status", "-pk")[:SHOWN] if version else []
    context = {
        "parent": parent, "version": version, "versions": versions, "line": line, "run": run, "held": held,
        "features": monitor_pages.feature_rows(run, held) if run else [], "alerts": monitor_pages.alert_rows(found),
        "charts": [(f"chart-{n}", each) for n, each in enumerate(each for each in charts if each)],
        "measures": [run.figures[name] for name in ("early", "full")] if run and line and line.is_card else [],
    }  # fmt: skip
    return htmx.render(request, "risk/monitoring_version.html", "risk/monitoring_version.html", context)


@require_POST
@needs(RUN_MONITORING)
def monitoring_run(request: Asked) -> HttpResponse:
    """Have the figures as of today counted by a worker."""
    run_monitoring.delay(on=localdate(now()).isoformat(), actor=request.user.pk)
    messages.success(request, _("The figures are being counted; they stand here in a minute."))
    return htmx.go(request, reverse("monitoring"))
