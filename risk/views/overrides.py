"""Overrides and how they turned out: one's own, or everybody's."""

from django.http import HttpResponse
from django.utils.timezone import localdate
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import needs
from governance.asked import Asked
from governance.models.identity import Scope
from risk import monitor_rules, override_outcomes
from risk.permissions import VIEW_OVERRIDE_OUTCOME


@require_GET
@needs(VIEW_OVERRIDE_OUTCOME)
def override_outcomes_view(request: Asked) -> HttpResponse:
    """Compare what people approved of referrals with what the engine approved, by who went bad."""
    held = monitor_rules.holding(localdate())
    people, engine = override_outcomes.lines(request.user, as_of=localdate(), held=held)
    context = {
        "people": people,
        "engine": engine,
        "held": held,
        "everybody": request.user.scope == Scope.ALL,
        "months": override_outcomes.MONTHS,
    }
    return htmx.render(request, "risk/override_outcomes.html", "risk/override_outcomes.html", context)
