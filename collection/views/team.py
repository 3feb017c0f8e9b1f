"""The supervisor's page: the team board with its matrix."""

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from collection import permissions, queues, team
from collection.views.work import person
from credit.accrual import bucket_name
from crm.lib import htmx
from crm.lib.permissions import needs

DAYS = 30


@needs(permissions.ASSIGN)
@require_GET
def board(request: HttpRequest) -> HttpResponse:
    user, at = person(request), now()
    lines = team.board(user, at=at, on=queues.today(user, at), days=DAYS)
    context = {
        "lines": lines,
        "whole": team.totals(lines),
        "days": DAYS,
        "buckets": [bucket_name(number) for number in team.BUCKETS],
        "at": at,
    }
    return htmx.render(request, "collections/board.html", "collections/board.html", context)
