"""The supervisor's pages: the live board with its matrix, and the capacity plan."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import capacity, capacity_charts, live, permissions, queues, team
from collection.models import CapacityDay
from collection.views.policy import entity_of
from collection.views.work import person
from credit.accrual import bucket_name
from crm.lib import htmx
from crm.lib.permissions import needs

DAYS = 30


@needs(permissions.ASSIGN)
@require_GET
def board(request: HttpRequest) -> HttpResponse:
    user, at = person(request), now()
    entity, on = entity_of(request), queues.today(user, at)
    lines = team.board(user, at=at, on=on, days=DAYS)
    floor = live.read(user, lines, entity=entity, at=at, on=on)
    plan = capacity.latest(entity)
    for seat in floor.seats:
        seat.is_idle = seat.idle(at)  # type: ignore[attr-defined]  # for the template
    context = {
        "floor": floor,
        "sums": {name: floor.sum(name) for name in ("calls", "connects", "promises", "promised", "cash", "blocks")},
        "waiting": sum(depth.waiting for depth in floor.depths),
        "alerts": live.alerts(floor, at=at),
        "plan": plan,
        "may_plan": user.has_perm(permissions.PLAN_TEAM),
        "lines": lines,
        "whole": team.totals(lines),
        "days": DAYS,
        "buckets": [bucket_name(number) for number in team.BUCKETS],
        "at": at,
    }
    if plan is not None and not htmx.wants_part(request):
        context |= {"chart": capacity_charts.against(plan), "proposals": capacity.proposals(plan)}
    return htmx.render(request, "collections/board.html", "collections/_board_live.html", context)


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest) -> HttpResponse:
    """Show the capacity plan of this morning, or make it anew."""
    entity = entity_of(request)
    if request.method == "POST":
        capacity.make(entity, at=now(), actor=person(request))
        messages.success(request, _("The plan is made anew."))
        return htmx.go(request, reverse("capacity"))
    row = capacity.latest(entity)
    context = {
        "plan": row,
        "proposals": capacity.proposals(row) if row else [],
        "charts": [capacity_charts.against(row), capacity_charts.rolling(row)] if row else [],
        "pooled": any(not line["own"] for line in row.rolls) if row else False,
        "today": row.days[0] if row else None,
        "older": CapacityDay.objects.visible_to(request.user).order_by("-on")[:14],
    }
    return htmx.render(request, "collections/capacity.html", "collections/capacity.html", context)
