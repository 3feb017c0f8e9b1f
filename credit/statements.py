"""The statement of account of a loan: what moved in a period as the books have it, and what the machine says is owed at its end.

Movements and running balances are the postings, by the day from which they count; what is still due is the loan played to the last day of
the period. The two meet: over the whole life the totals of a statement are those of the postings and of the loan's state.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import contract_terms, movements
from credit.accrual import missed
from credit.events import Event
from credit.models import Loan, Posting, Transaction
from credit.state import PARTS, REST, Parts, State
from credit.state import Installment as Played
from crm.lib.errors import Invalid

ZERO = Decimal("0.00")
FORMAT = 1
Account = Posting.Account
ACCOUNTS = {
    "principal": Account.PRINCIPAL, "interest": Account.INTEREST, "fee": Account.FEE, "penalty": Account.PENALTY, "cash": Account.CASH,
    "held": Account.OVERPAYMENT, "recovered": Account.RECOVERY, "lost": Account.LOSS,
}  # fmt: skip
# What comes in is told above zero: these accounts are credited by it.
CREDITED = ("interest", "fee", "penalty", "held", "recovered")


class NotAPeriod(Invalid):
    """A statement is about days between the loan's first and today."""

    code = "not_a_period"


@dataclass(slots=True)
class Sums:
    """Amounts by account. `principal` is what it changed by, `cash` what came in less what went out; the others what was received."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fee: Decimal = ZERO
    penalty: Decimal = ZERO
    cash: Decimal = ZERO
    held: Decimal = ZERO
    recovered: Decimal = ZERO
    lost: Decimal = ZERO

    def add(self, other: "Sums") -> None:
        for name in ACCOUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Row:
    """One movement: what it changed, where the balances stood after it. `undone` names the reversal that took it back."""

    movement: Transaction
    sums: Sums
    numbers: tuple[int, ...]
    principal_after: Decimal
    held_after: Decimal
    undone: str = ""
    reverses: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """An instalment that fell due in the period, and what is left of it at its end."""

    number: int
    due_on: date
    parts: Parts
    left: Decimal


@dataclass(slots=True)
class Accrual:
    """How interest runs at the end of the period: on a principal at a rate by a day count; `a_day` is what the last day earned."""

    principal: Decimal
    annual_rate: Decimal
    day_count: str
    a_day: Decimal
    in_period: Decimal
    accrued: Decimal
    overdue_principal: Decimal
    penalty_rate: Decimal
    penalty_year: int
    penalty_a_day: Decimal


@dataclass(slots=True)
class Statement:
    """A loan in a period."""

    loan: Loan
    first: date
    last: date
    opening_principal: Decimal
    opening_held: Decimal
    rows: list[Row]
    totals: Sums
    closing_principal: Decimal
    closing_held: Decimal
    fell_due: list[Due]
    overdue: Parts
    due_now: Parts
    principal_to_come: Decimal
    state: State
    accrual: Accrual | None = None
    moves: list[Event] = field(default_factory=list)

    @property
    def owed(self) -> Decimal:
        """What is due at the end of the period, overdue or due that day."""
        return self.overdue.total + self.due_now.total


def checked(loan: Loan, first: date, last: date, *, today: date) -> None:
    """Refuse a period that cannot be.

    :raises NotAPeriod: if it ends before it begins, before the loan began, or after `today`
    """
    if last > today:
        sentence: Any = _("Choose a last day up to %(day)s: what is to come has not happened.") % {"day": today.isoformat()}
        raise NotAPeriod(sentence, fields={"last": sentence})
    if last < loan.starts_on:
        sentence = _("The loan began on %(day)s: choose a later last day.") % {"day": loan.starts_on.isoformat()}
        raise NotAPeriod(sentence, fields={"last": sentence})
    if first > last:
        sentence = _("The period ends before it begins.")
        raise NotAPeriod(sentence, fields={"first": sentence})


def of(loan: Loan, first: date, last: date, *, today: date) -> Statement:
    """Return the statement of `loan` from `first` to `last`, both in it; four statements of SQL whatever its length.

    :raises NotAPeriod: if the period cannot be
    """
    checked(loan, first, last, today=today)
    first = max(first, loan.starts_on)  # nothing was before
    opening, rows = _rows(loan, first, last)
    totals = Sums()
    for row in rows:
        totals.add(row.sums)
    moves = [each for each in movements.events(loan) if each.on <= last]
    state = movements.played(loan, moves, as_of=last)
    overdue, due_now, fell_due = Parts(), Parts(), []
    for each in state.installments:
        if each.due_on > last or each.written_off.total or each.seq == REST:
            continue
        for part in PARTS:
            (overdue if each.due_on < last else due_now).add(part, each.left(part))
        if each.due_on >= first:
            due = Parts(*(getattr(each.due, part) - getattr(each.waived, part) for part in PARTS))
            fell_due.append(Due(each.seq, each.due_on, due, each.outstanding))
    made = Statement(
        loan, first, last, opening.principal, opening.held, rows, totals, opening.principal + totals.principal, opening.held + totals.held,
        fell_due, overdue, due_now, ZERO, state, moves=moves,
    )  # fmt: skip
    made.principal_to_come = state.principal_outstanding - overdue.principal - due_now.principal
    made.accrual = accrual(made)
    return made


def _rows(loan: Loan, first: date, last: date) -> tuple[Sums, list[Row]]:
    by_movement: dict[int, Sums] = defaultdict(Sums)
    numbers: dict[int, set[int]] = defaultdict(set)
    postings = Posting.objects.filter(transaction__loan=loan, transaction__value_on__lte=last)
    names = {str(account): name for name, account in ACCOUNTS.items()}
    # What a charge-off or a sale posts beside these is the lender's own result: the borrower's account does not tell it.
    for moved, account, amount, seq in postings.filter(account__in=names).values_list(
        "transaction_id", "account", "amount", "installment__seq"
    ):
        name, sums = names[account], by_movement[moved]
        setattr(sums, name, getattr(sums, name) + (-amount if name in CREDITED else amount))
        if seq is not None and seq != REST:
            numbers[moved].add(seq)
    opening, rows = Sums(), []
    running: Sums | None = None
    found = Transaction.objects.filter(loan=loan, value_on__lte=last).select_related("reverses", "reversal").order_by("value_on", "pk")
    for movement in found:
        sums = by_movement[movement.pk]
        if movement.value_on < first:
            opening.add(sums)
            continue
        if running is None:
            running = Sums(principal=opening.principal, held=opening.held)
        running.add(sums)
        undone = movement.reversal.public_id if hasattr(movement, "reversal") else ""
        reverses = movement.reverses.public_id if movement.reverses else ""
        seqs = tuple(sorted(numbers[movement.pk]))
        rows.append(Row(movement, sums, seqs, running.principal, running.held, undone, reverses))
    return opening, rows


def accrual(made: Statement) -> Accrual | None:
    """Return how interest and penalty run at the end of the period, None for a loan that has ended by then."""
    state, loan, last = made.state, made.loan, made.last
    if state.status != "open":
        return None
    terms = contract_terms.of(loan)
    running = next((row for row in state.installments if row.from_on < last <= row.due_on and row.period is not None), None)
    late = [row for row in state.installments if row.met_on is None and missed(row.due_on, last, terms.penalty.grace_days)]
    overdue = sum((row.unpaid for row in late), ZERO)
    penalty = terms.penalty
    total = state.earned_to(last)
    received = sum((row.paid.interest + row.waived.interest for row in state.installments), ZERO)
    return Accrual(
        principal=_earning(state, running),
        annual_rate=state.terms.annual_rate,
        day_count=state.terms.day_count,
        a_day=total - state.earned_to(last - timedelta(days=1)),
        in_period=total - state.earned_to(made.first - timedelta(days=1)),
        accrued=max(total - received, ZERO),
        overdue_principal=overdue,
        penalty_rate=penalty.annual_rate,
        penalty_year=penalty.year,
        penalty_a_day=(overdue * penalty.annual_rate / penalty.year).quantize(Decimal("0.01")),
    )


def _earning(state: State, running: Played | None) -> Decimal:
    """Return the principal on which interest runs: what the period began with, of a revolving line what is drawn."""
    if state.terms.line is not None:
        return state.principal_outstanding
    return running.makings[-1].opening if running is not None and running.makings else ZERO


def to_json(made: Statement) -> dict[str, Any]:
    """Return the statement as JSON values, amounts as text: what is stored, hashed and printed. No personal value."""
    running = made.accrual
    return {
        "format": FORMAT,
        "loan": made.loan.public_id,
        "first": made.first.isoformat(),
        "last": made.last.isoformat(),
        "opening": {"principal": str(made.opening_principal), "held": str(made.opening_held)},
        "movements": [_row_json(row) for row in made.rows],
        "totals": {name: str(getattr(made.totals, name)) for name in ACCOUNTS},
        "closing": {"principal": str(made.closing_principal), "held": str(made.closing_held)},
        "fell_due": [
            {"number": each.number, "due_on": each.due_on.isoformat(), "left": str(each.left)} | _parts_json(each.parts) for each in made.fell_due
        ],
        "overdue": _parts_json(made.overdue),
        "due_today": _parts_json(made.due_now),
        "principal_to_come": str(made.principal_to_come),
        "accrual": None
        if running is None
        else {
            name: str(getattr(running, name))
            for name in (
                "principal", "annual_rate", "day_count", "a_day", "in_period", "accrued", "overdue_principal", "penalty_rate", "penalty_year",
                "penalty_a_day",
            )
        },
    }  # fmt: skip


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "movement": row.movement.public_id,
        "kind": row.movement.kind,
        "amount": str(row.movement.amount),
        "value_on": row.movement.value_on.isoformat(),
        "recorded_at": row.movement.at.isoformat(),
        "installments": list(row.numbers),
        **{name: str(getattr(row.sums, name)) for name in ACCOUNTS},
        "principal_after": str(row.principal_after),
        "held_after": str(row.held_after),
        "reversed_by": row.undone,
        "reverses": row.reverses,
    }


def _parts_json(parts: Parts) -> dict[str, str]:
    return {part: str(getattr(parts, part)) for part in PARTS} | {"total": str(parts.total)}


def usual(loan: Loan, *, today: date) -> tuple[date, date]:
    """Return the period one mostly wants: the whole loan so far."""
    return loan.starts_on, max(today, loan.starts_on)


__all__: Sequence[str] = ("Accrual", "Due", "NotAPeriod", "Row", "Statement", "checked", "of", "to_json", "usual")
