"""What a customer owes on one day: overdue with penalty, and all that is left, loan by loan, from the instalments as they stand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from collection import contested
from credit import effects, movements, payoffs
from credit.events import Event
from credit.models import Installment, Loan
from crm.lib.money import total

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Owed:
    """One loan on one day. `overdue` is everything due and unpaid; `payoff` ends the loan on that day; both with penalty.

    `contested` is what an open dispute is about: it is owed until decided otherwise, and not demanded meanwhile.
    """

    loan: Loan
    overdue: Decimal
    penalty: Decimal
    payoff: Decimal
    contested: Decimal = ZERO

    @property
    def demand(self) -> Decimal:
        """What may be asked for now: what is overdue without what is contested."""
        return max(self.overdue - self.contested, ZERO)


def of_loans(loans: Iterable[Loan], *, on: date) -> list[Owed]:
    """Return what each open loan owes on a day, in the order given; four statements for all, `product` joined by the caller."""
    loans = [loan for loan in loans if loan.status == Loan.Status.OPEN]
    rows: dict[int, list[Installment]] = defaultdict(list)
    for row in Installment.objects.filter(loan__in=loans).order_by("loan_id", "seq"):
        rows[row.loan_id].append(row)
    moves = movements.events_of(loans)
    held = contested.held_back([loan.pk for loan in loans])
    return [of_loan(loan, rows[loan.pk], moves[loan.pk], on=on, held_back=held[loan.pk]) for loan in loans]


def of_loan(loan: Loan, rows: list[Installment], moves: Sequence[Event], *, on: date, held_back: Decimal = ZERO) -> Owed:
    unpaid = [each for each in rows if each.status != Installment.Status.PAID]
    due = [each for each in unpaid if each.due_on <= on]
    penalty = total([effects.penalty_on(loan, each, on) - each.penalty_paid for each in due])
    return Owed(loan, total([each.owed for each in due]) + penalty, penalty, payoffs.figures(loan, on, moves).total, held_back)


def overdue_until(customer_id: int, *, today: date, until: date) -> Decimal:
    """Return what may be demanded today on all open loans with the penalty that grows until a later day: what cures then, if nothing comes
    before. What is contested is left out.
    """
    return demanded(customer_id, until=until, due_until=today)


def most_by(customer_id: int, *, on: date) -> Decimal:
    """Return the most a promise of this customer can be about: everything unpaid on all open loans, with penalty as of a day; without
    what is contested.
    """
    return demanded(customer_id, until=on)


def demanded(customer_id: int, *, until: date, due_until: date | None = None) -> Decimal:
    loans = {loan.pk: loan for loan in Loan.objects.open().filter(customer_id=customer_id).order_by("pk")}
    rows = Installment.objects.filter(loan__in=loans).exclude(status=Installment.Status.PAID).order_by("loan_id", "seq")
    sums = dict.fromkeys(loans, ZERO)
    for each in rows if due_until is None else rows.filter(due_on__lte=due_until):
        sums[each.loan_id] += each.owed + effects.penalty_on(loans[each.loan_id], each, until) - each.penalty_paid
    held = contested.held_back(loans)
    return total([max(amount - held[pk], ZERO) for pk, amount in sums.items()])
