"""What stands on the supervisor's home beside the queues: capacity against what is needed, the running experiment, the floor in small."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from collection import capacity, capacity_charts, home_plots, live, permissions, queues, team, treatment_charts, treatment_results
from collection.models import TreatmentExperiment
from collection.views.policy import entity_of
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs

DAYS = 30


@needs(permissions.PLAN_TEAM)
@require_GET
def capacity_panel(request: HttpRequest) -> HttpResponse:
    """Show the plan of this morning: contacts needed and possible, by day."""
    plan = capacity.latest(entity_of(request))
    context: dict[str, Any] = {"plan": plan}
    if plan is not None:  # a shortage stands above, as the queue's first item
        short = any(day["short"] for day in plan.days)
        context |= {"finding": "" if short else capacity_charts.finding(plan), "plot": home_plots.days(plan.days)}
    return htmx.part(request, "collections/_home_capacity.html", context)


@needs(permissions.VIEW_TREATMENT)
@require_GET
def experiment_panel(request: HttpRequest) -> HttpResponse:
    """Show the experiment that runs: cash a case of each arm with its interval of 95 per cent."""
    running = TreatmentExperiment.objects.visible_to(request.user).for_list().filter(status=TreatmentExperiment.Status.RUNNING)
    row = running.order_by("-pk").first()
    context: dict[str, Any] = {"experiment": row}
    if row is not None:
        arms = treatment_results.arms(row, at=now())
        shown = zip(treatment_charts.rows(arms, least=row.minimum_sample), home_plots.intervals(arms), strict=True)
        context |= {"finding": treatment_charts.finding(row, arms), "rows": [line | {"plot": plot} for line, plot in shown]}
    return htmx.part(request, "collections/_home_experiment.html", context)


@needs(permissions.ASSIGN)
@require_GET
def board_panel(request: HttpRequest) -> HttpResponse:
    """Show who is on what this minute, and what they did today."""
    user, at = person(request), now()
    on = queues.today(user, at)
    floor = live.read(user, team.board(user, at=at, on=on, days=DAYS), entity=entity_of(request), at=at, on=on)
    for seat in floor.seats:
        seat.is_idle = seat.idle(at)  # type: ignore[attr-defined]  # for the template
    return htmx.part(request, "collections/_home_board.html", {"floor": floor})
