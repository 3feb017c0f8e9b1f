"""How a loan ends before its time: paid off, accelerated, charged off, written off, cancelled. Pure; played by `credit/machine.py`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit import accrual, passed_on, recalculation
from credit.allocation import Line
from credit.events import Accelerate, Cancel, ChargeOff, Die, PayOff, Sell, WriteOff
from credit.state import PARTS, Installment, Parts
from credit.terms import NotPlayable
from credit.working import Working
from crm.lib.money import quantize

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Payoff:
    """What ends a loan on a day: `lines` to pay, `waived` what of interest and fees is no longer owed, `early_fee` charged at once."""

    lines: tuple[Line, ...]
    waived: tuple[Line, ...]
    early_fee: Decimal

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), self.early_fee)

    def part(self, name: str) -> Decimal:
        """Return the sum of one part, without the early fee."""
        return sum((line.amount for line in self.lines if line.part == name), ZERO)


def payoff(loan: Working, settles_on: date) -> Payoff:
    """Return what ends the loan on `settles_on`: everything due, the principal to come, and the interest earned to that day.

    Interest of the running period counts on the principal it began with, never above the schedule's; what was paid of it before is not
    given back. Interest and fees of later periods are not owed; what is charged once, is charged with the first instalment.
    """
    if (whole := loan.ending(settles_on)) is not None:
        return Payoff(whole, (), ZERO)
    if loan.terms.recalculation:
        return _recalculated(loan, settles_on)
    lines: list[Line] = []
    waived: list[Line] = []
    early = held = ZERO
    balance = sum((row.due.principal for row in loan.rows), ZERO)
    order = _order(loan)
    first = next(row.seq for row in loan.rows if row.kind == "installment")
    for row in loan.rows:
        left, balance = balance, balance - row.due.principal
        future = row.due_on > settles_on and row.kind != "charge"
        if future:
            held += to_date(loan, row, left, settles_on) if row.from_on < settles_on else ZERO
        else:
            held += row.earned - row.due.interest if row.kind == "installment" else ZERO
        if row.met_on is not None:
            held = ZERO if future else held
            continue
        if loan.charges_once and not future:
            loan.charge_late(row, settles_on)
        interest, fee = row.left("interest"), row.left("fee")
        if future:
            early += row.unpaid
            # Interest that a grace holds back is owed where the schedule would have collected it.
            owed = max(min(held, row.due.interest) - row.paid.interest - row.waived.interest, ZERO)
            held = ZERO if row.due.interest else held
            begun = row.from_on < settles_on
            charged = sum((charge.amount for charge in row.charges if charge.part == "fee" and charge.due_on <= settles_on), ZERO)
            owed_fee = fee if begun or row.seq == first else min(fee, charged)
            waived += [Line(row.seq, part, sum_) for part, sum_ in (("interest", interest - owed), ("fee", fee - owed_fee)) if sum_]
            interest, fee = owed, owed_fee
        penalty = loan.penalty_on(row, settles_on) - row.paid.penalty - row.waived.penalty
        amounts = {"fee": fee, "penalty": penalty, "interest": interest, "principal": row.unpaid}
        lines += [Line(row.seq, part, amounts[part]) for part in order if amounts[part]]
    return Payoff(tuple(lines), tuple(waived), prepayment_fee(loan, early))


def _order(loan: Working) -> list[str]:
    return [step.split(".")[1] for step in loan.terms.allocation.order if step.startswith("due.")]


def prepayment_fee(loan: Working, principal: Decimal) -> Decimal:
    """Return what the contract charges on `principal` paid before it is due."""
    fees = [fee for fee in loan.terms.fees if fee.when == "prepayment"] if principal else []
    return sum((fee.amount + quantize(principal * fee.rate) for fee in fees), ZERO)


def to_date(loan: Working, row: Installment, balance: Decimal, on: date) -> Decimal:
    """Return the interest of a running period up to a day, on the principal the period began with."""
    if row.period is None:
        return row.earned
    return accrual.interest_to(loan.terms, row.period, on, balance=balance, earned=row.earned, prepaid=row.prepaid)


def pay_off(loan: Working, event: PayOff) -> None:
    """Let money end the loan; what no longer suffices is a repayment like others."""
    settles_on = event.settles_on or event.on
    ending = payoff(loan, settles_on)
    amount = ending.total if event.amount is None else event.amount
    if amount < ending.total or (not ending.total and event.amount is not None):
        if loan.terms.recalculation:
            recalculation.refresh(loan, event.on)
        lines, left = loan.receive(amount, "repayment", event.on) if amount else ((), ZERO)
        loan.done(event, amount, lines=lines, overpayment=left)
        return
    open_rows = [*loan.unmet]
    for line in ending.waived:
        loan.row(line.installment).waived.add(line.part, line.amount)
    loan.pay(ending.lines, event.on, counted=settles_on)
    loan.meet(open_rows, event.on)
    loan.overpayment += amount - ending.total
    loan.done(event, amount, lines=ending.lines, fee=ending.early_fee, overpayment=amount - ending.total, waived=ending.waived)


def _recalculated(loan: Working, settles_on: date) -> Payoff:
    """Rewrite the schedule as if all principal came on `settles_on` and return what is then left of it."""
    recalculation.refresh(loan, settles_on, ends=True)
    early = sum((row.unpaid for row in loan.unmet if row.due_on > settles_on), ZERO)
    order, lines = _order(loan), []
    for row in loan.unmet:
        due = loan.due_of(row, settles_on)
        lines += [Line(row.seq, part, getattr(due, part)) for part in order if getattr(due, part)]
    return Payoff(tuple(lines), (), prepayment_fee(loan, early))


def accelerate(loan: Working, event: Accelerate) -> None:
    """Make the whole balance due on the day, with the interest to it; later interest and fees are not owed."""
    ending = payoff(loan, event.on)
    later = [row for row in loan.unmet if row.due_on > event.on and row.kind != "charge"]
    if not later:
        raise NotPlayable("nothing_to_reshape", "everything is due already")
    running = later[0]
    principal = sum((row.unpaid for row in later), ZERO)
    interest = sum((line.amount for line in ending.lines if line.part == "interest" and line.installment >= running.seq), ZERO)
    fees = [line for line in ending.lines if line.part == "fee" and line.installment >= running.seq]
    passed = sum((passed_on.part(loan.row(line.installment), line.amount) for line in fees), ZERO)
    for row in later:
        passed_on.cut(row, row.paid.fee + row.waived.fee)
        row.due = Parts(row.paid.principal, row.paid.interest + row.waived.interest, row.paid.fee + row.waived.fee, row.due.penalty)
        row.earned, row.period, row.stretches = row.due.interest, None, ()
    running.due.principal += principal
    running.due.interest += interest
    running.due.fee += sum((line.amount for line in fees), ZERO)
    running.passed += passed
    running.earned = running.due.interest
    running.due_on = running.penalty_since = event.on
    gone = {row.seq for row in later[1:] if not row.paid.total and not row.charges}
    loan.set_rows(row for row in loan.rows if row.seq not in gone)
    loan.meet([*loan.unmet], event.on)


def charge_off(loan: Working, event: ChargeOff) -> None:
    """Take the loan off the books as an asset; it goes on being owed."""
    if loan.charged_off_on is not None:
        raise NotPlayable("charged_off", f"it is charged off since {loan.charged_off_on}")
    loan.charged_off_on = event.on
    loan.done(event, ZERO)


def write_off(loan: Working, event: WriteOff) -> None:
    """Write off all that is unpaid: the principal, what is due, and the interest earned to the day; the rest is waived."""
    ending = _leaves(loan, event.on)
    loan.written_off_on = event.on
    loan.done(event, ZERO, written_off=ending.lines, waived=ending.waived)


def sell(loan: Working, event: Sell) -> None:
    """Let the loan go to a buyer with all that is unpaid on it; the instalments say so."""
    open_rows = [*loan.unmet]
    ending = _leaves(loan, event.on)
    for row in open_rows:
        row.sold = True
    loan.sold_on = event.on
    loan.done(event, event.amount, written_off=ending.lines, waived=ending.waived)


def die(loan: Working, event: Die) -> None:
    """Note a death. What it ends, it ends on its own day (`Working.dies_on`), so that money that came between is spread as if it had been known.

    :raises NotPlayable: (dates) if that day is to come
    """
    if event.died_on > event.on:
        raise NotPlayable("dates", f"{event.died_on} is after {event.on}")
    loan.done(event, ZERO)


def _leaves(loan: Working, on: date) -> Payoff:
    """Take all that is unpaid off the instalments: what is owed to the day as gone, the rest as waived."""
    ending = payoff(loan, on)
    for row in loan.unmet:
        row.due.penalty = loan.penalty_on(row, on)
    for line in ending.waived:
        loan.row(line.installment).waived.add(line.part, line.amount)
    for line in ending.lines:
        loan.row(line.installment).written_off.add(line.part, line.amount)
    lost = ending.part("principal")
    loan.principal -= lost
    loan.flow(on, -lost)
    loan.meet([*loan.unmet], on)
    return ending


def cancel(loan: Working, event: Cancel) -> None:
    """Give the principal back in the cooling-off period; interest, fees and penalty are not owed.

    :raises NotPlayable: (cancel_amount) if the money is not exactly the principal outstanding
    """
    if event.amount != loan.principal:
        raise NotPlayable("cancel_amount", f"{event.amount} is not the principal of {loan.principal}")
    waived, lines = [], []
    open_rows = [*loan.unmet]
    for row in open_rows:
        row.due.penalty = loan.penalty_on(row, event.on)
        for part in PARTS[1:]:
            if left := row.left(part):
                row.waived.add(part, left)
                waived.append(Line(row.seq, part, left))
        if left := row.unpaid:
            lines.append(Line(row.seq, "principal", left))
    loan.pay(lines, event.on)
    loan.meet(open_rows, event.on)
    loan.cancelled_on = event.on
    loan.done(event, event.amount, lines=tuple(lines), waived=tuple(waived))
