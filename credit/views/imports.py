"""Files of applications: send one, follow the job, read what each bad line needs."""

import csv
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import imports
from credit.forms import ImportForm
from credit.models import ImportBatch
from credit.permissions import IMPORT_APPLICATION
from credit.stated import questions, schema
from credit.views import Asked
from credit.words import choices
from credit.words import fact as fact_words
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import idempotency

SHOWN = 20
EXAMPLE = {
    "reference": "WEB-0001",
    "name": "王小明",
    "id_number": "110101199003070038",
    "mobile": "13800001234",
    "product": "CASH12",
    "amount": "12000.00",
    "term": "12",
    "purpose": "education",
    "consent_bureau": "yes",
    "income": "9000",
    "monthly_debt": "0",
}


@needs(IMPORT_APPLICATION)
def application_import(request: Asked) -> HttpResponse:
    """Take a file in; the job goes on without the page."""
    posted = request.method == "POST"
    form = ImportForm(request.POST if posted else None, request.FILES if posted else None)
    branch = request.user.team
    if posted and form.is_valid() and branch is None:
        form.add_error(None, _("You belong to no branch: an administrator has to say whose applications these are."))
    elif posted and form.is_valid() and branch is not None:
        file = form.cleaned_data["file"]
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                content = file.read(imports.LARGEST + 1)
                batch = imports.bring_in(content, file_name=file.name, branch=branch, actor=request.user, at=now())
                sent.result(reverse("application-import-job", args=[batch.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "batches": batches(request).order_by("-pk")[:SHOWN],
        "columns": columns(),
    }
    return form.page(request, "credit/import.html", context)


def batches(request: Asked) -> Any:
    """Return the files this person sent."""
    return ImportBatch.objects.filter(entered_by=request.user).select_related("job").defer("content")


def columns() -> list[dict[str, Any]]:
    """Return the columns a file may have: name, meaning, whether it is needed, and the words a cell may hold."""
    from credit.forms import CLASSES

    found: list[dict[str, Any]] = []
    for name in imports.columns():
        if _protected(name):
            continue
        fact = schema().facts.get(name)
        values: Any = choices(name, get_language() or "en") if fact and fact.type == "category" else CLASSES.get(name, [])
        found.append({"name": name, "meaning": heading(name), "needed": name in imports.REQUIRED, "values": values})
    return found


def _protected(name: str) -> bool:
    return name in questions() and questions()[name].protected


def heading(name: str) -> str:
    """Return what a column of the file means."""
    words = {
        "reference": _("Your own number of the application"),
        "name": _("Full name"),
        "id_number": _("National id number"),
        "mobile": _("Mobile"),
        "bank_card": _("Bank card"),
        "address": _("Address"),
        "employer": _("Employer"),
        "income": _("Income a month"),
        "monthly_debt": _("Debts a month"),
        "product": _("Code of the product"),
        "amount": _("Amount"),
        "term": _("Term in months"),
        "purpose": _("Purpose"),
        "consent_bureau": _("Authorisation for the bureau query: yes or no"),
        "file": _("File"),
    }
    return words.get(name) or fact_words(name)


@needs(IMPORT_APPLICATION)
@require_GET
def application_import_job(request: Asked, public_id: str) -> HttpResponse:
    """Show how far a file is, and what each bad line needs; the page asks again until the job is over."""
    batch = batches(request).filter(public_id=public_id).first()
    if batch is None:
        raise Http404
    told = [row | {"heading": heading(row["field"]) if row.get("field") else ""} for row in batch.job.problems]
    context = {
        "batch": batch,
        "job": batch.job,
        "poll_url": request.path,
        "problems": [row for row in told if not row.get("warning")],
        "warnings": [row for row in told if row.get("warning")],
    }
    status = 286 if batch.job.is_over and htmx.wants_part(request) else 200
    return htmx.render(request, "credit/import_job.html", "credit/_import_job.html", context, status=status)


@needs(IMPORT_APPLICATION)
@require_GET
def application_import_problems(request: Asked, public_id: str) -> HttpResponse:
    """Give the bad lines as a table to work through."""
    batch = batches(request).filter(public_id=public_id).first()
    if batch is None:
        raise Http404
    response = _csv(f"{public_id}-problems.csv")
    writer = csv.writer(response)
    writer.writerow([_("line"), _("column"), _("what to change")])
    for row in batch.job.problems:
        writer.writerow([row.get("line") or "", row.get("field", ""), row.get("message", "")])
    return response


@needs(IMPORT_APPLICATION)
@require_GET
def application_import_template(request: Asked) -> HttpResponse:
    """Give an empty table with every heading and one example line."""
    from credit.models import Product

    product = Product.objects.visible_to(request.user).live().order_by("code").values_list("code", flat=True).first()
    names = [name for name in imports.columns() if not _protected(name)]
    example = EXAMPLE | {"product": product or EXAMPLE["product"]}
    response = _csv("applications.csv")
    writer = csv.writer(response)
    writer.writerow(names)
    writer.writerow([example.get(name, _sample(name)) for name in names])
    return response


def _sample(name: str) -> str:
    found = questions().get(name)
    if found is None:
        return ""
    if found.type == "category":
        return sorted(found.values)[0]
    return {"integer": "1", "boolean": "yes"}.get(found.type, "")


def _csv(name: str) -> HttpResponse:
    """Return an empty CSV answer; the mark at its head tells spreadsheets that it is UTF-8."""
    response = HttpResponse("﻿", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
