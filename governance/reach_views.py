"""The panel that answers: who can see this record, and why can I."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import Forbidden, needs
from governance import permissions, reach
from governance.asked import Asked


@needs(permissions.VIEW_REACH)
@require_GET
def record_reach(request: Asked, kind: str, public_id: str) -> HttpResponse:
    """Show the people and rules that open one record; only to who may open it."""
    found = reach.KINDS.get(kind)
    if found is None:
        raise Http404
    user = request.user
    if not user.has_perm(found.permission):
        raise Forbidden(found.permission)
    user.asked = found.permission
    row = found.rows().get_for(user, public_id)
    place = found.place(row)
    context = {
        "record": row,
        "label": found.label,
        "back": reverse(found.url_name, args=[public_id]),
        "lines": reach.lines(found, place),
        "why": reach.why(user, found, place),
    }
    return htmx.render(request, "governance/reach.html", "governance/_reach.html", context)
