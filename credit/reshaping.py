"""What makes or changes a schedule: money out, prepayment, new dates, new terms. Pure; played by `credit/machine.py`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from credit import early_end, passed_on, recalculation
from credit.allocation import Line
from credit.due_dates import Period, periods_of, remaining
from credit.events import Disburse, Prepay, Relieve, Repay, Reschedule, Restructure
from credit.schedule import amortise, build, scheduled_fees
from credit.state import PARTS, Installment, Making, Parts, PlacedCharge
from credit.terms import NotPlayable, Terms
from credit.working import Working, joined
from crm.lib.money import CENT, quantize

ZERO = Decimal("0.00")


def disburse(loan: Working, event: Disburse) -> None:
    """Pay out; the first money makes the schedule, each later tranche spreads what is not due yet anew.

    :raises NotPlayable: (over_disbursed) if more goes out than the terms' principal, (nothing_to_reshape) if all is due already, (charged_off) if it is
    """
    if loan.disbursed + event.amount > loan.terms.principal:
        raise NotPlayable("over_disbursed", f"{loan.disbursed} + {event.amount} is more than {loan.terms.principal}")
    if loan.charged_off_on is not None:
        raise NotPlayable("charged_off", f"it is charged off since {loan.charged_off_on}: nothing more goes out")
    first = not loan.rows
    loan.disbursed += event.amount
    loan.principal += event.amount
    loan.flow(event.on, event.amount)
    terms = loan.terms
    if first:
        if (event.amount, event.on) != (terms.principal, terms.starts_on):
            terms = loan.calendar = replace(terms, principal=event.amount, starts_on=event.on)
        loan.set_rows(loan.born(row, event.on) for row in build(terms, loan.holidays))
    else:
        rows = not_due(loan, event.on)
        period = whole(rows[0])
        interest = rows[0].earned + quantize(event.amount * period.factor * remaining(terms, period, event.on), terms.rounding)
        anew(loan, event.on, rows, [whole(row) for row in rows], more=event.amount, first_interest=interest)
    for fee in terms.fees:
        if fee.when == "up_front":
            cost = fee.amount + quantize(event.amount * fee.rate)
            loan.place(PlacedCharge(f"{event.key}:{fee.code}", "fee", cost, event.on), passed=bool(fee.payee))
    loan.done(event, event.amount)
    if first and terms.down_payment and terms.down_payment_collected:
        down = Repay(key=f"{event.key}:down_payment", on=event.on, amount=loan.rows[0].due.principal, kind="down_payment")
        lines = (Line(1, "principal", down.amount),)
        loan.pay(lines, event.on)
        loan.done(down, down.amount, lines=lines)


def not_due(loan: Working, on: date) -> list[Installment]:
    """Return the instalments that fall due after `on` and are not met yet.

    :raises NotPlayable: (nothing_to_reshape) if there is none
    """
    rows = [row for row in loan.unmet if row.due_on > on and row.kind == "installment"]
    if not rows:
        raise NotPlayable("nothing_to_reshape", f"no instalment falls due after {on}")
    return rows


def whole(row: Installment) -> Period:
    """Return the period of an instalment of the schedule."""
    return row.period or Period(row.from_on, row.due_on, Decimal(0))


def anew(
    loan: Working,
    on: date,
    rows: Sequence[Installment],
    periods: Sequence[Period],
    *,
    more: Decimal = ZERO,
    first_interest: Decimal | None = None,
    payment: Decimal | None = None,
) -> None:
    """Spread what is unpaid of the principal of `rows`, and `more`, over `periods`; instalments are written in place, added at the end.

    What was paid of an instalment stays paid in it, on top of what the schedule makes of the rest. Last ones with nothing are left out.
    """
    terms = loan.terms
    balance = sum((row.unpaid for row in rows), more)
    parts = amortise(terms, periods, balance, payment=payment, first_interest=first_interest)
    fee, passed = (scheduled_fees(fees, terms.principal, 2)[1] for fees in (terms.fees, passed_on.others(terms.fees)))
    made = [*rows[: len(periods)]]
    for period in periods[len(rows) :]:
        made.append(Installment(loan.next_seq + len(made) - len(rows), period.from_on, period.due_on, Parts(fee=fee), passed=passed))
    opening = balance
    for n, (row, period, part) in enumerate(zip(made, periods, parts, strict=True)):
        changed = n == 0 and first_interest is not None
        row.makings.append(
            Making(
                loan.event.key, on, terms, opening, part.principal, part.interest, part.earned, period, row.paid.principal, payment, changed,
                row.earned,
            )
        )  # fmt: skip
        opening -= part.principal
        row.due.principal = row.paid.principal + part.principal
        row.due.interest = max(part.interest, row.paid.interest + row.waived.interest)
        row.earned, row.plan = part.earned, part.principal + part.interest
        row.from_on, row.period = period.from_on, period
        row.due_on = row.penalty_since = period.due_on
    for row in rows[len(periods) :]:
        row.due = Parts(*(getattr(row.paid, part) + getattr(row.waived, part) for part in PARTS))
    gone: set[int] = set()
    for row in reversed(rows if len(periods) < len(rows) else made):
        if row.unpaid or row.left("interest") or row.paid.total or row.charges or len(gone) + 1 == len(loan.rows):
            break
        gone.add(row.seq)
    before = {row.seq for row in loan.rows}
    loan.set_rows(row for row in (*loan.rows, *(row for row in made if row.seq not in before)) if row.seq not in gone)
    loan.meet([*loan.unmet], on)


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


def before_time(loan: Working, amount: Decimal, on: date, *, keeps_payment: bool) -> tuple[tuple[Line, ...], Decimal, Decimal]:
    """Pay `amount` of principal before its time; return the lines, the fee it costs and what is held because nothing is left to pay.

    It goes into the instalment in whose period (from, due] the day lies; those after it, or it too while its period runs, are spread anew.
    """
    rows = [row for row in loan.rows if row.due_on >= on and row.kind == "installment"]
    later = [row for row in rows if row.met_on is None and row.due_on > on]
    principal = min(amount, sum((row.unpaid for row in later), ZERO))
    while principal and principal + early_end.prepayment_fee(loan, principal) > amount:
        over = principal + early_end.prepayment_fee(loan, principal) - amount
        principal = max(principal - max((over / 2).quantize(CENT, ROUND_DOWN), CENT), ZERO)
    if not principal:
        return (), ZERO, amount
    fee = early_end.prepayment_fee(loan, principal)
    row, terms = rows[0], loan.terms
    payment = _kept(terms, later) if keeps_payment else None
    periods, first_interest = [whole(each) for each in later], None
    if later[0] is row:
        saved = quantize(principal * periods[0].factor * remaining(terms, periods[0], on), terms.rounding)
        first_interest = max(row.earned - saved, ZERO)
    # The later ones are due so much less; `row` is due so much more, and it is paid.
    left = principal
    for each in reversed(later):
        taken = min(left, each.unpaid)
        each.due.principal -= taken
        left -= taken
    row.due.principal += principal
    row.prepaid += principal
    line = Line(row.seq, "principal", principal)
    met, row.met_on = row.met_on, None
    loan.pay((line,), on)
    row.met_on = met
    anew(loan, on, later, periods, first_interest=first_interest, payment=payment)
    if terms.recalculation:
        recalculation.refresh(loan, on)
    return (line,), fee, amount - principal - fee


def _kept(terms: Terms, rows: Sequence[Installment]) -> Decimal:
    """Return the payment (or equal principal) that goes on."""
    if terms.method == "equal_principal":
        return max(row.unpaid for row in rows)
    return rows[0].plan


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
    anew(loan, event.on, rows, periods, first_interest=first_interest)


def relieve(loan: Working, event: Relieve) -> None:
    """Ask for less, or for nothing, until a day; spread the principal anew over what falls due after it.

    :raises NotPlayable: (nothing_to_reshape) if nothing falls due until that day, or nothing after it and no period is added
    """
    rows = not_due(loan, event.on)
    relieved, rest = [row for row in rows if row.due_on <= event.until], [row for row in rows if row.due_on > event.until]
    if not relieved or not (rest or event.adds) or loan.terms.method == "bullet":
        raise NotPlayable("nothing_to_reshape", f"no instalment falls due until {event.until}, or none after it")
    terms, balance = loan.terms, sum((row.unpaid for row in rows), ZERO)
    held, changed = ZERO, False
    for row in relieved:
        period = whole(row)
        earned = quantize(balance * period.factor, terms.rounding) if changed and terms.method != "flat" else row.earned
        asked = max(earned - row.paid.interest - row.waived.interest, ZERO)
        interest = min(event.installment, asked)
        principal = min(event.installment - interest, row.unpaid)
        held += asked - interest
        changed = changed or principal != row.unpaid
        row.due.principal = row.paid.principal + principal
        row.due.interest = row.paid.interest + row.waived.interest + interest
        row.earned, row.plan = earned, principal + interest
        balance -= principal
    periods = [whole(row) for row in rest]
    if event.adds:
        loan.calendar = replace(loan.calendar, periods=loan.calendar.periods + len(relieved))
        periods += periods_of(loan.calendar, loan.holidays)[-len(relieved) :]
    if not rest:
        _first_of_none(loan, periods[0])
        rest = [loan.rows[-1]]
    anew(loan, event.on, rest, periods, more=balance - sum((row.unpaid for row in rest), ZERO))
    rest[0].due.interest += held
    rest[0].met_on = None if rest[0].outstanding else rest[0].met_on
    loan.note_met()
    loan.meet(relieved, event.on)
    loan.done(event, ZERO)


def _first_of_none(loan: Working, period: Period) -> None:
    """Put an instalment of nothing after the last one, for what is spread over added periods only."""
    made = Installment(loan.next_seq, period.from_on, period.due_on, Parts(), penalty_since=period.due_on, period=period)
    loan.set_rows([*loan.rows, made])


def restructure(loan: Working, event: Restructure) -> None:
    """Spread all that is unpaid anew under other terms, from the day on.

    :raises NotPlayable: (nothing_to_reshape) if no principal is unpaid
    """
    if loan.principal <= 0:
        raise NotPlayable("nothing_to_reshape", "no principal is unpaid")
    lines = early_end.payoff(loan, event.on).lines
    sums = {part: sum((line.amount for line in lines if line.part == part), ZERO) for part in ("interest", "fee", "penalty")}
    added = sum(sums.values(), ZERO) if event.capitalises else ZERO
    passed = sum((passed_on.part(loan.row(line.installment), line.amount) for line in lines if line.part == "fee"), ZERO)
    for row in loan.unmet:
        passed_on.cut(row, row.paid.fee + row.waived.fee)
        row.due = Parts(*(getattr(row.paid, part) + getattr(row.waived, part) for part in PARTS))
        row.penalty_base, row.earned, row.met_on = row.due.penalty, row.due.interest, event.on
    kept = [row for row in loan.rows if row.due.total]
    seq = loan.next_seq - 1
    principal = loan.principal + added
    terms = replace(event.terms, principal=principal, starts_on=event.on, down_payment=Decimal(0))
    loan.terms = loan.calendar = terms
    loan.grace_of(terms)
    new = [loan.born(replace(row, seq=seq + row.seq), event.on) for row in build(terms, loan.holidays)]
    if added:
        loan.principal = principal
        loan.flow(event.on, added)
    else:
        new[0].due = Parts(new[0].due.principal, new[0].due.interest + sums["interest"], new[0].due.fee + sums["fee"], sums["penalty"])
        new[0].passed += passed
        new[0].penalty_base = sums["penalty"]
        new[0].met_on = None if new[0].outstanding else event.on
    loan.set_rows([*kept, *new])
    capitalised = tuple(line for line in lines if line.part != "principal") if added else ()
    loan.done(event, ZERO, capitalised=capitalised)
