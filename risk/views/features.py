"""The catalogue of features: all of them, one, its figures made anew, online held against bulk."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import features, htmx
from crm.lib.features import Feature, Source
from crm.lib.permissions import needs
from risk import feature_display, feature_stats
from risk.models import FeatureStat
from risk.permissions import RUN_MONITORING, VIEW_FEATURE, VIEW_STRATEGY

SHOWN = 30  # figures of a trend


@require_GET
@needs(VIEW_FEATURE)
def feature_list(request: HttpRequest) -> HttpResponse:
    """List the features with their latest figures and who reads them."""
    at = now()
    stats = feature_stats.latest()
    context = {
        "page": feature_display.page(request, stats),
        "measured": max((one.computed_at for one in stats.values()), default=None),
        "outcome": next((one.outcome for one in stats.values() if one.outcome.get("months")), None),
        "no_outcome": bool(stats) and all(one.iv is None for one in stats.values()),
        "running": feature_stats.running(at=at),
        "may_measure": request.user.has_perm(RUN_MONITORING),
    }
    return htmx.render(request, "risk/feature_list.html", "risk/_feature_rows.html", context)


@require_POST
@needs(RUN_MONITORING)
def feature_measure(request: HttpRequest) -> HttpResponse:
    """Order the figures anew."""
    feature_stats.order(actor=request.user, at=now())
    messages.success(request, _("The figures are being made. They stand here in a moment; you may leave the page."))
    return htmx.go(request, reverse("feature-list"))


@require_GET
@needs(VIEW_FEATURE)
def feature(request: HttpRequest, name: str) -> HttpResponse:
    """Show one feature: what it means, where it comes from, how it is spread, what it tells, who reads it."""
    found, source = _find(name)
    return htmx.render(request, "risk/feature.html", "risk/feature.html", _context(request, found, source))


@require_POST
@needs(VIEW_FEATURE)
def feature_compare(request: HttpRequest, name: str) -> HttpResponse:
    """Compute the feature for a few customers both ways and say whether they agree. Changes nothing."""
    found, source = _find(name)
    compared = {"compared": feature_display.compared(found, as_of=now())}
    if htmx.wants_part(request):
        return htmx.part(request, "risk/_feature_compared.html", compared)
    return htmx.render(request, "risk/feature.html", "risk/feature.html", _context(request, found, source) | compared)


def _find(name: str) -> tuple[Feature, Source]:
    found = features.find(name)
    if found is None:
        raise Http404
    return found


def _context(request: HttpRequest, found: Feature, source: Source) -> dict[str, Any]:
    stats = list(FeatureStat.objects.filter(name=found.name).order_by("-measured_on")[:SHOWN])[::-1]
    last = stats[-1] if stats else None
    return {
        "row": feature_display.row(found, source, last, feature_display.readers([found.name]).get(found.name, [])),
        "bins": feature_display.bins(found, last) if last else [],
        "charts": feature_display.charts(found, stats) if last and last.people else [],
        "siblings": [one for one in source.features if one.name != found.name],
        "statement": source.sql.strip("\n"),
        "may_read_strategies": request.user.has_perm(VIEW_STRATEGY),
    }
