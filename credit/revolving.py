"""Revolving lines 循环额度: draws inside an approved limit, daily interest, a monthly statement with a minimum payment. Pure.

A line is a function of its terms and its events as a loan is, and is played by the same machine. Each statement is an instalment: it
bills the interest of the days since the one before, and as principal the least that has to be repaid of what is drawn. What no statement
has billed yet stands in one more instalment, `REST`, due when the line ends: all instalments together are always what is drawn. Money
received pays statements, oldest first, in the order of allocation; what is left repays what is drawn, and once nothing is drawn the
interest not yet billed; what is then left is held for refund. Interest counts on what is drawn at the end of each day, rounded once for
each statement.
"""

import copy
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from credit import early_end
from credit.allocation import Allocation, Due, Line, allocate
from credit.due_dates import YEARS, Holidays
from credit.events import (
    ChargeOff,
    Die,
    Disburse,
    EndLine,
    Event,
    Freeze,
    Pause,
    PayOff,
    Recover,
    Refund,
    Repay,
    Resume,
    Reverse,
    Sell,
    SetLimit,
    Thaw,
    Waive,
    WriteOff,
)
from credit.state import REST, Installment, Parts, State
from credit.terms import LineTerms, NotPlayable, Terms
from credit.working import Working
from crm.lib.dates import add_months
from crm.lib.money import quantize

ZERO = Decimal("0.00")


@dataclass(slots=True)
class LineState(State):
    """A line as of a day, beside what every loan has.

    `unbilled` is the interest since the last statement, to the day and in whole cents, less what was paid of it before it was billed
    (`ahead`). `accrued` is what has been earned since then up to `counted_to`, the last event or statement, times the days of a year:
    exact. `earning` is the principal that earned the day before `counted_to`; `drawn` what was drawn after each day on which it changed.
    """

    limit: Decimal
    next_statement_on: date
    unbilled: Decimal
    ahead: Decimal
    accrued: Decimal
    counted_to: date
    earning: Decimal
    frozen_on: date | None
    drawn: tuple[tuple[date, Decimal], ...]

    @property
    def line(self) -> LineTerms:
        assert self.terms.line is not None
        return self.terms.line

    @property
    def available(self) -> Decimal:
        """What can still be drawn of the limit, frozen or not; nothing of a line that has ended."""
        return max(self.limit - self.principal_outstanding, ZERO) if self.status == "open" and self.as_of < self.line.ends_on else ZERO

    @property
    def billed(self) -> list[Installment]:
        """The statements, oldest first."""
        return [row for row in self.installments if row.seq != REST]

    @property
    def minimum_due(self) -> Decimal:
        """What has to come by the last due date, what is past due included."""
        return sum((row.outstanding for row in self.billed), ZERO)

    @property
    def payoff(self) -> Decimal:
        """What ends the line on the day: what is drawn, what is billed beside it, and the interest not billed yet."""
        return self.balances.total + self.unbilled

    def day_of_interest(self, more: Decimal = ZERO) -> Decimal:
        """Return what a day costs on what is drawn, and `more`, in whole cents."""
        return quantize((self.principal_outstanding + more) * self.terms.annual_rate / YEARS[self.terms.day_count], self.terms.rounding)

    def earned_to(self, on: date) -> Decimal:
        """Return the interest earned from the start to `on`: statements up to it, and the days since the last of them."""
        if self.status != "open":
            return sum((row.due.interest - row.waived.interest for row in self.installments), ZERO)
        made = [row.due_on - timedelta(days=self.line.due_days) for row in self.billed]
        whole = sum((row.earned for row, day in zip(self.billed, made, strict=True) if day <= on), ZERO)
        start = max((day for day in made if day <= on), default=self.terms.starts_on)
        changes = [start, *(day for day, _after in self.drawn if start < day < on), max(on, start)]
        grown = Decimal(0)
        for first, last in itertools.pairwise(changes):
            held = next((after for day, after in reversed(self.drawn) if day <= first), ZERO)
            grown += held * self.terms.annual_rate * (last - first).days
        return whole + quantize(grown / YEARS[self.terms.day_count], self.terms.rounding)


class LineWorking(Working):
    """A line between two events."""

    def __init__(self, terms: Terms, holidays: Holidays = ()) -> None:
        super().__init__(terms, holidays)
        assert terms.line is not None
        self.line = terms.line
        self.limit = terms.principal
        self.year = YEARS[terms.day_count]
        self.accrued = Decimal(0)
        self.earning = self.ahead = ZERO
        self.counted_to = self.billed_to = terms.starts_on
        self.frozen_on: date | None = None
        self.ended_on: date | None = None
        self.rest = Installment(REST, terms.starts_on, self.line.ends_on, Parts(), "rest", penalty_since=self.line.ends_on)
        self.rest.met_on = terms.starts_on  # nothing is drawn yet
        self.rows = [self.rest]

    # --- time -------------------------------------------------------------------------------------------------------
    @property
    def stopped(self) -> bool:
        """Whether nothing grows on it any more."""
        return any(day is not None for day in (self.written_off_on, self.sold_on, self.ended_on))

    def grown(self, to: date) -> Decimal:
        """Return the interest since the last statement to a day, times the days of a year."""
        return self.accrued + self.principal * self.terms.annual_rate * max((to - self.counted_to).days, 0)

    def count(self, to: date) -> None:
        """Take in the interest of the days up to `to` on what is drawn."""
        if to > self.counted_to and not self.stopped:
            self.accrued, self.earning, self.counted_to = self.grown(to), self.principal, to

    def unbilled(self, to: date) -> Decimal:
        """Return the interest that no statement has billed yet and nobody has paid."""
        return ZERO if self.stopped else quantize(self.grown(to) / self.year, self.terms.rounding) - self.ahead

    def next_statement(self) -> date:
        """Return the day of the next statement: that of the month, or the line's last before it."""
        day = add_months(self.billed_to, 0, self.line.statement_day)
        day = day if day > self.billed_to else add_months(self.billed_to, 1, self.line.statement_day)
        return min(day, self.line.ends_on) if self.billed_to < self.line.ends_on else day

    def bill_before(self, day: date) -> None:
        """Make every statement whose day has ended before `day` begins."""
        while not self.stopped and (on := self.next_statement()) < day:
            if on > self.line.ends_on and not self.unmet and self.unbilled(on) <= 0:
                return  # it has ended with nothing owed: no more statements of nothing
            self.count(on)
            self.bill(on)

    def bill(self, on: date) -> None:
        """Make the statement of a day. One on which nothing is owed is made too: it says so."""
        rest, line = self.rest, self.line
        free = rest.unpaid
        share = quantize(free * line.minimum_share, self.terms.rounding)
        least = free if on >= line.ends_on else min(free, max(share, line.minimum_amount))
        whole = quantize(self.accrued / self.year, self.terms.rounding)
        due_on = on + timedelta(days=line.due_days)
        row = Installment(
            len(self.rows), self.billed_to, due_on, Parts(least, whole - self.ahead), "statement", whole, free - least, penalty_since=due_on
        )
        row.met_on = None if row.due.total else on
        rest.due.principal -= least
        self.accrued, self.ahead, self.billed_to = Decimal(0), ZERO, on
        self.counted_to, self.earning = on, ZERO
        self.set_rows([*self.rows, row])
        self.meet([rest], on)

    # --- what every event needs -------------------------------------------------------------------------------------
    def begin(self, event: Event) -> None:
        """Bring statements and interest up to the day.

        :raises NotPlayable: (not_of_a_line) for an event that is none of a line, (line_ended) once it has ended
        """
        if type(event) not in PLAYS and not isinstance(event, Reverse):
            raise NotPlayable("not_of_a_line", f"{event.key!r} is no event of a revolving line")
        if self.ended_on is not None and not isinstance(event, Refund | Reverse | Pause | Resume):
            raise NotPlayable("line_ended", f"the line ended on {self.ended_on}")
        self.bill_before(event.on)
        self.count(event.on)
        super().begin(event)

    def set_rows(self, rows: Iterable[Installment]) -> None:
        """Take `rows` in the order of their numbers, what is not billed last whatever its day."""
        self.rows = sorted(rows, key=lambda row: row.seq)
        self.note_met()

    def reopen(self) -> None:
        """Note that something is owed again of what is not billed."""
        self.rest.met_on = None
        self.note_met()

    def spread(self, amount: Decimal, rule: Allocation, on: date) -> tuple[tuple[Line, ...], Decimal]:
        """Pay statements, then what is drawn; what is left then goes to interest not billed yet."""
        order = parts_in_order(rule)
        dues = [self.due_of(row, on) for row in self.unmet if row is not self.rest]
        lines, left = allocate(amount, [*dues, Due(REST, ZERO, ZERO, ZERO, self.rest.unpaid)], order)
        drawn = self.principal - sum((line.amount for line in lines if line.part == "principal"), ZERO)
        if left and not drawn and (early := min(left, self.unbilled(on))) > 0:
            self.claim(early)
            lines, left = [*lines, Line(REST, "interest", early)], left - early
        return tuple(lines), left

    def claim(self, amount: Decimal) -> None:
        """Let interest that is not billed yet be owed with what is not billed: it is paid, given up or lost there."""
        self.rest.due.interest += amount
        self.ahead += amount
        self.reopen()

    def ending(self, on: date) -> tuple[Line, ...]:
        """Return the lines of all that is owed on a day; the interest not billed yet is owed with the rest from now on."""
        if (left := self.unbilled(on)) > 0:
            self.claim(left)
        order = parts_in_order(self.terms.allocation)
        dues = [self.due_of(row, on) for row in self.unmet]
        return tuple(Line(due.installment, part, getattr(due, part)) for due in dues for part in order if getattr(due, part))

    # --- the end ----------------------------------------------------------------------------------------------------
    def state(self, as_of: date) -> LineState:
        """Return the line as of a day."""
        self.bill_before(as_of + timedelta(days=1))
        left = self.unbilled(as_of)
        if not self.stopped and self.billed_to >= self.line.ends_on and not self.unmet and left <= 0:
            self.ended_on = max((row.met_on for row in self.rows if row.met_on), default=self.line.ends_on)
        made = super().state(as_of)
        values: dict[str, Any] = {name: getattr(made, name) for name in State.__dataclass_fields__}
        if self.ended_on is not None:
            values["settled_on"] = self.ended_on
        elif made.status == "settled":
            values |= {"status": "open", "settled_on": None}  # nothing is owed, and it can be drawn again
        return LineState(
            **values, limit=self.limit, next_statement_on=self.next_statement(), unbilled=left, ahead=self.ahead, accrued=self.accrued,
            counted_to=self.counted_to, earning=self.earning, frozen_on=self.frozen_on,
            drawn=tuple(zip(self.days, self.days_after, strict=True)),
        )  # fmt: skip

    def balance_rows(self) -> None:
        """Each statement keeps what was drawn and not billed after it: there is no schedule to run down."""


# --- the events of a line ------------------------------------------------------------------------------------------
def draw(loan: LineWorking, event: Disburse) -> None:
    """Let money out.

    :raises NotPlayable: (over_limit, frozen, line_ended, charged_off) where the line does not give it; one that stands went out
    """
    if not event.stands:
        if loan.principal + event.amount > loan.limit:
            raise NotPlayable("over_limit", f"{loan.principal} + {event.amount} is more than the limit of {loan.limit}")
        if loan.frozen_on is not None:
            raise NotPlayable("frozen", f"the line is frozen since {loan.frozen_on}")
        if event.on >= loan.line.ends_on:
            raise NotPlayable("line_ended", f"draws were taken until {loan.line.ends_on}")
        if loan.charged_off_on is not None:
            raise NotPlayable("charged_off", f"it is charged off since {loan.charged_off_on}: nothing more goes out")
    loan.disbursed += event.amount
    loan.principal += event.amount
    loan.rest.due.principal += event.amount
    loan.flow(event.on, event.amount)
    loan.reopen()
    loan.done(event, event.amount)


def repay(loan: LineWorking, event: Repay) -> None:
    lines, left = loan.receive(event.amount, event.kind, event.on)
    loan.done(event, event.amount, lines=lines, overpayment=left)


def pay_off(loan: LineWorking, event: PayOff) -> None:
    """Let money end the line, interest and penalty counted to the day it settles on; what does not suffice is a repayment like others."""
    until = event.settles_on or event.on
    tried = copy.deepcopy(loan)
    asked = sum((line.amount for line in _ends(tried, until)), ZERO)
    amount = asked if event.amount is None else event.amount
    if amount < asked or (not asked and event.amount is not None):
        lines, left = loan.receive(amount, "repayment", event.on)
        loan.done(event, amount, lines=lines, overpayment=left)
        return
    lines = _ends(loan, until)
    loan.pay(lines, event.on, counted=until)
    loan.meet([*loan.unmet], event.on)
    loan.overpayment += amount - asked
    loan.done(event, amount, lines=lines, overpayment=amount - asked)
    loan.ended_on = event.on


def _ends(loan: LineWorking, until: date) -> tuple[Line, ...]:
    loan.bill_before(until)
    loan.count(until)
    return loan.ending(until)


def set_limit(loan: LineWorking, event: SetLimit) -> None:
    loan.limit = event.amount
    loan.done(event, ZERO)


def freeze(loan: LineWorking, event: Freeze) -> None:
    """:raises NotPlayable: (frozen) if it is"""
    if loan.frozen_on is not None:
        raise NotPlayable("frozen", f"the line is frozen since {loan.frozen_on}")
    loan.frozen_on = event.on
    loan.done(event, ZERO)


def thaw(loan: LineWorking, event: Thaw) -> None:
    """:raises NotPlayable: (not_frozen) if it is not"""
    if loan.frozen_on is None:
        raise NotPlayable("not_frozen", "the line is not frozen")
    loan.frozen_on = None
    loan.done(event, ZERO)


def end_line(loan: LineWorking, event: EndLine) -> None:
    """:raises NotPlayable: (still_owed) if anything is owed"""
    if loan.unmet or loan.unbilled(event.on) > 0:
        raise NotPlayable("still_owed", "something is still owed on the line")
    loan.done(event, ZERO)
    loan.ended_on = event.on


def die(loan: LineWorking, event: Die) -> None:
    """Let penalty end with the customer, and draws."""
    early_end.die(loan, event)
    loan.frozen_on = loan.frozen_on or event.on


PLAYS: dict[type[Event], Callable[[Any, Any], None]] = {
    Disburse: draw,
    Repay: repay,
    PayOff: pay_off,
    SetLimit: set_limit,
    Freeze: freeze,
    Thaw: thaw,
    EndLine: end_line,
    Die: die,
    Waive: Working.waive,
    Refund: Working.refund,
    Recover: Working.recover,
    Pause: Working.pause,
    Resume: Working.resume,
    ChargeOff: early_end.charge_off,
    WriteOff: early_end.write_off,
    Sell: early_end.sell,
}


def parts_in_order(rule: Allocation) -> Sequence[str]:
    """Return the parts in the order in which what is due is paid."""
    return [step.split(".")[1] for step in rule.order if step.startswith("due.")]
