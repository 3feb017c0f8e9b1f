"""Pages of risk: decisions with trace and replay, strategies and scorecards to read."""

from typing import Any

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_filters import ChoiceFilter, FilterSet

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from risk import charts, decisions, display
from risk.models import Decision, Scorecard, ScorecardVersion, Strategy, StrategyVersion
from risk.permissions import REPLAY_DECISION, VIEW_DECISION, VIEW_STRATEGY


class DecisionFilter(FilterSet):
    outcome = ChoiceFilter(label=display.OUTCOME, choices=Decision.Outcome.choices, empty_label=display.ANY)
    grade = ChoiceFilter(label=display.GRADE, choices=[(letter, letter) for letter in "ABCDE"], empty_label=display.ANY)

    class Meta:
        model = Decision
        fields = ("outcome", "grade")


@require_GET
@needs(REPLAY_DECISION)
def decision_list(request: HttpRequest) -> HttpResponse:
    """List decisions, newest first."""
    found = Decision.objects.visible_to(request.user).for_list()
    sorts = {"made": "id", "score": "score", "limit": "limit"}
    page = pages.read(request, found, sorts=sorts, default_sort="-made", filters=DecisionFilter)
    return htmx.render(
        request, "risk/decision_list.html", "risk/_decision_rows.html", {"page": page, "one_by_one": request.user.scope != "all"}
    )


@require_GET
@needs(VIEW_DECISION)
def decision(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one decision: verdict, reasons, stages, points, versions. The part is a panel for pages of other apps."""
    found = decisions.get_for(request.user, public_id)
    return htmx.render(request, "risk/decision.html", "risk/_decision.html", _decision_context(request, found))


@require_POST
@needs(REPLAY_DECISION)
def decision_replay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Run a decision again and say whether the verdict is the same. Changes nothing."""
    found = decisions.get_for(request.user, public_id)
    context = {"decision": found, "difference": decisions.replayed(found), "replayed": True}
    if htmx.wants_part(request):
        return htmx.part(request, "risk/_replay.html", context)
    return htmx.render(request, "risk/decision.html", "risk/_decision.html", _decision_context(request, found) | context)


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
    version = _chosen(request, found.versions, versions)
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
    version = _chosen(request, found.versions, versions)
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
    version = _chosen(request, found.versions, list(found.versions.defer("content", "metrics").order_by("-number")))
    if kind not in charts.KINDS or version is None:
        return JsonResponse({"detail": _("There is no such chart.")}, status=404)
    return JsonResponse(charts.curve(version, kind))


def _chosen(request: HttpRequest, all_versions: Any, versions: list[Any]) -> Any:
    """Return the version the address asks for, else the live one, else the newest."""
    asked = request.GET.get("version", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 6:
        return get_object_or_404(all_versions, number=int(asked))
    best = next((one for one in versions if one.status == "live"), versions[0] if versions else None)
    return all_versions.get(pk=best.pk) if best else None


def _decision_context(request: HttpRequest, found: Decision) -> dict[str, Any]:
    language = get_language() or "en"
    customer_words = request.GET.get("words") == "customer"
    hits_only = request.GET.get("hits") == "1"
    return {
        "decision": found,
        "sentences": found.reason_sentences(language, customer=customer_words),
        "customer_words": customer_words,
        "hits_only": hits_only,
        "stages": display.stages(found, language, hits_only=hits_only),
        "points": display.points(found, language),
        "binding": display.BINDING.get(found.binding, found.binding),
        "may_replay": request.user.has_perm(REPLAY_DECISION),
        "perms_view_strategy": request.user.has_perm(VIEW_STRATEGY),
    }
