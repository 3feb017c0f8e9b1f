"""What leaves the house for an agency, and what it is owed: the marked file, the statement of fees, and whose file leaked."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import agency_files, agency_statement, permissions
from collection.agency_forms import FileForm, TraceForm
from collection.models import Placement
from collection.views.agencies import found
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import exports, uses
from governance.idempotency import Once
from governance.step_up import steps_up

SHOWN = 500


@needs(permissions.EXPORT_PLACEMENT)
@require_http_methods(["GET", "POST"])
@steps_up
def agency_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make the file of what is with an agency; a worker writes it."""
    row, user = found(request, public_id), person(request)
    form = FileForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = agency_files.order(
                    row, form=data["form"], reason=data["reason"], actor=user, at=now(), language=get_language() or ""
                )
                sent.result(reverse("list-job", args=[made.export.work.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    number = Placement.objects.visible_to(user).running().filter(agency=row).count()
    context = {"agency": row, "title": _("Make a file for %(agency)s") % {"agency": row}, "label": _("Make the file"), "cases": number}
    return form.page(request, "collections/agency_file.html", context)


@needs(permissions.VIEW_AGENCY)
@require_GET
def agency_statement_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what an agency is owed for a month, movement by movement."""
    row, user = found(request, public_id), person(request)
    months = agency_statement.months(row, user=user)
    first = agency_statement.first_of(request.GET.get("month", ""), months)
    rows = list(agency_statement.of_month(row, first, user=user).select_related("placement__case__customer")[:SHOWN]) if first else []
    uses.bind([one.placement.case.customer for one in rows], "collections", actor=user, at=now())
    context = {
        "agency": row, "months": months, "month": next((one for one in months if one.first == first), None), "rows": rows,
        "may_export": user.has_perm(permissions.EXPORT_PLACEMENT),
    }  # fmt: skip
    return htmx.render(request, "collections/agency_statement.html", "collections/agency_statement.html", context)


@needs(permissions.EXPORT_PLACEMENT)
@require_http_methods(["GET", "POST"])
@steps_up
def agency_statement_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take the statement of a month as a file."""
    row, user = found(request, public_id), person(request)
    months = agency_statement.months(row, user=user)
    first = agency_statement.first_of(request.GET.get("month", ""), months)
    form = FileForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                query = f"agency={row.public_id}&month={first:%Y-%m}" if first else f"agency={row.public_id}"
                made = exports.ask_table(
                    agency_statement.STATEMENT, query=query, form=data["form"], purpose="books", reason=data["reason"], actor=user, at=now(),
                    language=get_language() or "",
                )  # fmt: skip
                sent.result(reverse("list-job", args=[made.work.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    title = _("Statement of fees %(month)s") % {"month": f"{first:%Y-%m}" if first else ""}
    return form.page(request, "collections/agency_file.html", {"agency": row, "title": title, "label": _("Take as a file"), "cases": None})


@needs(permissions.CHECK_AGENCY)
@require_http_methods(["GET", "POST"])
def agency_trace(request: HttpRequest) -> HttpResponse:
    """Say of a leaked copy, or of a part of one, for which agency it was made, when and by whom."""
    form = TraceForm(request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            context = {"traced": True, "traces": agency_files.trace(form.cleaned_data["text"], actor=person(request), at=now())}
    return form.page(request, "collections/agency_trace.html", context)
