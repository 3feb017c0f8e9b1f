"""How late a loan stands after its money moved: the counters as of its last close, and the word for what changed."""

from collections.abc import Iterable

from credit import accrual, delinquency
from credit.models import Loan

SAVED = ["dpd", "treatment_dpd", "bucket", "oldest_due_on"]


def stand(loan: Loan, lates: Iterable[accrual.Late]) -> None:
    """Set the counters of `loan` from what is unpaid, as of `loan.closed_on`. Class, stage and expected loss wait for the next close."""
    unpaid = list(lates)
    loan.dpd = accrual.days_past_due(unpaid, as_of=loan.closed_on, grace_days=loan.grace_days)
    loan.bucket = accrual.bucket(loan.dpd)
    loan.oldest_due_on = min(each.due_on for each in unpaid if each.owed > 0) if loan.dpd else None
    loan.treatment_dpd = delinquency.treatment_days(
        loan.oldest_due_on, as_of=loan.closed_on, grace_days=loan.grace_days, pauses=pauses_of(loan) if loan.dpd else ()
    )


def pauses_of(loan: Loan) -> list[delinquency.Pause]:
    return [delinquency.Pause(row.from_on, row.until_on) for row in loan.pauses.all()]


def bucket_event(was: int, now: int) -> str:
    """Return the name of what happened when a loan's bucket changed."""
    if not was:
        return "credit.loan.overdue"
    return "credit.loan.cured" if not now else "credit.loan.bucket_moved"
