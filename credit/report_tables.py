"""Reports as files and answers: the same figures as on the page, one line a figure, each with the choices it depends on."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import report_curves, report_matrices, report_ratios, reports  # noqa: F401  the reports declare themselves
from credit.permissions import EXPORT_REPORT, VIEW_REPORT
from credit.report_forms import ReportForm
from credit.reports import REPORTS, Cell, Choices, Report, Result
from crm.lib import tables
from crm.lib.tables import Sheet, Value

PREFIX = "report."
SHARE = Decimal("0.000001")
UNITS = {"percent": gettext_lazy("share"), "money": gettext_lazy("CNY"), "count": gettext_lazy("number")}


def result(report: Report, params: Any, user: Any) -> tuple[Choices | None, Result]:
    """Return what was chosen, and the report read; an empty one while there is no month-end at all."""
    choices = ReportForm(report, params, user).choices()
    if choices is None:
        return None, Result(str(_("There is no month-end to look at yet")), "", [])
    return choices, reports.read(report, choices, user)


def exact(cell: Cell) -> Value:
    """Return a cell's figure as programs read it: money to the cent, a share as a fraction of 1 to six places."""
    return cell.value.quantize(SHARE) if cell.unit == "percent" and isinstance(cell.value, Decimal) else cell.value


def lines(found: Result) -> Sheet:
    """Return every figure of a report on a line of its own."""
    heads = [_("Table"), _("Row"), _("Column"), _("Figure"), _("Unit"), _("Loans"), _("Amount (CNY)"), _("Of loans"), _("Of amount (CNY)"), _("As counted")]  # fmt: skip
    rows: list[Sequence[Value]] = [
        (
            sheet.title,
            row.label,
            head,
            exact(cell),
            str(UNITS[cell.unit]),
            cell.loans,
            cell.amount,
            cell.of_loans,
            cell.of_amount,
            found.caption,
        )
        for sheet in found.sheets
        for row in sheet.rows
        for head, cell in zip(sheet.heads[1:], row.cells, strict=True)
        if cell.value is not None
    ]
    return Sheet(str(_("Figures")), heads, rows)


def as_seen(sheet: reports.Sheet) -> Sheet:
    """Return a table as it stands on the page, with exact values."""
    return Sheet(sheet.title, sheet.heads, [(row.label, *(exact(cell) for cell in row.cells)) for row in sheet.rows])


def sheets(report: Report, user: Any, params: QueryDict) -> list[Sheet]:
    _choices, found = result(report, params, user)
    return [lines(found), *(as_seen(sheet) for sheet in found.sheets)]


def said(report: Report, choices: Choices | None, found: Result) -> dict[str, Any]:
    """Return a report as the API tells it."""
    asked = choices.asked if choices else None
    chosen = {}
    if choices is not None and asked is not None:
        every = {
            "view": asked.view, "basis": reports.EVER if asked.ever else reports.CURRENT, "measure": choices.measure, "by": asked.by,
        }  # fmt: skip
        chosen = {name: value for name, value in every.items() if name in report.choices}
        chosen |= {"product": asked.product, "channel": asked.channel}
    return {
        "name": report.name, "title": str(report.title), "finding": found.title, "counted": found.caption,
        "observed": asked.observed if asked else None, "choices": chosen, "notes": found.notes,
        "tables": [
            {"name": sheet.name, "title": sheet.title, "columns": sheet.heads,
             "rows": [{"key": row.key, "label": row.label, "total": row.is_total, "cells": [told(cell) for cell in row.cells]} for row in sheet.rows]}
            for sheet in found.sheets
        ],
    }  # fmt: skip


def told(cell: Cell) -> dict[str, Any]:
    return {
        "value": None if cell.value is None else str(exact(cell)), "unit": cell.unit, "loans": cell.loans, "amount": cell.amount,
        "of_loans": cell.of_loans, "of_amount": cell.of_amount, "cell": cell.place.token if cell.place and cell.loans else "",
    }  # fmt: skip


for one in REPORTS.values():
    tables.declare(
        tables.Table(
            PREFIX + one.name, one.title, VIEW_REPORT, EXPORT_REPORT, partial(reverse, "report", args=[one.name]), partial(sheets, one)
        )
    )
