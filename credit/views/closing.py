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

from credit import end_of_day, tasks
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
    }
    status = 286 if htmx.wants_part(request) and not running else 200
    return htmx.render(request, "credit/close.html", "credit/_close_part.html", context, status=status)


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
    """Start the close of the open date; workers do it. A date that is not over stays open."""
    entity, at = entity_of(request), now()
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
