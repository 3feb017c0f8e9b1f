"""Revolving lines as they are stored: opened by an accepted offer, and what each keeps beside its loan."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db import transaction

from credit import contract_terms, event_rows, machine
from credit.books import money_day
from credit.due_dates import YEARS
from credit.loans import of_offer
from credit.models import CreditLine, Installment, Loan, Offer, Transaction
from credit.revolving import LineState
from credit.state import REST
from crm.lib.dates import add_months
from crm.lib.money import Mode, quantize
from governance.models import User
from ledger import log

EXACT = Decimal("0.00000001")
KEPT = ("next_statement_on", "frozen_on", "freeze_days", "accrued", "counted_to", "earning", "ahead")


@transaction.atomic
def open_line(offer: Offer, *, key: str, actor: User, at: datetime) -> Loan:
    """Write the contract of an accepted `offer` of a line; nothing is paid out. Called by `offers.accept`."""
    on = money_day(offer.application.legal_entity, at)
    loan = of_offer(
        offer, on=on, at=at, matures_on=add_months(on, offer.term, on.day), principal_outstanding=Decimal("0.00"), undrawn=offer.amount,
        revolving=True,
    )  # fmt: skip
    loan.save(force_insert=True)
    granted = Transaction.objects.create(
        loan=loan, kind=Transaction.Kind.LIMIT, amount=offer.amount, value_on=on, at=at, actor=actor, key=key
    )
    state = cast(LineState, machine.play(contract_terms.of(loan), [event_rows.event(granted)], loan.closed_on))
    Installment.objects.create(
        loan=loan, seq=REST, from_on=on, due_on=loan.matures_on, principal=0, interest=0, penalty_since=loan.matures_on, paid_on=on,
        status=Installment.Status.PAID,
    )  # fmt: skip
    write(loan, state)
    log.record(
        "credit.loan.booked", loan, actor=actor, at=at, principal=loan.principal, term=loan.term, annual_rate=loan.annual_rate, starts_on=on,
        transaction=granted.public_id, cost_hash=offer.cost_hash, revolving=True,
    )  # fmt: skip
    return loan


def columns(state: LineState) -> dict[str, Any]:
    """Return what a line keeps beside its loan."""
    return {
        "next_statement_on": state.next_statement_on,
        "frozen_on": state.frozen_on,
        "freeze_days": state.line.freeze_days,
        "accrued": state.accrued.quantize(EXACT),
        "counted_to": state.counted_to,
        "earning": state.earning,
        "ahead": state.ahead,
    }


def write(loan: Loan, state: LineState) -> None:
    """Keep what `state` says beside the loan."""
    CreditLine.objects.update_or_create(loan=loan, defaults=columns(state))


def a_day(loan: Loan) -> Decimal:
    """Return what a day costs on what is drawn, in whole cents; without playing the line."""
    return quantize(loan.principal_outstanding * loan.annual_rate / YEARS[loan.day_count], cast(Mode, loan.rounding))


def unbilled(loan: Loan, line: CreditLine, on: date) -> Decimal:
    """Return the interest of a line since its last statement up to a day, less what was paid of it; without playing it."""
    if loan.status != Loan.Status.OPEN:
        return Decimal("0.00")
    days = (on - line.counted_to).days
    grown = line.accrued + loan.annual_rate * days * (loan.principal_outstanding if days >= 0 else line.earning)
    return quantize(grown / YEARS[loan.day_count], cast(Mode, loan.rounding)) - line.ahead


def frozen_on(loan: Loan) -> date | None:
    """Return since when a line is frozen."""
    return CreditLine.objects.values_list("frozen_on", flat=True).get(loan=loan)
