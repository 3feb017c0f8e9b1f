"""Where reports stand in the menu, and what of them stands on home pages."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import report_facts, report_tables  # noqa: F401  reports and their files declare themselves
from credit.accrual import LAST_BUCKET
from credit.models import Loan
from credit.permissions import VIEW_REPORT
from credit.report_facts import Asked, Figures
from credit.report_math import share
from crm.lib import home, menu
from crm.lib.templatetags.crm import percent

READERS = ("collections_supervisor", "risk_analyst", "risk_manager", "compliance", "auditor", "loan_operations")

menu.entry(group="reports", order=10, label=gettext_lazy("Reports"), url_name="report-list", permission=VIEW_REPORT, icon="reports")


def _last(report: str, user: Any) -> tuple[str, Figures]:
    """Return the last month-end and the figures of a report on it."""
    days = report_facts.months_on_file()[:1]
    if not days:
        return "", Figures([])
    return days[0].isoformat(), report_facts.count(Asked(report, days[0]), Loan.objects.visible_to(user))


def past_due(user: Any, at: datetime) -> dict[str, Any]:
    """Return the share of the book more than 30 days past due at the last month-end."""
    day, figures = _last("ageing", user)
    late = share(figures.at("at", None, 2, LAST_BUCKET).amount, figures.at("at", None, 0, LAST_BUCKET).amount)
    return {
        "figure": percent(late, 2) if late is not None else "",
        "under": _("30+ days past due, %(day)s") % {"day": day} if day else _("No month-end on file"),
        "url": reverse("report", args=["ageing"]),
    }


home.figure("credit.report.past_due", label=gettext_lazy("Book past due"), permission=VIEW_REPORT, read=past_due, order=28, roles=READERS)
home.action(
    "credit.reports", label=gettext_lazy("Reports"), permission=VIEW_REPORT, url_name="report-list", icon="reports", key="", order=95
)
