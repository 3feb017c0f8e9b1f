"""What the close of a day does to revolving lines: statements on their day, and no more draws for those past due.

Called for a range of loans whose day was just closed, in the same transaction. A statement comes out of the same play as every movement,
so that a line played anew has what the close wrote.
"""

from collections import defaultdict
from datetime import date, datetime
from typing import cast

from django.db.models import F

from credit import event_rows, lines, movements
from credit.events import Event
from credit.models import CreditLine, Installment, Loan, Transaction
from credit.revolving import LineState
from credit.terms import Refused
from crm.lib.errors import DomainError
from governance import users
from ledger import log


class NotMade(DomainError):
    """What is stored of a line is not what its movements make of it: it is set aside until somebody has looked."""

    code = "statement_not_made"


def make(entity_id: int, first: int, last: int, day: date, *, at: datetime) -> None:
    """Make the statements of `day` for the lines of a range, freeze those that are past due; once, however often it is called.

    :raises NotMade: for a line whose movements make no history
    """
    closed = CreditLine.objects.filter(
        loan_id__gte=first, loan_id__lte=last, loan__legal_entity=entity_id, loan__status=Loan.Status.OPEN, loan__closed_on=day
    ).select_related("loan")
    _bill(list(closed.filter(next_statement_on__lte=day).order_by("pk")), day, at=at)
    late = closed.filter(frozen_on=None, freeze_days__gt=0, loan__dpd__gte=F("freeze_days"))
    _freeze(list(late.order_by("pk")), day, at=at)


def _bill(found: list[CreditLine], day: date, *, at: datetime) -> None:
    if not found:
        return
    loans = [line.loan for line in found]
    moves = event_rows.events_of(loans)
    stored: dict[int, dict[int, Installment]] = defaultdict(dict)
    for row in Installment.objects.filter(loan__in=loans).order_by("seq"):
        stored[row.loan_id][row.seq] = row
    fresh: list[Installment] = []
    kept: list[Installment] = []
    told: list[log.Row] = []
    over: list[tuple[Loan, LineState]] = []
    for line in found:
        loan = line.loan
        state = _played(loan, moves[loan.pk], day)
        for each in state.installments:
            known = stored[loan.pk].get(each.seq)
            if known is not None:
                if movements.stood(known) != movements.stood(movements.fill(known, each, state, loan)):
                    kept.append(known)
                continue
            fresh.append(movements.fill(Installment(loan=loan, seq=each.seq), each, state, loan))
            facts = {
                "loan": loan.public_id,
                "number": each.seq,
                "minimum": each.outstanding,
                "interest": each.due.interest,
                "due_on": each.due_on,
            }
            told.append(log.Row("credit.loan", loan.pk, loan.customer_id, facts))
        _set(line, state)
        if day >= loan.matures_on:
            over.append((loan, state))
    Installment.objects.bulk_update(kept, movements.WRITTEN, batch_size=1_000)
    Installment.objects.bulk_create(fresh, batch_size=1_000)
    CreditLine.objects.bulk_update(found, lines.KEPT, batch_size=1_000)
    log.record_many("credit.line.statement", told, actor=users.system(), at=at)
    for loan, state in over:  # it gives no more; with nothing owed it is settled
        movements.balance(loan, state)
        movements.keep(loan, state, actor=users.system(), at=at)
    ended = [loan.pk for loan, _state in over if loan.status != Loan.Status.OPEN]
    Loan.objects.filter(pk__in=ended).update(ecl=0)  # judged with its open limit a moment ago; the day's allowance is without it


def _freeze(found: list[CreditLine], day: date, *, at: datetime) -> None:
    if not found:
        return
    loans = [line.loan for line in found]
    system = users.system()
    Transaction.objects.bulk_create(
        Transaction(
            loan=loan, kind=Transaction.Kind.FREEZE, amount=0, value_on=day, at=at, actor=system, key=f"freeze:{day.isoformat()}",
            details={"why": "contract"},
        )
        for loan in loans
    )  # fmt: skip
    moves = event_rows.events_of(loans)
    for line in found:
        _set(line, _played(line.loan, moves[line.loan_id], day))
    CreditLine.objects.bulk_update(found, lines.KEPT, batch_size=1_000)
    Loan.objects.filter(pk__in=[loan.pk for loan in loans]).update(version=F("version") + 1)
    told = [log.Row("credit.loan", loan.pk, loan.customer_id, {"loan": loan.public_id, "dpd": loan.dpd, "by": "close"}) for loan in loans]
    log.record_many("credit.movement.freeze", told, actor=system, at=at)


def _played(loan: Loan, moves: list[Event], day: date) -> LineState:
    try:
        return cast(LineState, movements.played(loan, moves, as_of=day))
    except (DomainError, Refused) as error:
        raise NotMade(str(error)) from error


def _set(line: CreditLine, state: LineState) -> None:
    for name, value in lines.columns(state).items():
        setattr(line, name, value)
