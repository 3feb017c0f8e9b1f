"""Reports as people read them: the list of them, one with its choices, its files, choices kept under a name."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from credit import reports
from credit.permissions import EXPORT_REPORT, VIEW_LOAN, VIEW_REPORT
from credit.report_forms import ReportForm
from credit.report_tables import PREFIX
from credit.reports import REPORTS, Report, Result
from credit.views import Asked
from crm.lib import htmx, tables
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import exports, idempotency, saved_views, table_files
from governance.list_forms import ExportForm
from governance.models import SavedView
from governance.step_up import steps_up

ORDER = ("vintage", "segments", "roll", "fpd", "ageing", "classes", "quality", "payoff", "economics")


class FileForm(ExportForm):
    """Why a report leaves as a file, and in which form."""

    form = forms.ChoiceField(
        label=_("Form of the file"), choices=[(table_files.XLSX, _("Workbook (XLSX)")), (table_files.CSV, _("Comma-separated values (CSV)"))],
        widget=forms.RadioSelect, initial=table_files.XLSX,
    )  # fmt: skip
    field_order = ("form", "purpose", "reason", "query")


class NameForm(Form):
    """Under which name choices are kept."""

    name = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)


def named(name: str) -> Report:
    report = REPORTS.get(name)
    if report is None:
        raise Http404
    return report


@needs(VIEW_REPORT)
@require_GET
def report_list(request: Asked) -> HttpResponse:
    """Show which reports there are, and the choices this person keeps of each."""
    kept: dict[str, list[SavedView]] = {}
    for view in SavedView.objects.filter(owner=request.user, list__startswith=PREFIX).order_by("name", "pk"):
        kept.setdefault(view.list.removeprefix(PREFIX), []).append(view)
    rows = [{"report": REPORTS[name], "kept": kept.get(name, [])} for name in ORDER]
    return htmx.render(request, "credit/reports/list.html", "credit/reports/list.html", {"rows": rows})


@needs(VIEW_REPORT)
@require_GET
def report_page(request: Asked, name: str) -> HttpResponse:
    """Show a report: what was chosen, its picture, its tables; each figure leads to its loans for who may see loans."""
    report = named(name)
    form = ReportForm(report, request.GET, request.user)
    choices = form.choices()
    found = reports.read(report, choices, request.user) if choices else Result(str(_("There is no month-end to look at yet")), "", [])
    query = QueryDict(mutable=True)
    query.update(form.query())
    may_open = request.user.has_perm(VIEW_LOAN)
    if found.chart is not None and not may_open:
        found.chart.pop("drill", None)
    context = {
        "report": report, "form": form, "found": found, "query": query.urlencode(), "may_open": may_open,
        "kept": list(SavedView.objects.filter(owner=request.user, list=PREFIX + name).order_by("name", "pk")),
        "name_form": NameForm(initial={"query": query.urlencode()}), "may_export": request.user.has_perm(EXPORT_REPORT),
    }  # fmt: skip
    return htmx.render(request, "credit/reports/page.html", "credit/reports/page.html", context)


@needs(EXPORT_REPORT)
@require_http_methods(["GET", "POST"])
@steps_up
def report_file(request: Asked, name: str) -> HttpResponse:
    """Ask what for, why and in which form; then a worker writes the file."""
    report = named(name)
    table = tables.TABLES[PREFIX + name]
    query = _kept(report, request)
    form = FileForm(request.POST if request.method == "POST" else None, uses=[], initial={"query": query, "form": table_files.XLSX})
    back = reverse("report", args=[name]) + f"?{query}"
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = exports.ask_table(
                    table, query=query, form=data["form"], purpose=data["purpose"], reason=data["reason"], actor=request.user, at=now(),
                    language=get_language() or "",
                )  # fmt: skip
                sent.result(reverse("list-job", args=[made.job.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "credit/reports/file.html", {"report": report, "back": back}, part="credit/reports/_file.html")


@needs(VIEW_REPORT)
@require_POST
def choices_keep(request: Asked, name: str) -> HttpResponse:
    """Keep the choices of a report under a name; the day observed is kept with them."""
    report = named(name)
    form = NameForm(request.POST)
    query = _kept(report, request)
    if form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                saved_views.create(list_name=PREFIX + name, name=form.cleaned_data["name"], query=query, actor=request.user, at=now())
                messages.success(request, _("The choices are kept."))
                sent.result(reverse("report", args=[name]) + f"?{query}")
        if not form.errors:
            return htmx.go(request, sent.location)
    back = reverse("report", args=[name]) + f"?{query}"
    return form.page(request, "credit/reports/keep.html", {"report": report, "back": back})


@needs(VIEW_REPORT)
@require_POST
def choices_drop(request: Asked, name: str, public_id: str) -> HttpResponse:
    """Forget own choices."""
    named(name)
    view = get_object_or_404(SavedView, owner=request.user, list=PREFIX + name, public_id=public_id.replace("\0", ""))
    saved_views.delete(view, actor=request.user, at=now())
    messages.success(request, _("The choices are forgotten."))
    return htmx.go(request, reverse("report", args=[name]))


def _kept(report: Report, request: HttpRequest) -> str:
    """Return the choices an address or a form carries, each of them stated and known."""
    text = request.POST.get("query", "") if request.method == "POST" else request.GET.urlencode()
    params: Any = QueryDict(text[:2000].replace("%00", ""))
    made = QueryDict(mutable=True)
    made.update(ReportForm(report, params, request.user).query())
    return made.urlencode()
