"""The policy as a document."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import needs
from risk import readable
from risk.models import Strategy
from risk.permissions import VIEW_STRATEGY


@require_GET
@needs(VIEW_STRATEGY)
def policy_document(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a version as sentences: the one that is asked for, else the live one, else the newest."""
    strategy = get_object_or_404(Strategy, public_id=public_id)
    asked = request.GET.get("version", "")
    versions = strategy.versions.order_by("-number")
    if asked:
        found = versions.filter(number=int(asked)).first() if asked.isdigit() and len(asked) < 9 else None
    else:
        found = versions.filter(status="live").first() or versions.first()
    if found is None:
        raise Http404
    context = {"strategy": strategy, "version": found, "sections": readable.sections(found, get_language() or "en")}
    return htmx.render(request, "risk/policy_document.html", "risk/policy_document.html", context)
