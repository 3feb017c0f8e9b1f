"""How money received is spread over what is owed. Pure; the order is data one can read aloud, a product's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from credit.refusals import Impossible
from crm.lib.money import split

WATERFALL = ("fee", "penalty", "interest", "principal")
WHENS = ("past_due", "due", "in_advance")

Excess = Literal["running", "none", "next", "last", "reamortize"]


@dataclass(frozen=True, slots=True)
class Due:
    """What is still owed of one instalment."""

    installment: int
    fee: Decimal
    penalty: Decimal
    interest: Decimal
    principal: Decimal

    @property
    def total(self) -> Decimal:
        """All four parts together."""
        return self.fee + self.penalty + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Line:
    """An amount taken for one part of one instalment."""

    installment: int
    part: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """The order of one transaction type.

    `order` names twelve steps, {past_due, due, in_advance} . {penalty, fee, interest, principal}, each once, first to last.
    `horizontal` finishes an instalment in all neighbouring steps of one age before the next instalment; `vertical` takes a step through
    all instalments before the next step.
    `excess`, what is left when all that is due is paid: `running` pays the instalment whose period runs and holds the rest for refund
    (a consumer lender takes no deposits: the default), `none` holds all of it, `next` pays the following ones from the nearest on,
    `last` from the last one backwards, `reamortize` in equal parts over all of them.
    """

    order: tuple[str, ...] = tuple(f"{when}.{part}" for when in WHENS for part in WATERFALL)
    processing: Literal["horizontal", "vertical"] = "horizontal"
    excess: Excess = "running"

    def __post_init__(self) -> None:
        if sorted(self.order) != EVERY_STEP:
            raise Impossible("order", "an order of allocation names each of the twelve steps once")

    @classmethod
    def of(
        cls,
        due: Sequence[str] = WATERFALL,
        in_advance: Sequence[str] | None = None,
        *,
        past_due: Sequence[str] | None = None,
        processing: Literal["horizontal", "vertical"] = "horizontal",
        excess: Excess = "running",
    ) -> "Allocation":
        """Return the rule that goes past due, due, in advance, each in its order of parts; one not given is as `due`."""
        orders = zip(WHENS, (past_due or due, due, in_advance or due), strict=True)
        return cls(tuple(f"{when}.{part}" for when, parts in orders for part in parts), processing, excess)


EVERY_STEP = sorted(f"{when}.{part}" for when in WHENS for part in WATERFALL)
WATERFALL_RULE = Allocation()


def allocate(payment: Decimal, dues: Iterable[Due], order: Sequence[str] = WATERFALL) -> tuple[list[Line], Decimal]:
    """Spread `payment` over `dues` in the order given, each instalment whole before the next; return the lines and what is left."""
    lines = []
    for due in dues:
        for part in order:
            if taken := min(payment, getattr(due, part)):
                lines.append(Line(due.installment, part, taken))
                payment -= taken
        if not payment:
            break
    return lines, payment


@lru_cache(maxsize=256)
def groups(rule: Allocation) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the rounds of `rule`: an age of dues and the parts taken from each of its instalments before the next one."""
    found: list[tuple[str, list[str]]] = []
    for step in rule.order:
        when, part = step.split(".")
        if found and found[-1][0] == when and rule.processing == "horizontal":
            found[-1][1].append(part)
        else:
            found.append((when, [part]))
    return tuple((when, tuple(parts)) for when, parts in found)


def equally(payment: Decimal, dues: Sequence[Due], order: Sequence[str]) -> tuple[list[Line], Decimal]:
    """Spread `payment` in equal parts over `dues`; what one cannot take goes in equal parts to the others. Cents left over go first."""
    taken: dict[tuple[int, str], Decimal] = {}
    open_dues = [due for due in dues if due.total]
    while payment and open_dues:
        for due, share in zip(list(open_dues), split(payment, len(open_dues)), strict=True):
            for part in order:
                left = getattr(due, part) - taken.get((due.installment, part), 0)
                if amount := min(share, left):
                    taken[due.installment, part] = taken.get((due.installment, part), Decimal("0.00")) + amount
                    share -= amount
                    payment -= amount
        open_dues = [due for due in open_dues if any(getattr(due, part) > taken.get((due.installment, part), 0) for part in order)]
    return [Line(installment, part, amount) for (installment, part), amount in taken.items()], payment
