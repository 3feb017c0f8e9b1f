"""Scorecards: the list, a version to read, its curves."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import needs
from risk import charts, display
from risk.models import Scorecard, ScorecardVersion
from risk.permissions import VIEW_STRATEGY
from risk.views.common import chosen


@require_GET
@needs(VIEW_STRATEGY)
def scorecard_list(request: HttpRequest) -> HttpResponse:
    """List the scorecards with their live versions."""
    live = ScorecardVersion.objects.filter(status="live").defer("content")
    found = Scorecard.objects.prefetch_related(Prefetch("versions", live, to_attr="live_versions")).order_by("code")
    return htmx.render(request, "risk/scorecard_list.html", "risk/scorecard_list.html", {"scorecards": found})


@require_GET
@needs(VIEW_STRATEGY)
def scorecard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a version of a scorecard to read: figures, curves, bins, proof of equality."""
    found = get_object_or_404(Scorecard, public_id=public_id)
    versions = list(found.versions.defer("content", "metrics").order_by("-number"))
    version = chosen(request, found.versions, versions)
    context: dict[str, Any] = {"scorecard": found, "version": version, "versions": versions}
    if version:
        context |= display.card(version, get_language() or "en")
        number = f"?version={version.number}"
        context["curves"] = [
            charts.curve(version, kind) | {"src": reverse("scorecard-chart", args=[public_id, kind]) + number} for kind in charts.KINDS
        ]
    return htmx.render(request, "risk/scorecard.html", "risk/scorecard.html", context)


@require_GET
@needs(VIEW_STRATEGY)
def scorecard_chart(request: HttpRequest, public_id: str, kind: str) -> HttpResponse:
    """Give the figures of a curve for drawing."""
    found = get_object_or_404(Scorecard, public_id=public_id)
    version = chosen(request, found.versions, list(found.versions.defer("content", "metrics").order_by("-number")))
    if kind not in charts.KINDS or version is None:
        return JsonResponse({"detail": _("There is no such chart.")}, status=404)
    return JsonResponse(charts.curve(version, kind))
