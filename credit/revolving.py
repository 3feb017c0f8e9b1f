"""Revolving lines 循环额度: draws inside an approved limit, daily interest, a monthly statement with a minimum payment. Pure.

A line is a function of its terms and its events as a loan is: `play_line(line, events, as_of)`. Each statement is an instalment: it bills
the interest of the days since the one before, and as principal the least that has to be repaid of what is drawn. Money received pays
statements, oldest first, in the order of allocation; what is left repays what is drawn, and once nothing is drawn the interest not yet
billed; the rest is held for refund. Interest counts on what is drawn at the end of each day, rounded once for each statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from credit.accrual import Delinquency, Overdue, delinquency
from credit.allocation import WATERFALL, Due, Line, allocate
from credit.due_dates import day_fraction
from credit.events import Disburse, Event, Refund, Repay
from credit.machine import in_order
from credit.schedule import PRECISION
from credit.state import Installment, Parts, Split
from credit.terms import NO_PENALTY, DayCount, Impossible, NotPlayable, Penalty
from crm.lib.dates import add_months
from crm.lib.money import Mode, is_cents, quantize

ZERO = Decimal("0.00")
UNBILLED = 0  # the instalment of lines that repay what no statement has billed yet


@dataclass(frozen=True, slots=True)
class Revolving:
    """The terms of a line; rates are fractions a year, `minimum_share` a fraction of what is drawn.

    The statement is made at the end of `statement_day` (the month's last day where it is shorter) and due `due_days` later. The minimum
    is `minimum_share` of what is drawn and not billed before, at least `minimum_amount`, at most all of it, and the interest in full.
    """

    limit: Decimal
    annual_rate: Decimal
    opened_on: date
    statement_day: int
    due_days: int = 20
    minimum_share: Decimal = Decimal("0.10")
    minimum_amount: Decimal = Decimal("100.00")
    day_count: DayCount = "actual/360"
    rounding: Mode = "HALF_UP"
    penalty: Penalty = NO_PENALTY
    order: tuple[str, ...] = WATERFALL

    def __post_init__(self) -> None:
        """:raises Impossible: (amount, rate, dates, multiple) if no line can be made from these"""
        if self.limit <= 0 or not is_cents(self.limit) or self.minimum_amount < 0 or not is_cents(self.minimum_amount):
            raise Impossible("amount", "a limit is above zero and a minimum not below, both in whole cents")
        if self.annual_rate < 0 or not 0 <= self.minimum_share <= 1:
            raise Impossible("rate", f"a rate of {self.annual_rate} or a minimum share of {self.minimum_share} cannot be")
        if not 1 <= self.statement_day <= 31 or self.due_days < 1:
            raise Impossible("dates", "a statement is made on a day of the month and due days later")
        if sorted(self.order) != sorted(WATERFALL):
            raise Impossible("order", "an order of allocation names each of the four parts once")


@dataclass(slots=True)
class LineState:
    """A line as of a day. `billed` are its statements; `unbilled_interest` is what has accrued since the last one, to the day."""

    line: Revolving
    as_of: date
    drawn: Decimal
    available: Decimal
    billed: list[Installment]
    unbilled_interest: Decimal
    overpayment: Decimal
    splits: dict[str, Split]
    delinquency: Delinquency

    @property
    def minimum_due(self) -> Decimal:
        """What has to come by the last due date, what is past due included."""
        return sum((row.outstanding for row in self.billed), ZERO)

    @property
    def payoff(self) -> Decimal:
        """What ends the debt on the day: what is drawn, what is billed beside it, and the interest not billed yet."""
        beside = sum((row.left(part) for row in self.billed for part in ("interest", "fee", "penalty")), ZERO)
        return self.drawn + beside + self.unbilled_interest


def play_line(line: Revolving, events: Iterable[Event], as_of: date) -> LineState:
    """Return the line after `events` (`Disburse` draws, `Repay`, `Refund`, `Reverse`), with every statement made up to `as_of`.

    :raises NotPlayable: over_limit, amount, overpayment, not_of_a_line, and those of the machine's order of events
    """
    with localcontext() as context:
        context.prec = PRECISION
        playing = _Playing(line)
        for event in in_order(events):
            playing.bill_before(event.on)
            match event:
                case Disburse():
                    playing.draw(event)
                case Repay():
                    playing.repay(event)
                case Refund():
                    playing.refund(event)
                case _ if type(event).__name__ != "Reverse":
                    raise NotPlayable("not_of_a_line", f"{event.key!r} is no event of a revolving line")
        return playing.state(as_of)


class _Playing:
    """A line between two events."""

    def __init__(self, line: Revolving) -> None:
        self.line = line
        self.drawn = self.overpayment = self.paid_ahead = ZERO
        self.rows: list[Installment] = []
        self.splits: dict[str, Split] = {}
        self.accrued = Decimal(0)  # since the last statement, unrounded
        self.counted_to = self.billed_to = line.opened_on
        self.grace = timedelta(days=line.penalty.grace_days)

    def count(self, to: date) -> None:
        """Add the interest of the days up to `to` on what is drawn."""
        if to > self.counted_to:
            self.accrued += self.drawn * self.line.annual_rate * day_fraction(self.line.day_count, self.counted_to, to)
            self.counted_to = to

    def next_statement(self) -> date:
        day = add_months(self.billed_to, 0, self.line.statement_day)
        return day if day > self.billed_to else add_months(self.billed_to, 1, self.line.statement_day)

    def bill_before(self, day: date) -> None:
        """Make every statement whose day has ended before `day` begins."""
        while (on := self.next_statement()) < day:
            self.count(on)
            self.bill(on)

    def bill(self, on: date) -> None:
        """Make the statement of a day. One on which nothing is owed is made too: it says so."""
        line = self.line
        free = self.drawn - sum((row.left("principal") for row in self.rows), ZERO)
        least = min(free, max(quantize(free * line.minimum_share, line.rounding), line.minimum_amount))
        whole = quantize(self.accrued, line.rounding)
        due = Parts(least, whole - self.paid_ahead)
        row = Installment(
            len(self.rows) + 1, self.billed_to, on + timedelta(days=line.due_days), due, "statement", whole, self.drawn - least
        )
        row.penalty_since = row.due_on
        if not due.total:
            row.met_on = on
        self.rows.append(row)
        self.accrued, self.paid_ahead, self.billed_to = Decimal(0), ZERO, on

    def penalty_on(self, row: Installment, on: date) -> Decimal:
        """Return the penalty of a statement: on its unpaid principal, from its due date once the grace has passed."""
        rule = self.line.penalty
        days = (on - row.penalty_since).days
        if row.met_on is not None or on <= row.due_on + self.grace or days <= 0:
            return row.penalty_base
        late = row.left("principal")
        once = quantize(late * rule.percent_once) if not row.late_charged else ZERO
        return row.penalty_base + once + quantize(late * rule.annual_rate * days / rule.year)

    def draw(self, event: Disburse) -> None:
        """:raises NotPlayable: (over_limit, amount) if the limit does not allow it"""
        _amount(event.amount)
        if self.drawn + event.amount > self.line.limit:
            raise NotPlayable("over_limit", f"{self.drawn} + {event.amount} is more than the limit of {self.line.limit}")
        self.count(event.on)
        self.drawn += event.amount
        self.splits[event.key] = Split(event, event.amount, principal_after=self.drawn)

    def repay(self, event: Repay) -> None:
        """Pay statements, then what is drawn, then interest not billed yet; hold the rest."""
        _amount(event.amount)
        self.count(event.on)
        open_rows = [row for row in self.rows if row.met_on is None]
        for row in open_rows:
            row.due.penalty = self.penalty_on(row, event.on)
            if event.on > row.due_on + self.grace:
                row.penalty_base, row.penalty_since, row.late_charged = row.due.penalty, event.on, True
        dues = [Due(row.seq, row.left("fee"), row.left("penalty"), row.left("interest"), row.left("principal")) for row in open_rows]
        lines, left = allocate(event.amount, dues, self.line.order)
        for paid in lines:
            row = self.rows[paid.installment - 1]
            row.paid.add(paid.part, paid.amount)
            row.paid_in_advance += paid.amount if event.on < row.due_on else ZERO
            row.paid_late += paid.amount if event.on > row.due_on else ZERO
            self.drawn -= paid.amount if paid.part == "principal" else ZERO
        for row in open_rows:
            if not row.outstanding:
                row.met_on = event.on
        if early := min(left, self.drawn):
            lines.append(Line(UNBILLED, "principal", early))
            self.drawn, left = self.drawn - early, left - early
        if left and not self.drawn and (ahead := min(left, self.unbilled())) > 0:
            lines.append(Line(UNBILLED, "interest", ahead))
            self.paid_ahead, left = self.paid_ahead + ahead, left - ahead
        self.overpayment += left
        self.splits[event.key] = Split(event, event.amount, tuple(lines), overpayment=left, principal_after=self.drawn)

    def refund(self, event: Refund) -> None:
        """:raises NotPlayable: (overpayment, amount) if less is held"""
        _amount(event.amount)
        if event.amount > self.overpayment:
            raise NotPlayable("overpayment", f"only {self.overpayment} is held, not {event.amount}")
        self.overpayment -= event.amount
        self.splits[event.key] = Split(event, event.amount, overpayment=-event.amount, principal_after=self.drawn)

    def unbilled(self) -> Decimal:
        return quantize(self.accrued, self.line.rounding) - self.paid_ahead

    def state(self, as_of: date) -> LineState:
        self.bill_before(as_of + timedelta(days=1))
        self.count(as_of)
        for row in self.rows:
            row.due.penalty = row.due.penalty if row.met_on is not None else self.penalty_on(row, as_of)
        late = [Overdue(row.due_on, row.outstanding) for row in self.rows if row.met_on is None and row.owed > 0]
        lateness = delinquency(late, as_of=as_of, grace_days=self.line.penalty.grace_days)
        return LineState(
            self.line, as_of, self.drawn, self.line.limit - self.drawn, self.rows, self.unbilled(), self.overpayment, self.splits, lateness
        )


def _amount(amount: Decimal) -> None:
    if not amount.is_finite() or amount <= 0 or not is_cents(amount):
        raise NotPlayable("amount", f"{amount} is not an amount above zero in whole cents")
