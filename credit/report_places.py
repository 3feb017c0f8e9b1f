"""Where a figure stands in a report, as an address carries it: what the list of loans behind it is narrowed by."""

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.urls import reverse

from credit import report_facts
from credit.models import Loan
from credit.report_facts import Asked

EVERY = "*"
PARTS = 11
HIGHEST = 999
LONGEST = 200


@dataclass(frozen=True)
class Place:
    """A figure: what was asked, what is counted, in which row (None: all of them), from which column to which."""

    asked: Asked
    kind: str
    row: str | None
    low: int = 0
    high: int = 0

    @property
    def token(self) -> str:
        """Return the place as text. The row stands last: it may hold anything."""
        one = self.asked
        ever = "ever" if one.ever else "now"
        row = EVERY if self.row is None else self.row
        parts = (
            one.report,
            self.kind,
            self.low,
            self.high,
            one.observed.isoformat(),
            one.view,
            ever,
            one.by,
            one.product,
            one.channel,
            row,
        )
        return "~".join(str(part) for part in parts)

    @property
    def url(self) -> str:
        return f"{reverse('loan-list')}?cell={quote(self.token, safe='~')}"

    def pattern(self, *, row: str = "{s}", columns: str = "{x}~{x}", kind: str = "") -> str:
        """Return the address for charts: {x} is filled in by the column that is clicked on, {s} by the series."""
        held = replace(self, kind="KIND" if kind else self.kind, row="ROW", low=990, high=991)
        return held.url.replace("~990~991~", f"~{columns}~").replace("~ROW", f"~{row}").replace("~KIND~", f"~{kind}~")

    def among(self, rows: QuerySet[Loan], visible: QuerySet[Loan]) -> QuerySet[Loan]:
        """Narrow `rows` to the loans of the figure as counted over `visible`."""
        try:
            return rows.filter(report_facts.behind(self.asked, visible, self.kind, self.row, self.low, self.high))
        except EmptyResultSet:
            return rows.none()


def read(text: str) -> Place | None:
    """Return the place that `text` names, None where it names none."""
    parts = text.split("~", PARTS - 1)
    if len(parts) < PARTS or len(text) > LONGEST or "\0" in text:
        return None
    report, kind, low, high, observed, view, ever, by, product, channel, row = parts
    try:
        day = date.fromisoformat(observed)
    except ValueError:
        return None
    numbers = [int(each) for each in (low, high, view) if each.isascii() and each.isdecimal() and len(each) <= 3]
    known = report in report_facts.STATEMENTS and by in report_facts.ROWS_BY and ever in ("ever", "now")
    if len(numbers) < 3 or not known or not 1990 <= day.year < 2200:
        return None
    asked = Asked(report, day, by, numbers[2], ever == "ever", product, channel)
    return Place(asked, kind, None if row == EVERY else row, numbers[0], numbers[1])


@dataclass(frozen=True)
class Behind:
    """A place as a filter of the list of loans shows it; `place` is None where the address named none."""

    place: Place | None
    words: str

    def __str__(self) -> str:
        return self.words
