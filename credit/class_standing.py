"""How a loan stands as of its last close, in words."""

from typing import Any

from credit import delinquency, ranges
from credit.models import Loan, RiskClass
from credit.permissions import CLASSIFY_LOAN, PAUSE_LOAN


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
        "may_pause": open_loan and user.has_perm(PAUSE_LOAN),
        "may_classify": open_loan and loan.risk_class < RiskClass.LOSS and user.has_perm(CLASSIFY_LOAN),
    }
