"""What makes or changes a schedule: money out, prepayment, new dates, new terms. Pure; played by `credit/machine.py`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from credit import early_end, recalculation
from credit.allocation import Line
from credit.due_dates import Period, periods_of, remaining
from credit.events import Disburse, Prepay, Repay, Reschedule, Restructure
from credit.schedule import amortise, build, scheduled_fees
from credit.state import Installment, Parts, PlacedCharge
from credit.terms import NotPlayable, Terms
from credit.working import Working, joined
from crm.lib.money import CENT, quantize

ZERO = Decimal("0.00")


def disburse(loan: Working, event: Disburse) -> None:
    """Pay out; the first money makes the schedule, each later tranche spreads what is not due yet anew.

    :raises NotPlayable: (over_disbursed) if more goes out than the terms' principal, (nothing_to_reshape) if all is due already
    """
    if loan.disbursed + event.amount > loan.terms.principal:
        raise NotPlayable("over_disbursed", f"{loan.disbursed} + {event.amount} is more than {loan.terms.principal}")
    first = not loan.rows
    loan.disbursed += event.amount
    loan.principal += event.amount
    loan.flows.append((event.on, event.amount))
    terms = loan.terms
    if first:
        if (event.amount, event.on) != (terms.principal, terms.starts_on):
            terms = loan.calendar = replace(terms, principal=event.amount, starts_on=event.on)
        loan.set_rows(loan.born(row, event.on) for row in build(terms, loan.holidays))
    else:
        rows = not_due(loan, event.on)
        period = whole(rows[0])
        interest = rows[0].earned + quantize(event.amount * period.factor * remaining(terms, period, event.on), terms.rounding)
        anew(loan, rows, [whole(row) for row in rows], more=event.amount, first_interest=interest)
    for fee in terms.fees:
        if fee.when == "up_front":
            cost = fee.amount + quantize(event.amount * fee.rate)
            loan.place(PlacedCharge(f"{event.key}:{fee.code}", "fee", cost, event.on))
    loan.done(event, event.amount)
    if first and terms.down_payment and terms.down_payment_collected:
        down = Repay(key=f"{event.key}:down_payment", on=event.on, amount=loan.rows[0].due.principal, kind="down_payment")
        lines = (Line(1, "principal", down.amount),)
        loan.pay(lines, event.on)
        loan.done(down, down.amount, lines=lines)


def not_due(loan: Working, on: date) -> list[Installment]:
    """Return the instalments that fall due after `on`.

    :raises NotPlayable: (nothing_to_reshape) if there is none
    """
    rows = [row for row in loan.rows if row.due_on > on and row.kind == "installment"]
    if not rows:
        raise NotPlayable("nothing_to_reshape", f"no instalment falls due after {on}")
    return rows


def whole(row: Installment) -> Period:
    """Return the period of an instalment of the schedule."""
    return row.period or Period(row.from_on, row.due_on, Decimal(0))


def anew(
    loan: Working,
    rows: Sequence[Installment],
    periods: Sequence[Period],
    *,
    more: Decimal = ZERO,
    first_interest: Decimal | None = None,
    payment: Decimal | None = None,
) -> None:
    """Spread the principal of `rows`, and `more`, over `periods`; instalments are written in place, added or left out at the end.

    What was paid of an instalment stays paid in it; principal prepaid in it stays on top of what the schedule makes of the rest.
    """
    terms = loan.terms
    balance = sum((row.due.principal - row.prepaid for row in rows), more)
    kept = [row for row in loan.rows if row.seq < rows[0].seq]
    behind = [row for row in loan.rows if row.seq > rows[-1].seq]
    fee = scheduled_fees(terms.fees, terms.principal, 2)[1]
    parts = amortise(terms, periods, balance, payment=payment, first_interest=first_interest)
    made: list[Installment] = []
    over = ZERO  # paid of an instalment in advance beyond what it is now due: the following ones are due less
    for n, (period, part) in enumerate(zip(periods, parts, strict=True)):
        if n < len(rows):
            row = rows[n]
        else:
            row = Installment(rows[0].seq + n, period.from_on, period.due_on, Parts(fee=fee))
        principal = part.principal + row.prepaid - over
        over = max(row.paid.principal - principal, ZERO)
        row.due.principal = principal + over
        row.due.interest = max(part.interest, row.paid.interest + row.waived.interest)
        row.earned, row.plan = part.earned, part.principal + part.interest
        row.from_on, row.due_on, row.period = period.from_on, period.due_on, period
        if not row.paid.total and not row.penalty_base:
            row.penalty_since = period.due_on
        row.met_on = None
        made.append(row)
    _give_back(made, over)
    for row in rows[len(periods) :]:
        row.due.principal, row.due.interest, row.due.fee = row.paid.principal, row.paid.interest, row.paid.fee
        made.append(row)
    while made and payment is not None and not made[-1].due.principal and not made[-1].due.interest and not made[-1].paid.total:
        if made[-1].charges:
            break
        made.pop()
    for n, row in enumerate(behind):
        row.seq = made[-1].seq + 1 + n if made else row.seq
    on = loan.flows[-1][0]
    loan.set_rows([*kept, *made, *behind])
    for row in made:
        if not row.outstanding:
            row.met_on = max(row.from_on, on) if row.paid.total else row.from_on
    loan.note_met()


def _give_back(rows: Sequence[Installment], over: Decimal) -> None:
    """Take what was paid in advance beyond the schedule off the last instalments that can still take it."""
    for row in reversed(rows):
        if not over:
            return
        taken = min(over, row.due.principal - row.paid.principal)
        if taken > 0:
            row.due.principal -= taken
            over -= taken


def repay(loan: Working, event: Repay) -> None:
    """Money comes in and is spread; where interest is recalculated, what is left may pay principal before its time."""
    lines, held = loan.receive(event.amount, event.kind, event.on)
    rule, fee = loan.terms.recalculation, ZERO
    if held and rule is not None and rule.after_prepayment != "last":
        left, loan.overpayment = held, loan.overpayment - held
        early, fee, held = before_time(loan, left, event.on, keeps_payment=rule.after_prepayment == "term")
        lines = (*lines, *early)
        loan.overpayment += held
    loan.done(event, event.amount, lines=joined(lines), fee=fee, overpayment=held)


def prepay(loan: Working, event: Prepay) -> None:
    """Pay what is due, then principal before its time: the term shortens or the instalment lowers from here on."""
    rule = replace(loan.terms.allocation_for("prepayment"), excess="none")
    lines, left = loan.spread(event.amount, rule, event.on)
    loan.pay(lines, event.on)
    early, fee, held = before_time(loan, left, event.on, keeps_payment=event.keeps == "installment")
    loan.overpayment += held
    loan.done(event, event.amount, lines=joined([*lines, *early]), fee=fee, overpayment=held)


def before_time(loan: Working, amount: Decimal, on: date, *, keeps_payment: bool) -> tuple[list[Line], Decimal, Decimal]:
    """Pay `amount` of principal before its time; return the lines, the fee it costs and what is held because nothing is left to pay.

    It goes into the instalment in whose period (from, due] the day lies; those after it, or it too while its period runs, are spread anew.
    """
    rows = [row for row in loan.rows if row.due_on >= on and row.kind == "installment"]
    owed = sum((row.left("principal") for row in rows), ZERO)
    principal = min(amount, owed)
    while principal and principal + early_end.prepayment_fee(loan, principal) > amount:
        over = principal + early_end.prepayment_fee(loan, principal) - amount
        principal = max(principal - max((over / 2).quantize(CENT, ROUND_DOWN), CENT), ZERO)
    if not principal:
        return [], ZERO, amount
    fee = early_end.prepayment_fee(loan, principal)
    row = rows[0]
    line = Line(row.seq, "principal", principal)
    later = rows[1:] if row.due_on == on else rows
    row.due.principal += principal
    row.prepaid += principal
    _pay_ahead(loan, row, line, on)
    terms = loan.terms
    if later:
        period = whole(later[0])
        interest = None
        if later[0] is row:
            saved = quantize(principal * period.factor * remaining(terms, period, on), terms.rounding)
            interest = max(row.earned - saved, ZERO)
        payment = _kept(terms, later) if keeps_payment else None
        anew(loan, later, [whole(each) for each in later], more=-principal, first_interest=interest, payment=payment)
    if terms.recalculation:
        recalculation.refresh(loan, on)
    return [line], fee, amount - principal - fee


def _pay_ahead(loan: Working, row: Installment, line: Line, on: date) -> None:
    met = row.met_on
    if met is not None:
        row.met_on = None
        loan.note_met()
    loan.pay([line], on)
    row.met_on = row.met_on or met


def _kept(terms: Terms, rows: Sequence[Installment]) -> Decimal:
    """Return the payment (or equal principal) that goes on."""
    if terms.method == "equal_principal":
        return max(row.due.principal - row.prepaid for row in rows)
    return max(row.plan for row in rows[:1])


def reschedule(loan: Working, event: Reschedule) -> None:
    """Spread what is not due yet anew over other dates.

    :raises NotPlayable: (nothing_to_reshape) if nothing is left to fall due, or the event changes nothing
    :raises Impossible: (dates) if the new dates cannot be
    """
    if event.more < 0 or not (event.more or event.due_day or event.next_due_on):
        raise NotPlayable("nothing_to_reshape", "a reschedule adds periods or moves the due dates")
    rows = not_due(loan, event.on)
    periods = [whole(row) for row in rows]
    first_interest: Decimal | None = rows[0].earned
    if event.due_day or event.next_due_on:
        begun = rows[0].from_on
        if event.next_due_on is not None and event.next_due_on <= event.on:
            raise NotPlayable("dates", f"the next due date {event.next_due_on} is not after {event.on}")
        loan.calendar = replace(
            loan.terms,
            starts_on=begun,
            first_due_on=event.next_due_on,
            due_day=event.due_day or (event.next_due_on.day if event.next_due_on and loan.terms.unit == "months" else None),
            first_period_days=max(loan.terms.first_period_days, (event.on - begun).days + 1),
            periods=len(rows) + event.more,
            grace_on_principal=0,
            grace_on_interest=0,
            interest_free=0,
            down_payment=Decimal(0),
        )
        periods, first_interest = periods_of(loan.calendar, loan.holidays), None
    elif event.more:
        loan.calendar = replace(loan.calendar, periods=loan.calendar.periods + event.more)
        periods += periods_of(loan.calendar, loan.holidays)[-event.more :]
    if loan.terms.method == "bullet":
        periods = [Period(periods[0].from_on, periods[-1].due_on, sum((each.factor for each in periods), Decimal(0)))]
        first_interest = None
    anew(loan, rows, periods, first_interest=first_interest)


def restructure(loan: Working, event: Restructure) -> None:
    """Spread all that is unpaid anew under other terms, from the day on.

    :raises NotPlayable: (nothing_to_reshape) if no principal is unpaid
    """
    if loan.principal <= 0:
        raise NotPlayable("nothing_to_reshape", "no principal is unpaid")
    lines = early_end.payoff(loan, event.on).lines
    sums = {part: sum((line.amount for line in lines if line.part == part), ZERO) for part in ("interest", "fee", "penalty")}
    added = sum(sums.values(), ZERO) if event.capitalises else ZERO
    for row in loan.unmet:
        row.due = Parts(*(getattr(row.paid, part) + getattr(row.waived, part) for part in ("principal", "interest", "fee", "penalty")))
        row.penalty_base, row.earned, row.met_on = row.due.penalty, row.due.interest, event.on
    kept = [row for row in loan.rows if row.due.total]
    seq = loan.rows[-1].seq
    principal = loan.principal + added
    terms = replace(event.terms, principal=principal, starts_on=event.on, down_payment=Decimal(0))
    loan.terms = loan.calendar = terms
    loan.grace_of(terms)
    new = [loan.born(replace(row, seq=seq + row.seq), event.on) for row in build(terms, loan.holidays)]
    if added:
        loan.principal = principal
        loan.flows.append((event.on, added))
    else:
        new[0].due = Parts(new[0].due.principal, new[0].due.interest + sums["interest"], new[0].due.fee + sums["fee"], sums["penalty"])
        new[0].penalty_base = sums["penalty"]
    loan.set_rows([*kept, *new])
    capitalised = tuple(line for line in lines if line.part != "principal") if added else ()
    loan.done(event, ZERO, capitalised=capitalised)
