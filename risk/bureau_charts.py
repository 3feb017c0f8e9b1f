"""Plots of a bureau report: who asked lately, and how late the person was anywhere, month by month."""

from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.dates import add_months
from risk.bureau_report import APPROVAL, MONTHS, Report

YEAR = 12


def drawn(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Return (id, figures) of the plots a report has something to show in."""
    found = []
    if report.inquiries:
        found.append(("bureau-inquiries", inquiries(report)))
    if any(one.dpd for one in report.accounts):
        found.append(("bureau-delays", delays(report)))
    return found


def inquiries(report: Report) -> dict[str, Any]:
    """Return inquiries for credit in each of twelve months up to the report's day."""
    edges = [add_months(report.on, -back) for back in range(YEAR, -1, -1)]
    asked = [one.on for one in report.inquiries if one.purpose == APPROVAL]
    counts = [sum(start < day <= end for day in asked) for start, end in pairwise(edges)]
    return _base(report) | {
        "title": _("Lenders asked %(n)s times within three months") % {"n": sum(counts[-3:])},
        "caption": _("Inquiries for credit by month up to the day of the report"),
        "x": {"type": "category", "values": [f"{end:%Y-%m}" for end in edges[1:]], "label": _("month")},
        "y": {"label": _("inquiries"), "unit": "count"},
        "series": [{"key": "inquiries", "name": _("Inquiries"), "role": "main", "values": counts}],
    }


def delays(report: Report) -> dict[str, Any]:
    """Return the most days past due over all accounts in each of 24 months, the oldest first."""
    months = range(MONTHS - 1, -1, -1)
    worst = [max((one.dpd[back] for one in report.accounts if back < len(one.dpd)), default=0) for back in months]
    most = max(worst)
    title = _("At most %(days)s days late at any lender within 24 months") % {"days": most} if most else _("Never late within 24 months")
    return _base(report) | {
        "title": title,
        "caption": _("Most days past due over all accounts, by month"),
        "x": {"type": "category", "values": [f"{add_months(report.on, -back):%Y-%m}" for back in months], "label": _("month")},
        "y": {"label": _("days past due"), "unit": "count"},
        "series": [{"key": "dpd", "name": _("Days past due"), "role": "main", "values": worst}],
    }


def _base(report: Report) -> dict[str, Any]:
    return {"v": 1, "kind": "bar", "as_of": report.on.isoformat(), "complete": True, "note": "", "marks": [], "events": []}
