"""Strategies: the list, and a version to read."""

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import needs
from risk import display
from risk.models import Strategy, StrategyVersion
from risk.permissions import VIEW_STRATEGY
from risk.views.common import chosen


@require_GET
@needs(VIEW_STRATEGY)
def strategy_list(request: HttpRequest) -> HttpResponse:
    """List the strategies with their live versions."""
    live = StrategyVersion.objects.filter(status="live").defer("graph", "input_schema", "reasons")
    found = Strategy.objects.prefetch_related(Prefetch("versions", live, to_attr="live_versions")).order_by("code")
    return htmx.render(request, "risk/strategy_list.html", "risk/strategy_list.html", {"strategies": found})


@require_GET
@needs(VIEW_STRATEGY)
def strategy(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a version of a strategy to read: stages, tables, declared facts, versions."""
    found = get_object_or_404(Strategy, public_id=public_id)
    versions = list(found.versions.defer("graph", "input_schema", "reasons").order_by("-number"))
    version = chosen(request, found.versions, versions)
    language = get_language() or "en"
    context = {
        "strategy": found,
        "version": version,
        "versions": versions,
        "stages": display.policy(version, language) if version else [],
        "facts": display.declared(version, language) if version else [],
        "decided": version.decisions.aggregate(
            all=Count("id"),
            approved=Count("id", filter=Q(outcome="approve")),
            referred=Count("id", filter=Q(outcome="refer")),
            declined=Count("id", filter=Q(outcome="decline")),
        ) if version else {},
    }  # fmt: skip
    return htmx.render(request, "risk/strategy.html", "risk/strategy.html", context)
