"""Money arithmetic: `Decimal`, two decimals, one rounding function with a named mode."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

WRITTEN = re.compile(r"[+-]?(([0-9]{1,15}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]{0,8})?|\.[0-9]{1,8})")

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
    cleaned = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lstrip("¥")
    factor = Decimal(1)
    if cleaned.endswith("元"):
        cleaned = cleaned[:-1]
    if cleaned.endswith("万"):
        cleaned, factor = cleaned[:-1], Decimal(10_000)
    # A comma that does not stand between thousands was meant as something else: `1,5` is not 15.
    if not WRITTEN.fullmatch(cleaned):
        raise ValueError(f"{text!r} is not an amount")
    amount = Decimal(cleaned.replace(",", "")) * factor
    # 10^12 is the widest amount numeric(14,2) holds; beyond it the database would refuse with a 5xx.
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12 or not is_cents(amount):
        raise ValueError(f"{text!r} is not an amount in whole cents")
    return quantize(amount)
