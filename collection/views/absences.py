"""Absences with their calendar, and re-assignment in bulk: count, begin, watch, stop."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import absences, permissions, queues, reassignments, team
from collection.absence_forms import AbsenceForm, ReassignForm
from collection.models import Absence, Reassignment
from collection.views.policy import entity_of
from collection.views.work import person
from credit.models import Product
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.idempotency import Once

WEEKS, LISTED = 3, 50
LAST_YEAR = 2200


# --- absences ------------------------------------------------------------------------------------------------------
@needs(permissions.PLAN_TEAM)
@require_GET
def absence_list(request: HttpRequest) -> HttpResponse:
    """Show who is away when, over three weeks from a Monday, and the absences of these days."""
    today = queues.today(person(request), now())
    asked = parsed(request.GET.get("from", "")) or today
    first = asked - timedelta(days=asked.weekday())
    days = [first + timedelta(days=number) for number in range(WEEKS * 7)]
    entity = entity_of(request)
    rows = list(
        Absence.objects.filter(legal_entity=entity, since__lte=days[-1], until__gte=first)
        .exclude(status=Absence.Status.CANCELLED)
        .select_related("person", "deputy")
        .order_by("since", "pk")[:LISTED]
    )
    people = {row.person_id: row.person for row in rows}
    context = {
        "rows": rows,
        "weeks": [days[start : start + 7] for start in range(0, len(days), 7)],
        "days": days,
        "lines": [
            {
                "person": who,
                "cells": [
                    {"day": day, "away": any(row.person_id == pk and row.since <= day <= row.until for row in rows), "today": day == today,
                     "weekend": day.weekday() >= 5}
                    for day in days
                ],
            }
            for pk, who in people.items()
        ],
        "before": first - timedelta(days=WEEKS * 7),
        "after": first + timedelta(days=WEEKS * 7),
        "first": first,
        "last": days[-1],
        "may_cancel": Absence.Status.PLANNED,
    }  # fmt: skip
    return htmx.render(request, "collections/absences.html", "collections/absences.html", context)


def parsed(text: str) -> date | None:
    try:
        found = parse_date(text[:10])
    except ValueError:
        return None
    return found if found is not None and 2000 <= found.year <= LAST_YEAR else None


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def absence_new(request: HttpRequest) -> HttpResponse:
    """Plan an absence; one from today on hands over at once."""
    today = queues.today(person(request), now())
    people = team.workers(person(request)).select_related("team__legal_entity", "role")
    form = AbsenceForm(request.POST or None, people=people, initial={"since": today, "until": today})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = absences.plan(
                    data["person"], since=data["since"], until=data["until"], reason=data["reason"], deputy=data["deputy"], today=today,
                    actor=person(request), at=now(),
                )  # fmt: skip
                sent.result(reverse("absence", args=[made.public_id]))
                messages.success(request, _("The absence is planned."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/absence_form.html", {})


def absence_of(request: HttpRequest, public_id: str) -> Absence:
    rows = Absence.objects.visible_to(request.user).select_related(
        "person__role", "person__team__legal_entity", "deputy__role", "deputy__team", "made_by"
    )
    return get_object_or_404(rows, public_id=public_id)


@needs(permissions.PLAN_TEAM)
@require_GET
def absence(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an absence: what would be handed over, or what was and what came back."""
    row = absence_of(request, public_id)
    pieces = list(row.pieces.select_related("case__assigned_to", "task__assignee").order_by("pk")[:LISTED])
    whole = row.pieces.count()
    back = row.pieces.filter(came_back=True).count()
    planned = row.status == Absence.Status.PLANNED
    context = {
        "absence": row,
        "work": absences.work_of(row.person, since=row.since, until=row.until) if planned else None,
        "pieces": pieces,
        "whole": whole,
        "back": back,
        "more": whole - len(pieces),
        "is_planned": planned,
        "is_running": row.status == Absence.Status.RUNNING,
    }
    return htmx.render(request, "collections/absence.html", "collections/absence.html", context)


@needs(permissions.PLAN_TEAM)
@require_POST
def absence_step(request: HttpRequest, public_id: str) -> HttpResponse:
    """Cancel an absence that has not begun, or end one that runs."""
    row = absence_of(request, public_id)
    if "end" in request.POST:
        absences.end(row, actor=person(request), at=now())
        messages.success(request, _("The absence is over: what nobody touched came back."))
    else:
        absences.cancel(row, actor=person(request), at=now())
        messages.success(request, _("The absence is cancelled."))
    return htmx.go(request, reverse("absence-list"))


# --- re-assignment in bulk -----------------------------------------------------------------------------------------
@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def reassign_new(request: HttpRequest) -> HttpResponse:
    """Say which cases move to whom; the next page counts them, nothing moves before."""
    entity = entity_of(request)
    products = [(each.code, each.name) for each in Product.objects.filter(legal_entity=entity, live=True).order_by("code")]
    initial: dict[str, Any] = {"whose": request.GET.get("whose", "")}
    form = ReassignForm(request.POST or None, everybody=team.workers(person(request)), entity=entity, products=products, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = reassignments.look(
                    asked=form.asked(), people=list(data["people"]), to_team=data["to_team"], by_rules=data["by_rules"], entity=entity,
                    actor=person(request), at=now(),
                )  # fmt: skip
                sent.result(reverse("reassignment", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    recent = Reassignment.objects.visible_to(request.user).exclude(status="seen").select_related("made_by", "job").order_by("-pk")[:10]
    return form.page(request, "collections/reassign_form.html", {"recent": recent})


def reassignment_of(request: HttpRequest, public_id: str) -> Reassignment:
    rows = Reassignment.objects.visible_to(request.user).select_related("job", "made_by", "team")
    return get_object_or_404(rows, public_id=public_id)


@needs(permissions.PLAN_TEAM)
@require_GET
def reassignment(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what was counted, how far it is, and what was refused; while it runs the page asks again by itself."""
    row = reassignment_of(request, public_id)
    url = reverse("reassignment", args=[row.public_id])
    running = row.status in (Reassignment.Status.RUNNING, Reassignment.Status.STOPPING)
    if htmx.wants_part(request):
        return htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": url}) if running else htmx.go(request, url)
    context = {
        "row": row,
        "seen": row.seen,
        "running": running,
        "may_stop": row.status == Reassignment.Status.RUNNING,
        "is_seen": row.status == Reassignment.Status.SEEN,
        "problems": row.job.problems[:LISTED] if row.job and not running else [],
        "poll_url": url if running else "",
        "label": ngettext("Move %(n)s case", "Move %(n)s cases", len(row.ids)) % {"n": len(row.ids)},
    }
    return htmx.render(request, "collections/reassignment.html", "collections/reassignment.html", context)


@needs(permissions.PLAN_TEAM)
@require_POST
def reassignment_step(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin what was counted, or stop what runs."""
    row = reassignment_of(request, public_id)
    if "stop" in request.POST:
        reassignments.stop(row, actor=person(request), at=now())
        messages.success(request, _("It stops after the cases in hand. What is done stays done."))
    else:
        reassignments.begin(row, actor=person(request), at=now())
    return htmx.go(request, reverse("reassignment", args=[row.public_id]))
