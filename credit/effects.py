"""What is owed of stored instalments on a day: closed forms over their rows, for pages, calls and lists that need no replay."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from credit import accrual
from credit.allocation import Due
from credit.models import Installment, Loan
from credit.state import REST


def dues(loan: Loan, installments: Sequence[Installment], on: date) -> list[Due]:
    """Return what a payment on `on` goes to: every unpaid instalment that is due, then the one that runs, oldest first."""
    running = next((each.seq for each in installments if each.due_on > on), None)
    return [
        Due(
            installment=each.pk,
            fee=each.fee - each.fee_paid,
            penalty=penalty_on(loan, each, on) - each.penalty_paid,
            interest=each.interest - each.interest_paid,
            principal=each.principal - each.principal_paid,
        )
        for each in installments
        if each.status != Installment.Status.PAID and each.seq != REST and (each.due_on <= on or each.seq == running)
    ]


def penalty_on(loan: Loan, installment: Installment, on: date) -> Decimal:
    """Return the penalty of an instalment on a day, whether or not that day was closed."""
    if installment.status == Installment.Status.PAID:
        return installment.penalty
    return accrual.penalty(late(installment), annual_rate=loan.penalty_rate, as_of=on, grace_days=loan.grace_days)


def late(installment: Installment) -> accrual.Late:
    """Return the side of an instalment that lateness looks at."""
    return accrual.Late(
        due_on=installment.due_on,
        principal=installment.principal - installment.principal_paid,
        owed=installment.owed,
        penalty_base=installment.penalty_base,
        penalty_since=installment.penalty_since,
    )
