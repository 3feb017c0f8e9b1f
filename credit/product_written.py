"""What of a version of a product is written, and the mark by which another wording is told."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import rfc8785

from credit.models import Product

# what of a version is written; the rest is its life
WRITTEN = (
    "name_en", "name_zh", "method", "amount_min", "amount_max", "term_min", "term_max", "rates_by_grade", "day_count", "month_end",
    "rounding", "grace_days", "penalty_multiplier", "penalty_within_cap", "allocation_order", "early_fee_rate", "fees", "offer_days",
    "terms", "examples",
)  # fmt: skip


def written(product: Product) -> dict[str, Any]:
    """Return what of a version is written."""
    return {name: getattr(product, name) for name in WRITTEN}


def stamp(product: Product) -> str:
    """Return a short mark of what is written, by which a stale page is found."""
    return hashlib.sha256(rfc8785.dumps(plain(written(product)))).hexdigest()[:16]


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON keeps them, decimals without noise."""
    return {name: f"{value.normalize():f}" if isinstance(value, Decimal) else value for name, value in values.items()}
