"""Interest that follows the balance day by day, for loans whose terms ask for it. Pure; played by `credit/machine.py`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from credit.working import Working


def refresh(loan: Working, on: date, *, ends: bool = False) -> None:
    """Write the interest of every instalment not met as the balance to `on` makes it."""
