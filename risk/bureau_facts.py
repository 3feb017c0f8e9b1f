"""What a strategy is told of the bureau: whether there is a report that counts, and its figures."""

from datetime import datetime
from typing import Any

from crm.lib.ports import bureau as port
from risk import bureau
from risk.models import BureauQuery, BureauReport

APPROVAL = BureauQuery.Reason.CREDIT_APPROVAL
NOT_CONNECTED, MISSING, STALE = "not_connected", "missing", "stale"
FIGURES = (
    "inquiries_3m", "open_accounts", "lenders", "balance", "monthly_due", "overdue_now", "worst_dpd_24m", "oldest_months",
)  # fmt: skip


def read(customer_id: int, *, reason: str, at: datetime) -> tuple[dict[str, Any], BureauReport | None]:
    """Return the facts, and the report they come from. One query where a bureau is connected and knows the person, two with the rule.

    `bureau_state` is not_connected, missing, stale, or what the report says of itself: full, thin, frozen, unknown. Figures come from the
    newest report on file, whatever its age, so that they equal the features of the catalogue; a policy asks for the state first.
    """
    if not port.is_on():
        return {"bureau_state": NOT_CONNECTED}, None
    report = bureau.latest(customer_id, at=at)
    if report is None:
        return {"bureau_state": MISSING}, None
    state = report.standing if bureau.counts(report, reason=reason, at=at) else STALE
    return {"bureau_state": state, **of_report(report)}, report


def of_report(report: BureauReport) -> dict[str, Any]:
    """Return the figures of a report under the names of facts; nothing where it has none."""
    return {f"bureau_{name}": value for name in FIGURES if (value := getattr(report, name)) is not None}
