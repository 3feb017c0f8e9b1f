"""How lending goes: the pipeline as a funnel and approvals by week, each with its table."""

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from credit import dashboards
from credit.models import Application
from credit.permissions import VIEW_APPLICATION
from crm.lib import htmx
from crm.lib.permissions import needs


@needs(VIEW_APPLICATION)
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    seen, at = Application.objects.visible_to(request.user), now()
    charts = [dashboards.funnel(seen, at=at), dashboards.approval_rate(seen, at=at)]
    return htmx.render(request, "credit/dashboard.html", "credit/dashboard.html", {"charts": charts})
