"""Dry runs of treatment strategies: which two versions, how far the run is, what it found, and the file it leaves as."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import dry_run_words, dry_runs, permissions
from collection.dry_run_forms import TABLE, DryRunForm
from collection.models import TreatmentDryRun
from collection.result_forms import FileForm
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import exports, table_files
from governance.idempotency import Once
from governance.step_up import steps_up
from risk.models import StrategyVersion


def found(request: HttpRequest, public_id: str) -> TreatmentDryRun:
    return get_object_or_404(TreatmentDryRun.objects.visible_to(request.user).for_list(), public_id=public_id)


@needs(permissions.CHANGE_TREATMENT)
@require_http_methods(["GET", "POST"])
def dry_run_new(request: HttpRequest) -> HttpResponse:
    """Choose two versions; a worker holds them against each other on the cases of now."""
    form = DryRunForm(request.POST if request.method == "POST" else None, version=request.GET.get("version", ""))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                versions = StrategyVersion.objects.select_related("strategy").in_bulk([data["draft"].pk, data["base"].pk])
                made = dry_runs.start(versions[data["draft"].pk], base=versions[data["base"].pk], actor=person(request), at=now())
                messages.success(request, _("The dry run is ordered. You may leave the page."))
                sent.result(reverse("treatment-dry-run", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/dry_run_new.html", {})


@needs(permissions.VIEW_TREATMENT)
@require_GET
def dry_run(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a dry run: how far it is, then what it found. While it runs the page asks again by itself."""
    row = found(request, public_id)
    url = reverse("treatment-dry-run", args=[row.public_id])
    if htmx.wants_part(request):
        return htmx.go(request, url) if row.job.is_over else htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": url})
    shown: dict[str, Any] = {"found": dry_run_words.of_run(row, person(request))} if row.result is not None else {}
    context = {
        "run": row, "poll_url": "" if row.job.is_over else url, "may_export": request.user.has_perm(permissions.EXPORT),
        "may_list": request.user.has_perm(permissions.VIEW), **shown,
    }  # fmt: skip
    return htmx.render(request, "collections/dry_run.html", "collections/dry_run.html", context)


@needs(permissions.EXPORT)
@require_http_methods(["GET", "POST"])
@steps_up
def dry_run_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask what for, why and in which form; then a worker writes the file."""
    user, row = person(request), found(request, public_id)
    form = FileForm(request.POST if request.method == "POST" else None, uses=[], initial={"form": table_files.XLSX})
    back = reverse("treatment-dry-run", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = exports.ask_table(
                    TABLE, query=urlencode({"run": row.public_id}), form=data["form"], purpose=data["purpose"], reason=data["reason"], actor=user,
                    at=now(), language=get_language() or "",
                )  # fmt: skip
                sent.result(reverse("list-job", args=[made.job.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    action = reverse("treatment-dry-run-file", args=[row.public_id])
    return form.page(
        request, "collections/dry_run_file.html", {"back": back, "action": action, "run": row}, part="collections/_dry_run_file.html"
    )
