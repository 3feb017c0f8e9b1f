"""What stands in place of a personal value. Made on the server only; a short value is masked whole.

Forms after JR/T 0171-2020 practice; the id shows first and last character only, because six and four beside a
birth date rebuild the number.
"""

from collections.abc import Callable
from datetime import date
from functools import wraps

from crm.lib.dates import age_on


def _or_marker(mask: Callable[[str], str]) -> Callable[[str], str]:
    """Leave what says that a value cannot be read as it is: a mask over it would look like a value."""

    @wraps(mask)
    def masked(value: str) -> str:
        return value if getattr(value, "is_unreadable", False) else mask(value)

    return masked


@_or_marker
def mask_mobile(value: str) -> str:
    return f"{value[:3]}****{value[-4:]}" if len(value) >= 11 else "*" * len(value)


@_or_marker
def mask_id_number(value: str) -> str:
    return f"{value[0]}{'*' * 16}{value[-1]}" if len(value) == 18 else "*" * len(value)


@_or_marker
def mask_card(value: str) -> str:
    return f"**** {value[-4:]}" if len(value) >= 12 else "*" * len(value)


@_or_marker
def mask_name(value: str) -> str:
    """Surname and a star: 王* for 王小明, W* for Wang Xiaoming. One star, so that length tells nothing."""
    return f"{value[0]}*" if len(value) >= 2 else "*" * len(value)


@_or_marker
def mask_email(value: str) -> str:
    """First letter only: w***@***; the host of a small company names the employer."""
    return f"{value[0]}***@***" if "@" in value[1:] else "*" * len(value)


@_or_marker
def mask_text(value: str) -> str:
    """Nothing of it: addresses, employers, free text."""
    return "******" if value else ""


def age_band(born: date, on: date) -> str:
    """Return the five-year band of life, `35-39`; the birth date itself is never shown beside a masked id."""
    low = age_on(born, on) // 5 * 5
    return f"{low}-{low + 4}"
