"""What makes or changes a schedule: money out, prepayment, new dates, new terms. Pure; played by `credit/machine.py`."""

from dataclasses import replace
from decimal import Decimal

from credit.allocation import Line
from credit.events import Disburse, Event, Prepay, Repay, Reschedule, Restructure
from credit.schedule import build
from credit.state import PlacedCharge
from credit.terms import NotPlayable
from credit.working import Working
from crm.lib.money import quantize

ZERO = Decimal("0.00")


def disburse(loan: Working, event: Disburse) -> None:
    """Pay out; the first money makes the schedule, each later tranche spreads what is not due yet anew.

    :raises NotPlayable: (over_disbursed) if more goes out than the terms' principal
    """
    if loan.disbursed + event.amount > loan.terms.principal:
        raise NotPlayable("over_disbursed", f"{loan.disbursed} + {event.amount} is more than {loan.terms.principal}")
    first = not loan.rows
    loan.disbursed += event.amount
    loan.principal += event.amount
    loan.flows.append((event.on, event.amount))
    if not first:
        raise NotPlayable("nothing_to_reshape", "one tranche")
    terms = loan.terms
    if (event.amount, event.on) != (terms.principal, terms.starts_on):
        terms = replace(terms, principal=event.amount, starts_on=event.on)
    loan.set_rows(loan.born(row, event.on) for row in build(terms, loan.holidays))
    for fee in terms.fees:
        if fee.when == "up_front":
            cost = fee.amount + quantize(event.amount * fee.rate)
            loan.place(PlacedCharge(f"{event.key}:{fee.code}", "fee", cost, event.on))
    loan.done(event, event.amount)
    if terms.down_payment and terms.down_payment_collected:
        down = Repay(key=f"{event.key}:down_payment", on=event.on, amount=loan.rows[0].due.principal, kind="down_payment")
        lines = (Line(1, "principal", down.amount),)
        loan.pay(lines, event.on)
        loan.done(down, down.amount, lines=lines)


def prepay(loan: Working, event: Prepay) -> None:
    _not_yet(event)


def reschedule(loan: Working, event: Reschedule) -> None:
    _not_yet(event)


def restructure(loan: Working, event: Restructure) -> None:
    _not_yet(event)


def _not_yet(event: Event) -> None:
    raise NotPlayable("not_yet", f"{event.key!r}: this event is not played yet")
