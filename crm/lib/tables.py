"""A table that leaves as a file and is no list of rows: a report. Declared once, as lists are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from crm.lib.registry import Registry

Value = str | int | Decimal | None


@dataclass(frozen=True)
class Sheet:
    """Heads and rows of one table; numbers stay numbers. `name` is what a workbook calls it."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Table:
    """`sheets(user, params)` reads what `user` may see; a file of comma-separated values holds the first sheet, a workbook all."""

    name: str
    title: Any
    permission: str
    export_permission: str
    address: Callable[[], str]
    sheets: Callable[[Any, QueryDict], Sequence[Sheet]]


TABLES: Registry[Table] = Registry("table")


def declare(one: Table) -> Table:
    TABLES.register(one.name, one)
    return one
