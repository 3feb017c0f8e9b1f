"""Lines whose limits the behaviour score may speak to: the port through which risk learns of them. The app of lines registers a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from crm.lib.registry import Registry


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line that stands: whose, how large, how much of it is used."""

    customer_id: int
    line: str  # app.model:public id
    limit: Decimal
    used: Decimal
    late: bool
    most: Decimal  # what its product gives at most


class LineSource(Protocol):
    """Tells the open lines of customers, in one query."""

    def __call__(self, customer_ids: Sequence[int]) -> list[OpenLine]: ...


class PerformanceSource(Protocol):
    """Tells which borrowers went bad between two days; see `performance`."""

    def __call__(self, observed: Sequence[tuple[int, Any]], *, months: int, bad_dpd: int) -> Mapping[int, bool]: ...


LINES: Registry[LineSource] = Registry("source of lines")
PERFORMANCE: Registry[PerformanceSource] = Registry("source of performance")


def lines(customer_ids: Sequence[int]) -> list[OpenLine]:
    """Return the open lines of customers; one query a source."""
    return [line for source in LINES.values() for line in source(customer_ids)]


def performance(observed: Sequence[tuple[int, Any]], *, months: int, bad_dpd: int) -> dict[int, bool]:
    """Return which of the pairs (customer, day) went bad within so many months of the day, by their place in `observed`.

    Left out are pairs of customers who owed nothing on the day or were as late already: nothing is to be predicted of them. The caller
    sees to it that the months have passed. One query a source.
    """
    found: dict[int, bool] = {}
    for source in PERFORMANCE.values():
        for place, bad in source(observed, months=months, bad_dpd=bad_dpd).items():
            found[place] = found.get(place, False) or bad
    return found
