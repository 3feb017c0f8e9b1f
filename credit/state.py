"""What the machine makes of a loan: instalments, the split of every event, balances, lateness. Pure values; amounts in whole cents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from credit.accrual import Delinquency, interest_to
from credit.allocation import Line
from credit.due_dates import Period
from credit.events import Event
from credit.terms import Terms

ZERO = Decimal("0.00")
PARTS = ("principal", "interest", "fee", "penalty")
REST = 9999  # of a revolving line: the number of the instalment of what no statement has billed yet, after all statements

Status = Literal["planned", "open", "settled", "written_off", "cancelled", "sold"]


@dataclass(slots=True)
class Parts:
    """An amount in its four parts."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fee: Decimal = ZERO
    penalty: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.fee + self.penalty

    def add(self, part: str, amount: Decimal) -> None:
        """Add `amount` to one part."""
        setattr(self, part, getattr(self, part) + amount)


@dataclass(slots=True)
class PlacedCharge:
    """A charge put on the loan, in the instalment it fell into."""

    key: str
    part: str
    amount: Decimal
    due_on: date


@dataclass(frozen=True, slots=True)
class Making:
    """How a schedule made an instalment: what it was reckoned from, kept so that it can be told line by line.

    `opening` is the principal its period began with, of what was spread `on` that day by the event with the key `event`; `paid` is what of
    its principal was paid already and stays in it. `kept` is an instalment that was held instead of solved for; `changed` says that its
    interest was given, because the balance changed inside its period; `was` is the interest it made before.
    `born`: its row began with it.
    """

    event: str
    on: date
    terms: Terms
    opening: Decimal
    principal: Decimal
    interest: Decimal
    earned: Decimal
    period: Period | None
    paid: Decimal = ZERO
    kept: Decimal | None = None
    changed: bool = False
    was: Decimal = ZERO
    born: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of a period over which the balance was one: the interest they make, exact."""

    start: date
    end: date
    balance: Decimal
    interest: Decimal


@dataclass(slots=True)
class Installment:
    """One instalment as it stands: what is due in all, of which paid, waived and written off.

    `due.penalty` is what has grown to the day of the state. `paid_in_advance` and `paid_late` are the parts of `paid` that came before
    and after `due_on`; `met_on` is the day on which nothing of it was owed any more (obligations met on). `prepaid` is the principal in
    it that was paid before its time by a prepayment. `kind`: installment, down_payment, charge (after the last due date).
    `penalty_base` is the penalty grown up to `penalty_since`; it grows on from there on the unpaid principal. `earned` is the interest its
    own period makes (a grace may collect it later); `plan` is the payment it was solved for, `period` what interest was reckoned from.
    `makings` are the schedules that made it, the standing one last; `stretches` what its interest follows, where it follows the balance.
    `passed` is what of its fee goes to somebody else (`credit/passed_on.py`).
    """

    seq: int
    from_on: date
    due_on: date
    due: Parts
    kind: str = "installment"
    earned: Decimal = ZERO
    balance: Decimal = ZERO
    paid: Parts = field(default_factory=Parts)
    waived: Parts = field(default_factory=Parts)
    written_off: Parts = field(default_factory=Parts)
    paid_in_advance: Decimal = ZERO
    paid_late: Decimal = ZERO
    met_on: date | None = None
    prepaid: Decimal = ZERO
    penalty_base: Decimal = ZERO
    penalty_since: date = date.min
    late_charged: bool = False
    passed: Decimal = ZERO
    sold: bool = False
    charges: list[PlacedCharge] = field(default_factory=list)
    period: Period | None = field(default=None, repr=False)
    plan: Decimal = field(default=ZERO, repr=False)
    makings: list[Making] = field(default_factory=list, repr=False, compare=False)
    stretches: tuple[Stretch, ...] = field(default=(), repr=False, compare=False)

    @property
    def days(self) -> int:
        """Calendar days of its period."""
        return (self.due_on - self.from_on).days

    def left(self, part: str) -> Decimal:
        """Return what is still owed of one part."""
        due: Decimal = getattr(self.due, part)
        return due - getattr(self.paid, part) - getattr(self.waived, part) - getattr(self.written_off, part)

    @property
    def unpaid(self) -> Decimal:
        """Return what is still owed of the principal, which is never waived."""
        return self.due.principal - self.paid.principal - self.written_off.principal

    @property
    def owed(self) -> Decimal:
        """Unpaid without penalty: what makes an instalment late."""
        return self.unpaid + self.left("interest") + self.left("fee")

    @property
    def outstanding(self) -> Decimal:
        """Unpaid with the penalty as of the state."""
        return self.due.total - self.paid.total - self.waived.total - self.written_off.total


@dataclass(frozen=True, slots=True)
class Split:
    """What one event did: its `lines` by instalment (seq) and part, and what went nowhere.

    For money in: `amount` = the sum of `lines` + `fee` (charged at the moment: early fee) + `overpayment` (held for refund)
    + `recovered`. `waived` are lines of what is no longer owed, `written_off` those of a loss, `capitalised` those of interest, fees and
    penalty that became principal. `principal_after` is the principal outstanding after it. `off_books`: it came while the loan was
    charged off.
    """

    event: Event
    amount: Decimal
    lines: tuple[Line, ...] = ()
    fee: Decimal = ZERO
    overpayment: Decimal = ZERO
    recovered: Decimal = ZERO
    waived: tuple[Line, ...] = ()
    written_off: tuple[Line, ...] = ()
    capitalised: tuple[Line, ...] = ()
    principal_after: Decimal = ZERO
    off_books: bool = False

    def part(self, name: str) -> Decimal:
        """Return the sum of one part over all instalments, the early fee with the fees."""
        return sum((line.amount for line in self.lines if line.part == name), self.fee if name == "fee" else ZERO)


@dataclass(slots=True)
class State:
    """A loan as of a day: a function of its terms and its events.

    `splits` go by event key in the order played (a down payment collected with the money has the key "<disbursement>:down_payment").
    `balances` are unpaid amounts by part over the whole contract; `principal_outstanding` = disbursed + capitalised − paid − written off.
    """

    terms: Terms
    as_of: date
    status: Status
    installments: list[Installment]
    splits: dict[str, Split]
    disbursed: Decimal
    principal_outstanding: Decimal
    overpayment: Decimal
    recovered: Decimal
    charged_off_on: date | None
    written_off_on: date | None
    settled_on: date | None
    pauses: tuple[tuple[date, date], ...]
    delinquency: Delinquency

    def totals(self) -> Mapping[str, Decimal]:
        """Return the sums over all instalments: each part due, due, paid, paid in advance, paid late, waived, written off, outstanding."""
        rows = self.installments
        sums = {part: sum((getattr(row.due, part) for row in rows), ZERO) for part in PARTS}
        for name in ("due", "paid", "waived", "written_off"):
            sums[name] = sum((getattr(row, name).total for row in rows), ZERO)
        for name in ("paid_in_advance", "paid_late", "outstanding"):
            sums[name] = sum((getattr(row, name) for row in rows), ZERO)
        return sums

    def earned_to(self, on: date) -> Decimal:
        """Return the interest earned from the start to `on`, paid or not: whole periods that ended and the running one's part.

        Of a loan that has ended it is what was owed. What accrues from one day to another is the difference of two of these; a waiver
        takes nothing back of it, it is posted by itself.
        """
        rows = self.installments
        if self.status not in ("open", "planned"):
            return sum((row.due.interest - row.waived.interest for row in rows), ZERO)
        total, balance = ZERO, sum((row.due.principal for row in rows), ZERO)
        for row in rows:
            if row.due_on <= on or row.period is None:
                total += row.earned
            elif row.from_on < on:
                total += interest_to(self.terms, row.period, on, balance=balance, earned=row.earned, prepaid=row.prepaid)
            balance -= row.due.principal
        return total

    @property
    def balances(self) -> Parts:
        """Unpaid amounts by part, penalty as of the day."""
        return Parts(*(sum((row.left(part) for row in self.installments), ZERO) for part in PARTS))
