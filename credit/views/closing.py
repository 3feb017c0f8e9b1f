"""The end of day as people see it: which date is open, how its close goes, which loans were left aside."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import close_steps, end_of_day, tasks
from credit.books import local_day
from credit.models import ClosePartition, CloseRun, ParkedLoan
from credit.permissions import CLOSE_DAY
from credit.views import Asked
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.models import LegalEntity

RUNS = 31
PARTITIONS = 50
PARKED = 50
PLOTTED = 200


@needs(CLOSE_DAY)
@require_GET
def close_page(request: Asked) -> HttpResponse:
    """Show the open date, the latest runs, the work of the last one and the loans that wait; asks again while one runs."""
    entity, at = entity_of(request), now()
    runs = list(runs_of(entity)[:RUNS])
    running = bool(runs) and runs[0].status == CloseRun.Status.RUNNING
    today = local_day(entity, at)
    parked = ParkedLoan.objects.filter(loan__legal_entity=entity, cleared_at__isnull=True).select_related("loan")
    context: dict[str, Any] = {
        "entity": entity,
        "today": today,
        "behind": max(0, (today - entity.business_date).days),
        "runs": runs,
        "last": runs[0] if runs else None,
        "running": running,
        "partitions": list(runs[0].partitions.order_by("first_id")[:PARTITIONS]) if runs else [],
        "parked": list(parked.order_by("parked_at", "pk")[:PARKED]),
        "closable": entity.business_date < today and not running,
        "steps": close_steps.STEPS,
        "failing": runs[0].partitions.filter(status=ClosePartition.Status.PENDING).exclude(error="").exists() if running else False,
    }
    context["speed"] = speed(runs[0]) if runs else None
    status = 286 if htmx.wants_part(request) and not running else 200
    return htmx.render(request, "credit/close.html", "credit/_close_part.html", context, status=status)


def speed(run: Any) -> dict[str, Any] | None:
    """Return loans a second by range of a run, for the chart card; None while there is nothing to draw."""
    parts = list(run.partitions.filter(milliseconds__gt=0).order_by("first_id")[:PLOTTED])
    if not parts:
        return None
    each = [part.loans * 1000 // part.milliseconds for part in parts]
    whole = sum(part.loans for part in parts) * 1000 // sum(part.milliseconds for part in parts)
    title = _("%(n)s loans a second by one worker") % {"n": f"{whole:,}"}
    caption = _("Loans closed a second, by range of loans")
    data = {
        "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": run.business_date.isoformat(), "complete": True, "note": "",
        "x": {"label": _("Range"), "type": "category", "values": [str(place) for place in range(1, len(parts) + 1)]},
        "y": {"label": _("Loans a second"), "unit": "count"},
        "series": [{"key": "speed", "name": _("Loans a second"), "role": "main", "values": each}], "marks": [], "events": [], "table": "",
    }  # fmt: skip
    return {"title": title, "caption": caption, "data": data}


def runs_of(entity: LegalEntity) -> Any:
    """Return the runs of a lender with their sums, the latest first."""
    done = Q(partitions__status=ClosePartition.Status.DONE)
    return (
        CloseRun.objects.filter(legal_entity=entity)
        .annotate(
            parts=Count("partitions"),
            parts_done=Count("partitions", filter=done),
            loans=Sum("partitions__loans"),
            moved=Sum("partitions__moved"),
            parked=Sum("partitions__parked"),
            milliseconds=Sum("partitions__milliseconds"),
        )
        .order_by("-business_date")
    )


def entity_of(request: Asked) -> LegalEntity:
    """Return the lender whose books this person sees."""
    team = request.user.team
    entity = team.legal_entity if team else LegalEntity.objects.order_by("pk").first()
    if entity is None:
        raise Http404
    return entity


@needs(CLOSE_DAY)
@require_POST
def close_run(request: Asked) -> HttpResponse:
    """Start the close of the open date; workers do it, and go on with every later date that is over. A date that is not over stays open.

    While a close runs, what of it is left is handed out once more: a range that failed is tried again.
    """
    entity, at = entity_of(request), now()
    standing = CloseRun.objects.filter(legal_entity=entity, status=CloseRun.Status.RUNNING).first()
    if standing is not None:
        transaction.on_commit(lambda: tasks.hand_out(standing, at=at))
        messages.success(request, _("What is left of %(day)s was handed out again.") % {"day": standing.business_date.isoformat()})
        return htmx.go(request, reverse("credit-close"))
    day = entity.business_date
    if day >= local_day(entity, at):
        raise end_of_day.OutOfOrder(
            _("%(day)s is not over: it can be closed from the next day on.") % {"day": day.isoformat()}, business_date=day.isoformat()
        )
    run = end_of_day.plan(entity, day, at=at)
    transaction.on_commit(lambda: tasks.hand_out(run, at=at))
    messages.success(request, _("The close of %(day)s has begun.") % {"day": day.isoformat()})
    return htmx.go(request, reverse("credit-close"))


@needs(CLOSE_DAY)
@require_POST
def close_retry(request: Asked, loan: str) -> HttpResponse:
    """Try a parked loan again, once its cause is cured."""
    parked = ParkedLoan.objects.filter(loan__legal_entity=entity_of(request), loan__public_id=loan, cleared_at__isnull=True).select_related(
        "loan__legal_entity"
    )
    row = parked.first()
    if row is None:
        raise Http404
    if end_of_day.retry(row, at=now()):
        messages.success(request, _("%(loan)s is closed for the day.") % {"loan": row.loan})
    else:
        messages.warning(request, _("%(loan)s still cannot be closed; its cause stands below.") % {"loan": row.loan})
    return htmx.go(request, reverse("credit-close"))
