"""Pages of the data catalogue: models, columns, purposes; one model, one column; the whole as a file."""

import csv
import io
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import dress
from crm.lib.pages import Chip, Page
from crm.lib.permissions import needs
from governance import catalogue, permissions, purposes
from governance.asked import Asked
from governance.catalogue import CLASSES, LEVELS, SEARCHES, Entry
from governance.models import DataPurpose, LegalBasis
from governance.role_views import APPS
from governance.table_files import safe
from ledger import log

PER_PAGE = 50
TONES = {1: "neutral", 2: "info", 3: "caution", 4: "bad", 5: "bad"}
ANY = ("", gettext_lazy("Any"))
SHOWS = {"models": gettext_lazy("Models"), "columns": gettext_lazy("Columns"), "purposes": gettext_lazy("Purposes")}


class CatalogueFilter(forms.Form):
    """What may be asked of the catalogue; nothing of it is personal, so it may stand in an address."""

    app = forms.ChoiceField(label=gettext_lazy("Room"), required=False)
    level = forms.ChoiceField(label=gettext_lazy("Level"), required=False, choices=[ANY, *((str(n), name) for n, name in LEVELS.items())])
    kind = forms.ChoiceField(label=gettext_lazy("Class"), required=False, choices=[ANY, *CLASSES.items()])
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), required=False)
    encrypted = forms.ChoiceField(
        label=gettext_lazy("Sealed"), required=False, choices=[ANY, ("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
    )
    columns = forms.ChoiceField(
        label=gettext_lazy("Columns"), required=False,
        choices=[ANY, ("business", gettext_lazy("of the business")), ("technical", gettext_lazy("technical"))],
    )  # fmt: skip
    text = forms.CharField(label=gettext_lazy("Name or meaning"), required=False, max_length=60)

    def __init__(self, data: Any, names: dict[str, str]) -> None:
        super().__init__(data)
        self.fields["app"].choices = [ANY, *((app, APPS.get(app, app)) for app in dict.fromkeys(e.app for e in catalogue.entries()))]  # type: ignore[attr-defined]
        self.fields["purpose"].choices = [ANY, *names.items()]  # type: ignore[attr-defined]
        dress(self)


def shown(one: Entry, names: dict[str, str]) -> dict[str, Any]:
    """Return a column as the templates show it."""
    return {
        "entry": one,
        "url": reverse("catalogue-column", args=[one.model._meta.label_lower, one.name]),
        "tone": TONES[one.level],
        "level": LEVELS[one.level],
        "kind": CLASSES.get(one.kind, ""),
        "purposes": [names.get(code, code) for code in one.purposes],
        "search": SEARCHES[one.search] if one.search != "none" else "",
        "recipients": [purposes.recipient(code) for code in one.shared_with],
    }


def read(request: Asked, names: dict[str, str]) -> Page:
    """Return one page of columns; those in memory are paged by number."""
    form = CatalogueFilter(request.GET, names)
    asked = form.cleaned_data if form.is_valid() else {}
    rows = catalogue.narrowed(catalogue.entries(), asked)
    number = request.GET.get("page", "1")
    at = min(max(int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1, 1), max(-(-len(rows) // PER_PAGE), 1))
    page = Page([shown(one, names) for one in rows[(at - 1) * PER_PAGE : at * PER_PAGE]], len(rows), False, "", {})
    page.form, page.state, page.clear = form, SimpleNamespace(kept=[("show", "columns")]), f"{request.path}?show=columns"

    def to(**changes: Any) -> str:
        query = request.GET.copy()
        for name, value in ({"show": "columns"} | changes).items():
            query[name] = str(value)
        for name in [name for name in query if not query[name]]:
            del query[name]
        return f"?{query.urlencode()}"

    page.prev = to(page=at - 1) if at > 1 else ""
    page.next = to(page=at + 1) if at * PER_PAGE < len(rows) else ""
    for name, value in asked.items():
        if value:
            said = dict(getattr(form.fields[name], "choices", ())).get(value, value)
            page.chips.append(Chip(form.fields[name].label, said, to(**{name: "", "page": ""})))
    return page


def names_of() -> dict[str, str]:
    return {row.code: str(row) for row in DataPurpose.objects.filter(is_active=True).order_by("pk")}


def models_shown() -> list[dict[str, Any]]:
    """Return each model with what its columns add up to."""
    found = []
    for model in catalogue.our_models():
        rows = catalogue.of_model(model._meta.label_lower)
        level = max(one.level for one in rows)
        policy: Any = model.POLICY  # type: ignore[attr-defined]
        found.append({
            "label": model._meta.label, "policy": policy, "url": reverse("catalogue-model", args=[model._meta.label_lower]),
            "level": LEVELS[level], "tone": TONES[level], "columns": len(rows), "sealed": sum(one.encrypted for one in rows),
            "app": APPS.get(model._meta.app_label, model._meta.app_label),
        })  # fmt: skip
    return found


def chart() -> dict[str, Any]:
    """Return how many columns have each level, as a picture with its table."""
    counts = catalogue.counted(catalogue.entries())
    sealed = catalogue.counted(one for one in catalogue.entries() if one.encrypted)
    high = sum(number for level, number in counts.items() if level >= catalogue.OPEN_LEVEL)
    title = _("%(high)s of %(all)s columns are of level 3 or above") % {"high": high, "all": sum(counts.values())}
    caption = _("Columns by level of JR/T 0197-2020")
    labels = [str(LEVELS[level]) for level in counts]
    here = reverse("catalogue")
    return {
        "name": "levels", "title": title, "caption": caption, "heads": [_("Level"), _("Columns"), _("Sealed")],
        "rows": [
            {"label": LEVELS[level], "url": f"{here}?show=columns&level={level}", "cells": [number, sealed[level]]} for level, number in counts.items()
        ],
        "data": {
            "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": localdate().isoformat(), "complete": True, "note": "",
            "x": {"label": "", "type": "category", "values": labels}, "y": {"label": _("columns"), "unit": "count"},
            "series": [
                {"key": "all", "name": _("Columns"), "role": "main", "values": list(counts.values())},
                {"key": "sealed", "name": _("Sealed"), "role": "compare", "values": list(sealed.values())},
            ],
            "marks": [], "events": [],
        },
    }  # fmt: skip


def purposes_shown() -> list[dict[str, Any]]:
    """Return each purpose with its ground and the personal columns it may read."""
    found = []
    for row in DataPurpose.objects.select_related("basis").order_by("pk"):
        reach = [one for one in catalogue.entries() if one.kind in row.classes and row.code in one.purposes and one.key not in row.without]
        found.append(
            {"purpose": row, "kept": _(row.kept), "columns": len(reach), "url": f"{reverse('catalogue')}?show=columns&purpose={row.code}"}
        )
    return found


@needs(permissions.VIEW_CATALOGUE)
@require_GET
def overview(request: Asked) -> HttpResponse:
    """Show the models, the columns or the purposes."""
    show = request.GET.get("show", "models")
    show = show if show in SHOWS else "models"
    tabs = [{"url": f"?show={name}", "label": label, "current": name == show} for name, label in SHOWS.items()]
    context: dict[str, Any] = {"show": show, "tabs": tabs}
    if show == "columns":
        context["page"] = read(request, names_of())
        return htmx.render(request, "governance/catalogue.html", "governance/_catalogue_rows.html", context)
    if show == "purposes":
        context |= {"purposes": purposes_shown(), "bases": LegalBasis.objects.order_by("pk")}
    else:
        context |= {"models": models_shown(), "chart": chart()}
    return htmx.render(request, "governance/catalogue.html", "governance/catalogue.html", context)


@needs(permissions.VIEW_CATALOGUE)
@require_GET
def model(request: Asked, label: str) -> HttpResponse:
    """Show one model and all its columns."""
    rows = catalogue.of_model(label)
    if not rows:
        raise Http404
    names = names_of()
    policy: Any = rows[0].model.POLICY  # type: ignore[attr-defined]
    context = {
        "label": rows[0].model._meta.label, "policy": policy, "rows": [shown(one, names) for one in rows],
        "basis": LegalBasis.objects.filter(code=policy.basis).first(), "purposes": [names.get(code, code) for code in policy.purposes],
        "level": LEVELS[max(one.level for one in rows)], "sealed": sum(one.encrypted for one in rows),
    }  # fmt: skip
    return htmx.render(request, "governance/catalogue_model.html", "governance/catalogue_model.html", context)


@needs(permissions.VIEW_CATALOGUE)
@require_GET
def column(request: Asked, label: str, name: str) -> HttpResponse:
    """Show all that is said of one column, and where it appears."""
    one = next((row for row in catalogue.of_model(label) if row.name == name), None)
    if one is None:
        raise Http404
    said = shown(one, names_of())
    basis = LegalBasis.objects.filter(code=one.basis).first()
    facts = [
        (_("Owner"), APPS.get(one.owner, one.owner)), (_("Level (JR/T 0197-2020)"), said["level"]), (_("Class (JR/T 0171-2020)"), said["kind"]),
        (_("Purposes"), ", ".join(said["purposes"])), (_("Legal basis"), basis), (_("Source"), basis.citation if basis else ""),
        (_("Kept"), one.retention), (_("Mask"), one.mask), (_("Sealed"), _("Yes") if one.encrypted else _("No")),
        (_("Why it lies open"), one.why_open), (_("Search"), SEARCHES[one.search]), (_("Given to"), ", ".join(said["recipients"])),
        (_("Type"), one.type),
    ]  # fmt: skip
    context = {"entry": one, "said": said, "facts": facts, "places": catalogue.places(one), "label": one.model._meta.label} | {
        "up": reverse("catalogue-model", args=[label]),
    }
    return htmx.render(request, "governance/catalogue_column.html", "governance/catalogue_column.html", context)


HEADS = (
    "model", "column", "type", "owner", "meaning", "level", "class", "purposes", "legal_basis", "citation", "retention", "mask", "encrypted",
    "search", "shared_with", "why_open", "technical",
)  # fmt: skip


def line(one: Entry, citations: dict[str, str]) -> list[Any]:
    """Return a column as a line of the file."""
    return [
        one.model._meta.label, one.name, one.type, one.owner, one.meaning, one.level, one.kind, " ".join(one.purposes), one.basis,
        citations.get(one.basis, ""), one.retention, one.mask, "yes" if one.encrypted else "no", one.search, " ".join(one.shared_with),
        one.why_open, "yes" if one.technical else "no",
    ]  # fmt: skip


@needs(permissions.VIEW_CATALOGUE)
@require_GET
def file(request: Asked) -> HttpResponse:
    """Give the columns that were asked for as CSV, in the reader's language; the download is on the record."""
    form = CatalogueFilter(request.GET, names_of())
    rows = catalogue.narrowed(catalogue.entries(), form.cleaned_data if form.is_valid() else {})
    citations = dict(LegalBasis.objects.values_list("code", "citation"))
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(HEADS)
    table.writerows([safe(cell) for cell in line(one, citations)] for one in rows)
    log.record("governance.catalogue.exported", request.user, actor=request.user, at=now(), rows=len(rows))
    return HttpResponse(
        b"\xef\xbb\xbf" + out.getvalue().encode(), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="catalogue.csv"', "Cache-Control": "no-store"},
    )  # fmt: skip
