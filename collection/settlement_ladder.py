"""How much may be forgiven: caps by days past due, authority by role. Pure; the figures are rules of the house."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

from crm.lib.money import CENT

ZERO, ONE = Decimal(0), Decimal(1)
SHARE = Decimal("0.000001")


def cap_at(ladder: Mapping[str, str], dpd: int, *, extra: Decimal = ZERO) -> Decimal:
    """Return the largest share that may be forgiven at so many days past due: the last step reached; nothing below the first.

    :param extra: what hardship adds to a step that allows anything; never more than nine tenths in all
    """
    reached = [int(days) for days in ladder if int(days) <= dpd]
    cap = Decimal(ladder[str(max(reached))]) if reached else ZERO
    return min(cap + extra, Decimal("0.9")) if cap else ZERO


def floor(balance: Decimal, cap: Decimal) -> Decimal:
    """Return the least that may be offered, rounded up to the cent: rounding never forgives more than the cap."""
    return max((balance * (ONE - cap)).quantize(CENT, rounding=ROUND_UP), CENT)


def discount(balance: Decimal, amount: Decimal) -> Decimal:
    """Return which share of `balance` an offer of `amount` forgives.

    :raises ValueError: if there is no balance
    """
    if balance <= ZERO:
        raise ValueError("nothing is owed")
    return ((balance - amount) / balance).quantize(SHARE, rounding=ROUND_HALF_UP)


def allowed(matrix: Mapping[str, str], role: str) -> Decimal:
    """Return the largest share or amount a role may give up; nothing for one that is not named."""
    return Decimal(matrix.get(role, "0"))
