"""The supervisor's pages: the team board with its matrix, and the figures of collections as charts."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from collection import charts, permissions, queues, team
from collection.models import Case, Promise
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


@needs(permissions.VIEW)
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """Show what is overdue by bucket, what became of promises, what came in by day: each as a chart and as a table."""
    user, at = person(request), now()
    on = queues.today(user, at)
    cases, promises = Case.objects.visible_to(user), Promise.objects.visible_to(user)
    shown = [
        charts.by_bucket(cases, on=on),
        charts.promises(promises, since=on - timedelta(days=90), on=on),
        charts.collected(cases, days=DAYS, on=on),
    ]
    return htmx.render(request, "collections/results.html", "collections/results.html", {"charts": shown})
