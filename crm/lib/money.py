"""Money arithmetic: `Decimal`, two decimals, one rounding function with a named mode."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

Mode = Literal["HALF_UP", "HALF_EVEN"]
_MODES: dict[str, str] = {"HALF_UP": ROUND_HALF_UP, "HALF_EVEN": ROUND_HALF_EVEN}


def quantize(amount: Decimal, mode: Mode = "HALF_UP") -> Decimal:
    """Return `amount` in whole cents, rounded by the named `mode`."""
    return amount.quantize(CENT, rounding=_MODES[mode])


def is_cents(amount: Decimal) -> bool:
    """Return whether `amount` is in whole cents."""
    return amount == amount.quantize(CENT)


def split(total: Decimal, parts: int) -> list[Decimal]:
    """Return `parts` amounts, equal to within a cent, that add up to `total`.

    :raises ValueError: if `total` is negative or not in whole cents, or `parts` is below 1
    """
    if parts < 1:
        raise ValueError(f"{parts} parts")
    if total < 0 or not is_cents(total):
        raise ValueError(f"{total} is not an amount in whole cents")
    each, extra = divmod(int(total / CENT), parts)
    return [(each + (i < extra)) * CENT for i in range(parts)]


def total(amounts: Sequence[Decimal]) -> Decimal:
    """Return the sum of `amounts`, 0.00 for none."""
    return sum(amounts, ZERO)


def parse(text: str) -> Decimal:
    """Return the amount a person typed: `12,000`, `12000.50`, `1.2万`, `¥30`.

    :raises ValueError: if it is not an amount in whole cents
    """
    cleaned = text.strip().replace(",", "").replace("，", "").replace(" ", "").lstrip("¥￥")
    factor = Decimal(1)
    if cleaned.endswith("元"):
        cleaned = cleaned[:-1]
    if cleaned.endswith("万"):
        cleaned, factor = cleaned[:-1], Decimal(10_000)
    try:
        amount = Decimal(cleaned) * factor
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount") from None
    # 10^12 is the widest amount numeric(14,2) holds; beyond it the database would refuse with a 5xx.
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12 or not is_cents(amount):
        raise ValueError(f"{text!r} is not an amount in whole cents")
    return quantize(amount)
