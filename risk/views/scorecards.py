"""Models: the inventory with its file, a version to read, its plots, its card as a page and as PDF."""

import csv
import io
from typing import Any

import django_filters as filters
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance.table_files import safe
from ledger import log
from risk import charts, model_page, model_paper
from risk.models import ModelKind, ModelStatus, Scorecard, ScorecardVersion
from risk.permissions import EDIT_MODEL, VIEW_STRATEGY
from risk.views import model_steps
from risk.views.common import chosen


class ModelFilter(filters.FilterSet):
    """What one asks an inventory of models."""

    status = filters.ChoiceFilter(label=gettext_lazy("Status"), empty_label=gettext_lazy("Any"), choices=ModelStatus.choices)
    kind = filters.ChoiceFilter(label=gettext_lazy("Kind"), empty_label=gettext_lazy("Any"), choices=ModelKind.choices)
    tier = filters.ChoiceFilter(label=gettext_lazy("Tier"), empty_label=gettext_lazy("Any"), choices=[(n, str(n)) for n in (1, 2, 3)])
    due = filters.ChoiceFilter(
        label=gettext_lazy("Review"), method="by_due", empty_label=gettext_lazy("Any"), choices=[("overdue", gettext_lazy("overdue"))]
    )

    def by_due(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(status__in=model_page.SERVING, review_due__lt=localdate())


@require_GET
@needs(VIEW_STRATEGY)
def scorecard_list(request: HttpRequest) -> HttpResponse:
    """List every version of every model: who answers for it, how much hangs on it, when it is looked at again."""
    rows = ScorecardVersion.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"newest": "id", "review": "review_due"}, default_sort="-newest", filters=ModelFilter)
    today = localdate()
    for row in page.rows:
        row.overdue = model_page.overdue(row, today=today)
    context = {"page": page, "may_edit": request.user.has_perm(EDIT_MODEL)}
    return htmx.render(request, "risk/scorecard_list.html", "risk/_model_rows.html", context)


@require_GET
@needs(VIEW_STRATEGY)
def model_inventory_file(request: HttpRequest) -> HttpResponse:
    """Give the inventory as CSV, in the reader's language; the download is on the record."""
    out, today = io.StringIO(newline=""), localdate()
    table = csv.writer(out)
    heads = (_("Model"), _("Code"), _("Name"), _("Version"), _("Kind"), _("Status"), _("Tier"), _("Developer"), _("Validator"), _("Approver"),
             _("Live since"), _("Next review"), _("overdue"), "AUC", _("Data"), "SHA-256")  # fmt: skip
    table.writerow(heads)
    rows = ScorecardVersion.objects.visible_to(request.user).select_related("scorecard", "developer", "validator", "approver")
    count = 0
    for one in rows.defer("content").order_by("scorecard__code", "number"):
        people = [str(person.name) if person else "" for person in (one.developer, one.validator, one.approver)]
        auc = one.metrics.get("holdout", {}).get("auc")
        cells = [one.scorecard.public_id, one.scorecard.code, one.scorecard.name, one.number, one.get_kind_display(), one.get_status_display(),
                 one.tier, *people, one.live_at.date() if one.live_at else "", one.review_due or "",
                 _("yes") if model_page.overdue(one, today=today) else _("no"), f"{auc:.4f}" if auc else "", one.data_sha256, one.sha256]  # fmt: skip
        table.writerow([safe(cell) for cell in cells])
        count += 1
    log.record("risk.models.exported", request.user, actor=request.user, at=now(), rows=count)
    return HttpResponse(
        b"\xef\xbb\xbf" + out.getvalue().encode(), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="models.csv"', "Cache-Control": "no-store"},
    )  # fmt: skip


def asked_for(request: HttpRequest, public_id: str) -> tuple[Scorecard, Any, list[Any]]:
    """Return the model, the version the address asks for, and all versions, newest first."""
    found = get_object_or_404(Scorecard, public_id=public_id)
    versions = list(ScorecardVersion.objects.visible_to(request.user).filter(scorecard=found).for_list().order_by("-number"))
    whole = ScorecardVersion.objects.filter(scorecard=found).select_related("developer", "validator", "approver", "data_set")
    return found, chosen(request, whole, versions), versions


@require_GET
@needs(VIEW_STRATEGY)
def scorecard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a version of a model: figures, plots, bins or weights, stability, fairness, reasons, proof, history, what comes next."""
    found, version, versions = asked_for(request, public_id)
    context: dict[str, Any] = {"scorecard": found, "version": version, "versions": versions}
    if version:
        context |= model_page.shown(version, get_language() or "en")
        number = f"?version={version.number}"
        context |= {
            "steps": model_page.steps(version, request.user),
            **model_steps.proof_context(version, context["made"], request.user),
            "editable": model_page.editable(version, request.user),
            "rewritable": version.status == ModelStatus.DRAFT and request.user.has_perm(EDIT_MODEL),
            "waits_for": model_page.waits_for(version),
            "overdue": model_page.overdue(version, today=localdate()),
            "curves": [
                charts.curve(version, kind) | {"src": reverse("scorecard-chart", args=[public_id, kind]) + number}
                for kind in charts.drawable(version)
            ],
        }
    return htmx.render(request, "risk/scorecard.html", "risk/scorecard.html", context)


@require_GET
@needs(VIEW_STRATEGY)
def scorecard_chart(request: HttpRequest, public_id: str, kind: str) -> HttpResponse:
    """Give the figures of a plot for drawing."""
    _found, version, _versions = asked_for(request, public_id)
    if kind not in charts.KINDS or version is None:
        return JsonResponse({"detail": _("There is no such chart.")}, status=404)
    return JsonResponse(charts.curve(version, kind))


@require_GET
@needs(VIEW_STRATEGY)
def model_card(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the model card: what it is for, what it was made of, how good it is, for whom it is not."""
    found, version, _versions = asked_for(request, public_id)
    if version is None:
        return JsonResponse({"detail": _("This model has no version yet.")}, status=404)
    sheet = model_paper.told(version, get_language() or "en")
    return htmx.render(request, "risk/model_card.html", "risk/model_card.html", {"scorecard": found, "version": version, "sheet": sheet})


@require_GET
@needs(VIEW_STRATEGY)
def model_card_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give the model card as PDF, in both languages; the download is on the record."""
    found, version, _versions = asked_for(request, public_id)
    if version is None:
        return JsonResponse({"detail": _("This model has no version yet.")}, status=404)
    content = model_paper.pdf(version)
    log.record("risk.scorecardversion.card_taken", version, actor=request.user, at=now(), number=version.number)
    name = f"{found.public_id}-v{version.number}.pdf"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
