"""Pages of the work on customers: what is to do, planned, noted, done; who it is given to."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from customers import activities, mentions, notes, permissions, profiles
from customers.desk_forms import MoveForm, NotedForm, PlanForm, ResultForm, TaskFilter, midnight, narrowed
from customers.models import Activity, Customer
from customers.views import file_of
from governance import idempotency, uses
from governance.asked import Asked

PANEL = 12
NAMED = 24


def of_mine(request: Asked, public_id: str) -> Activity:
    """Return the activity an address names, if this person may see its customer; else 404."""
    rows = Activity.objects.select_related("customer__branch", "assignee", "created_by")
    found: Activity = rows.get_for(request.user, public_id)
    uses.bind([found.customer], profiles.READ_FOR, actor=request.user, at=now())
    return found


@needs(permissions.ACT)
def task_list(request: Asked) -> HttpResponse:
    at = now()
    whose, when = request.GET.get("whose", ""), request.GET.get("when", "")
    visible = Activity.objects.visible_to(request.user)
    rows = narrowed(visible, request.user, whose, when).for_list()
    closed = when == "closed"
    page = pages.read(
        request, rows, sorts={"due": "due_at", "closed": "closed_at"}, default_sort="-closed" if closed else "due", filters=TaskFilter
    )
    mine = narrowed(visible, request.user, whose, "")
    tomorrow = midnight(at)
    parts = [mine.filter(due_at__lt=at), mine.filter(due_at__gte=at, due_at__lt=tomorrow), mine.filter(due_at__gte=tomorrow)]
    overdue, today, later = pages.count_labels(parts)
    figures = [
        {"name": "overdue", "label": pgettext_lazy("task", "Overdue"), "count": overdue},
        {"name": "today", "label": _("Today"), "count": today},
        {"name": "later", "label": _("Later"), "count": later},
    ]
    for row in uses.bind_of(page.rows, "customer", profiles.READ_FOR, actor=request.user, at=at):
        row.section = section(row, at, tomorrow)
    context = {"page": page, "figures": figures, "whose": whose, "closed": closed, "at": at}
    return htmx.render(request, "customers/tasks.html", "customers/_task_rows.html", context)


def section(row: Activity, at: Any, tomorrow: Any) -> Any:
    """Return under which heading a row stands."""
    if row.status != Activity.Status.OPEN or row.due_at is None:
        return _("Done or cancelled")
    if row.due_at < at:
        return pgettext_lazy("task", "Overdue")
    return _("Today") if row.due_at < tomorrow else _("Later")


@needs(permissions.VIEW)
def activity_panel(request: Asked, public_id: str) -> HttpResponse:
    """What is to do for a customer, the nearest first, then what was done last."""
    found = file_of(request, public_id)
    rows = Activity.objects.filter(customer=found).select_related("assignee", "created_by", "closed_by")
    to_do = list(rows.open().order_by("due_at", "pk")[:PANEL])
    done = list(rows.exclude(status=Activity.Status.OPEN).order_by("-pk")[:PANEL])
    context = {"customer": found, "to_do": to_do, "done": done[: max(3, PANEL - len(to_do))], "at": now()}
    return htmx.part(request, "customers/_activities.html", context)


@needs(permissions.ACT)
def activity_plan(request: Asked, public_id: str) -> HttpResponse:
    found = file_of(request, public_id)
    form = PlanForm(request.POST or None, customer=found, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                activities.plan(
                    found, kind=data["kind"], text=data["text"], due_at=form.due_at(), assignee=data["assignee"],
                    actor=request.user, at=now(),
                )  # fmt: skip
                sent.result(reverse("customer", args=[found.public_id]))
                messages.success(request, _("It is planned."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(
        request, "customers/activity_plan.html", {"customer": found, "people": named(request, found)}, part="customers/_activity_plan.html"
    )


@needs(permissions.ACT)
def activity_note(request: Asked, public_id: str) -> HttpResponse:
    """Write down a call or a visit that took place, or a note."""
    found = file_of(request, public_id)
    form = NotedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                if data["kind"] == "note":
                    notes.add(found, text=data["text"], actor=request.user, at=now())
                else:
                    activities.note_down(found, kind=data["kind"], text=data["text"], actor=request.user, at=now())
                sent.result(reverse("customer", args=[found.public_id]))
                messages.success(request, _("It is written down."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(
        request, "customers/activity_note.html", {"customer": found, "people": named(request, found)}, part="customers/_activity_note.html"
    )


@needs(permissions.ACT)
def activity_move(request: Asked, public_id: str) -> HttpResponse:
    """Another time, or another person."""
    row = of_mine(request, public_id)
    form = MoveForm.of(row, request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        due_at = form.due_at()
        if row.due_at is not None and due_at == row.due_at.replace(second=0, microsecond=0):
            due_at = row.due_at  # the form shows minutes: what is late already may still be given to somebody
        with form.refusals():
            activities.change(row, due_at=due_at, assignee=data["assignee"], version=data["version"] or 0, actor=request.user, at=now())
        if not form.errors:
            messages.success(request, _("It is changed."))
            return htmx.go(request, back(request, row))
    context = {"activity": row, "customer": row.customer}
    return form.page(request, "customers/activity_move.html", context, part="customers/_activity_move.html")


@needs(permissions.ACT)
def activity_close(request: Asked, public_id: str, how: str) -> HttpResponse:
    """Done, with what came of it; or cancelled."""
    row = of_mine(request, public_id)
    form = ResultForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        door = activities.finish if how == "done" else activities.cancel
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                door(row, result=form.cleaned_data["result"], actor=request.user, at=now())
                sent.result(back(request, row))
                messages.success(request, _("It is done.") if how == "done" else _("It is cancelled."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"activity": row, "customer": row.customer, "how": how, "people": named(request, row.customer)}
    return form.page(request, "customers/activity_close.html", context, part="customers/_activity_close.html")


def named(request: Asked, found: Customer) -> Any:
    """Return the colleagues a text about this customer may name, as buttons; more of them are written by hand."""
    return mentions.colleagues(found, permissions.VIEW).exclude(pk=request.user.pk)[:NAMED]


def back(request: Asked, row: Activity) -> str:
    """Return to the list of tasks for who came from there, else to the customer."""
    if request.GET.get("from") == "tasks":
        return reverse("task-list")
    return reverse("customer", args=[row.customer.public_id])
