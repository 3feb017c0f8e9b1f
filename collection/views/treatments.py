"""Treatment: which paths cases are on and what became of the steps; the path of one case."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from collection import permissions, treatment_charts, treatment_experiments, treatment_results, treatment_shape, treatment_words
from collection.models import Case, TreatmentDryRun, TreatmentEntry, TreatmentExperiment, TreatmentStep
from collection.treatment_forms import EndForm, ExperimentForm
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.idempotency import Once
from risk.permissions import VIEW_STRATEGY

DAYS, STEPS = 7, 40


@require_GET
@needs(permissions.VIEW_TREATMENT)
def home(request: HttpRequest) -> HttpResponse:
    """Show the live strategy, the cases on each of its paths, and the steps of the last days."""
    at = now()
    running = TreatmentEntry.objects.filter(status=TreatmentEntry.Status.RUNNING, case__in=Case.objects.visible_to(request.user))
    paths = [
        {"path": treatment_words.of_path(path), "cases": n, "amount": amount}
        for path, n, amount in running.order_by().values_list("path").annotate(n=Count("pk"), sum=Sum("case__overdue_amount")).order_by("-n", "path")
    ]  # fmt: skip
    since = at - timedelta(days=DAYS)
    taken = TreatmentStep.objects.filter(taken_at__gte=since, taken_at__lte=at)
    table: dict[str, dict[str, int]] = {}
    for action, status, n in taken.order_by().values_list("action", "status").annotate(n=Count("pk")):
        table.setdefault(action, {})[status] = n
    shown = ("given", "sent", "waiting", "blocked", "exited", "skipped")
    words = dict(TreatmentStep.Status.choices)
    steps = [
        {"act": word, "cells": [{"n": table[action].get(status, 0), "head": words[status]} for status in shown], "all": sum(table[action].values())}
        for action, word in treatment_shape.ACTIONS.items() if action in table
    ]  # fmt: skip
    context: dict[str, Any] = {
        "live": treatment_experiments.champion(), "paths": paths, "steps": steps, "heads": [words[status] for status in shown], "days": DAYS,
        "experiments": TreatmentExperiment.objects.visible_to(request.user).for_list().order_by("-pk")[:10],
        "dry_runs": TreatmentDryRun.objects.visible_to(request.user).for_list().defer("result").order_by("-pk")[:10],
        "may_plan": request.user.has_perm(permissions.CHANGE_TREATMENT),
        "cases": sum(row["cases"] for row in paths), "may_open": request.user.has_perm(VIEW_STRATEGY),
    }  # fmt: skip
    return htmx.render(request, "collections/treatments.html", "collections/treatments.html", context)


@require_GET
@needs(permissions.VIEW)
def case_treatment(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the path of one case with its steps, the newest first."""
    case = get_object_or_404(Case.objects.visible_to(request.user), public_id=public_id)
    entries = list(TreatmentEntry.objects.filter(case=case).order_by("-pk")[:5])
    steps: dict[int, list[TreatmentStep]] = {}
    for step in TreatmentStep.objects.filter(entry__in=entries).order_by("-pk")[:STEPS]:
        step.act = treatment_shape.ACTIONS.get(step.action, step.action)  # type: ignore[attr-defined]
        step.said = treatment_words.of_why(step.why)  # type: ignore[attr-defined]
        steps.setdefault(step.entry_id, []).append(step)
    rows = [
        {"entry": one, "path": treatment_words.of_path(one.path), "steps": steps.get(one.pk, []),
         "why": treatment_words.of_end(one.ended_why) if one.ended_why else ""}
        for one in entries
    ]  # fmt: skip
    return htmx.part(request, "collections/_treatment.html", {"rows": rows})


# --- experiments ---------------------------------------------------------------------------------------------------
def found(request: HttpRequest, public_id: str) -> TreatmentExperiment:
    return get_object_or_404(TreatmentExperiment.objects.visible_to(request.user).for_list(), public_id=public_id)


@needs(permissions.CHANGE_TREATMENT)
def experiment_new(request: HttpRequest) -> HttpResponse:
    """Plan an experiment; another person starts it."""
    form = ExperimentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                made = treatment_experiments.plan(**data, actor=person(request), at=now())
                messages.success(request, _("Planned. Another person starts it."))
                sent.result(reverse("treatment-experiment", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/treatment_experiment_new.html", {})


@require_GET
@needs(permissions.VIEW_TREATMENT)
def experiment(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an experiment: its arms with their intervals, what would end it, what it found."""
    row, at = found(request, public_id), now()
    arms = treatment_results.arms(row, at=at) if row.started_at else []
    changes = request.user.has_perm(permissions.CHANGE_TREATMENT)
    planned, own = row.status == TreatmentExperiment.Status.PLANNED, person(request).is_also(row.planned_by_id)
    context: dict[str, Any] = {
        "experiment": row, "rows": treatment_charts.rows(arms, least=row.minimum_sample), "charts": treatment_charts.charts(row, arms, at=at),
        "finding": treatment_charts.finding(row, arms), "may_start": changes and planned and not own, "own": changes and planned and own,
        "may_withdraw": changes and planned, "may_end": changes and row.status == TreatmentExperiment.Status.RUNNING,
    }  # fmt: skip
    return htmx.render(request, "collections/treatment_experiment.html", "collections/treatment_experiment.html", context)


@require_POST
@needs(permissions.CHANGE_TREATMENT)
def experiment_start(request: HttpRequest, public_id: str) -> HttpResponse:
    treatment_experiments.start(found(request, public_id), actor=person(request), at=now())
    messages.success(request, _("The experiment runs."))
    return htmx.go(request, reverse("treatment-experiment", args=[public_id]))


@require_POST
@needs(permissions.CHANGE_TREATMENT)
def experiment_withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    treatment_experiments.withdraw(found(request, public_id), actor=person(request), at=now())
    messages.success(request, _("The experiment is withdrawn."))
    return htmx.go(request, reverse("treatment-experiment", args=[public_id]))


@needs(permissions.CHANGE_TREATMENT)
def experiment_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a running experiment; what it found stays."""
    row, form = found(request, public_id), EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            treatment_experiments.end(row, why=form.cleaned_data["why"], actor=person(request), at=now())
        if not form.errors:
            messages.success(request, _("The experiment is ended: everybody is treated by the live version."))
            return htmx.go(request, reverse("treatment-experiment", args=[public_id]))
    return form.page(request, "collections/treatment_experiment_end.html", {"experiment": row})
