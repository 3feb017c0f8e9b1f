"""How money received is spread over what is owed. Pure; the order is a constant one can read aloud, or a product's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

WATERFALL = ("fee", "penalty", "interest", "principal")


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


def allocate(payment: Decimal, dues: Iterable[Due], order: Sequence[str] = WATERFALL) -> tuple[list[Line], Decimal]:
    """Spread `payment` over `dues` in the order given, each instalment whole before the next; return the lines and what is left."""
    lines = []
    for due in dues:
        for part in order:
            if taken := min(payment, getattr(due, part)):
                lines.append(Line(due.installment, part, taken))
                payment -= taken
    return lines, payment
