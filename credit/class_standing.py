"""How a loan stands as of its last close, in words."""

from typing import Any

from django.db.models import Q

from credit import delinquency, ranges
from credit.models import ClassMark, Loan, RiskClass
from credit.permissions import CLASSIFY_LOAN, PAUSE_LOAN, VIEW_CLASS


def of(loan: Loan, user: Any) -> dict[str, Any]:
    """Return what the loan's page says of its lateness: both counters, range, class, stage, expected loss, the pause that runs."""
    found = delinquency.range_of(loan.treatment_dpd, ranges.of_loan(loan)) if loan.treatment_dpd else None
    opened, open_loan = loan.legal_entity.business_date, loan.status == Loan.Status.OPEN
    running = loan.pauses.filter(until_on__gt=opened).order_by("from_on").first() if open_loan else None
    return {
        "class_label": RiskClass(loan.risk_class).label,
        "range": found.name if found else "",
        "pause": running,
        "history": ranges.history(loan),
        "marks": marks(loan) if open_loan else [],
        "may_see_marks": user.has_perm(VIEW_CLASS),
        "may_pause": open_loan and user.has_perm(PAUSE_LOAN),
        "may_classify": open_loan and loan.risk_class < RiskClass.LOSS and user.has_perm(CLASSIFY_LOAN),
    }


def marks(loan: Loan) -> list[dict[str, Any]]:
    """Return the floors under the class of an open loan: those that hold, and the override that waits for its next person."""
    rows = loan.class_marks.exclude(status=ClassMark.Status.REFUSED).defer("note").order_by("-risk_class", "pk")
    held = rows.filter(Q(until_on__isnull=True) | Q(until_on__gt=loan.legal_entity.business_date))
    return [{"mark": mark, "waits": mark.status != ClassMark.Status.APPROVED} for mark in held]
