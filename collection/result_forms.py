"""Forms of the results of collections: the file they leave as, and the figure a list of cases is narrowed to."""

from typing import Any

import django_filters
from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from collection import permissions, result_report
from crm.lib import tables
from governance import table_files
from governance.list_forms import ExportForm


class FileForm(ExportForm):
    """Why the figures leave as a file, and in which form."""

    form = forms.ChoiceField(
        label=_("Form of the file"), choices=[(table_files.XLSX, _("Workbook (XLSX)")), (table_files.CSV, _("Comma-separated values (CSV)"))],
        widget=forms.RadioSelect, initial=table_files.XLSX,
    )  # fmt: skip
    field_order = ("form", "purpose", "reason", "query")


class FigureField(forms.CharField):
    """The figure whose cases are asked for."""

    def clean(self, value: Any) -> Any:
        return result_report.behind(str(value)) if value else ""


class FigureFilter(django_filters.Filter):
    field_class = FigureField


def sheets(user: Any, params: QueryDict) -> list[tables.Sheet]:
    """Return the file somebody ordered, read when it is written."""
    return result_report.as_file(result_report.read(user, params, at=now()))


TABLE = tables.Table(
    "collections.results",
    _("Results of collections"),
    permissions.VIEW_RESULT,
    permissions.EXPORT,
    lambda: reverse("collection-results"),
    sheets,
)
tables.declare(TABLE)
