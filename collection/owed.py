"""What a customer owes on one day: overdue with penalty, and all that is left, loan by loan, from the instalments as they stand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit import effects, movements, payoffs
from credit.events import Event
from credit.models import Installment, Loan
from crm.lib.money import total

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Owed:
    """One loan on one day. `overdue` is everything due and unpaid; `payoff` ends the loan on that day; both with penalty."""

    loan: Loan
    overdue: Decimal
    penalty: Decimal
    payoff: Decimal


def of_loans(loans: Iterable[Loan], *, on: date) -> list[Owed]:
    """Return what each open loan owes on a day, in the order given; three statements for all, `product` joined by the caller."""
    loans = [loan for loan in loans if loan.status == Loan.Status.OPEN]
    rows: dict[int, list[Installment]] = defaultdict(list)
    for row in Installment.objects.filter(loan__in=loans).order_by("loan_id", "seq"):
        rows[row.loan_id].append(row)
    moves = movements.events_of(loans)
    return [of_loan(loan, rows[loan.pk], moves[loan.pk], on=on) for loan in loans]


def of_loan(loan: Loan, rows: list[Installment], moves: Sequence[Event], *, on: date) -> Owed:
    unpaid = [each for each in rows if each.status != Installment.Status.PAID]
    due = [each for each in unpaid if each.due_on <= on]
    penalty = total([effects.penalty_on(loan, each, on) - each.penalty_paid for each in due])
    return Owed(loan, total([each.owed for each in due]) + penalty, penalty, payoffs.figures(loan, on, moves).total)


def overdue_until(customer_id: int, *, today: date, until: date) -> Decimal:
    """Return what is overdue today on all open loans with the penalty that grows until a later day: what cures then, if nothing comes before."""
    loans = {loan.pk: loan for loan in Loan.objects.open().filter(customer_id=customer_id).order_by("pk")}
    rows = Installment.objects.filter(loan__in=loans, due_on__lte=today).exclude(status=Installment.Status.PAID).order_by("loan_id", "seq")
    return total([each.owed + effects.penalty_on(loans[each.loan_id], each, until) - each.penalty_paid for each in rows])


def most_by(customer_id: int, *, on: date) -> Decimal:
    """Return the most a promise of this customer can be about: everything unpaid on all open loans, with penalty as of a day."""
    loans = list(Loan.objects.open().filter(customer_id=customer_id).order_by("pk"))
    rows = Installment.objects.filter(loan__in=loans).exclude(status=Installment.Status.PAID).order_by("loan_id", "seq")
    by_pk = {loan.pk: loan for loan in loans}
    return total([each.owed + effects.penalty_on(by_pk[each.loan_id], each, on) - each.penalty_paid for each in rows])
