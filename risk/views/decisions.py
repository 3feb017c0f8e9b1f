"""Decisions: the list, one with its trace, running it again."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST
from django_filters import ChoiceFilter, FilterSet

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from risk import decisions, display, engine, suggestions
from risk.models import Decision
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


def _decision_context(request: HttpRequest, found: Decision) -> dict[str, Any]:
    language = get_language() or "en"
    customer_words = request.GET.get("words") == "customer"
    hits_only = request.GET.get("hits") == "1"
    return {
        "decision": found,
        "sentences": found.reason_sentences(language, customer=customer_words),
        "suggestions": suggestions.sentences(engine.suggestions_for(found), language, customer=customer_words),
        "customer_words": customer_words,
        "hits_only": hits_only,
        "stages": display.stages(found, language, hits_only=hits_only),
        "points": display.points(found, language),
        "binding": display.BINDING.get(found.binding, found.binding),
        "may_replay": request.user.has_perm(REPLAY_DECISION),
        "perms_view_strategy": request.user.has_perm(VIEW_STRATEGY),
    }
