"""What happens to a loan: frozen values that `credit/machine.py` plays. Pure.

Each carries its own `key`, the day `on` from which it counts (value date) and `seq`, its place among events of the same day; money is
above zero, in whole cents. What was reversed never was.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from credit.terms import Terms

Part = Literal["fee", "penalty", "interest", "principal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The common side of every event."""

    key: str
    on: date
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disburse(Event):
    """Money goes out: the whole amount, one tranche of it, or a draw of a line. One that `stands` went out whatever became of the limit."""

    amount: Decimal
    stands: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repay(Event):
    """Money comes in. `kind` chooses the order of allocation ("repayment", "down_payment", "goodwill_credit", "merchant_refund" …)."""

    amount: Decimal
    kind: str = "repayment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay(Event):
    """Money that pays what is due and then principal before its time: `keeps` the instalment (the term shortens) or the term (it lowers)."""

    amount: Decimal
    keeps: Literal["installment", "term"] = "term"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOff(Event):
    """Money that ends the loan, interest and penalty counted to `settles_on` (the day itself when not given).

    With no `amount` it is exactly what ends it; one that does not suffice is a repayment like others, what is too much is held.
    """

    amount: Decimal | None = None
    settles_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Event):
    """A fee or penalty put on the loan by hand or rule, due on `due_on`. A charge after the last due date makes an instalment of its own."""

    amount: Decimal
    due_on: date
    part: Literal["fee", "penalty"] = "fee"
    stands: bool = False  # put on already: a death recorded later may take a penalty away


@dataclass(frozen=True, slots=True, kw_only=True)
class Waive(Event):
    """What is given up of one part: of one instalment, or oldest first."""

    part: Literal["fee", "penalty", "interest"]
    amount: Decimal
    installment: int | None = None
    stands: bool = False  # given up already: money that counts for an earlier day may have left less to give up


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Event):
    """The event with the key `of` never was."""

    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Event):
    """Money held goes back to the customer."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule(Event):
    """What is not due yet is spread anew: over `more` periods, on another day of the month, or from another next due date."""

    more: int = 0
    due_day: int | None = None
    next_due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restructure(Event):
    """All that is unpaid is spread anew under `terms` (their principal is ignored, their start is `on`).

    Unpaid interest, fee and penalty to the day become principal (`capitalises`), or are due with the first new instalment.
    """

    terms: Terms
    capitalises: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relieve(Event):
    """Hardship: each due date up to `until` asks for `installment` only (nothing: a holiday); what is not paid then comes later.

    Interest goes on: what `installment` does not cover is due with the first instalment after `until`, and bears no interest itself.
    The principal is spread anew over the instalments after `until`; `adds` puts as many periods on at the end as were relieved.
    """

    until: date
    installment: Decimal = Decimal("0.00")
    adds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Die(Event):
    """The customer died on `died_on`: after that day no penalty grows and nothing more is charged for being late, however late it is recorded."""

    died_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell(Event):
    """The loan is sold for `amount` with all that is owed on it: it leaves the books, what comes later is the buyer's."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Event):
    """Days to `until` do not count in treatment (hardship, dispute)."""

    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Event):
    """A pause that runs ends today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerate(Event):
    """提前到期: the whole balance is due today, with the interest to today; undone by reversing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOff(Event):
    """The loan leaves the books as an asset; it goes on being owed and paid. Interest accrued is told, no more is accrued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff(Event):
    """All that is unpaid is written off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover(Event):
    """Money that comes after the write-off."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Event):
    """The contract is cancelled in the cooling-off period: `amount` gives the principal back, interest and fees are not owed."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit(Event):
    """The limit of a revolving line from the day on; what is drawn above it stays drawn."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Event):
    """No more is drawn from the line until it is thawed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw(Event):
    """A frozen line gives draws again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLine(Event):
    """A line on which nothing is owed ends before its day."""
