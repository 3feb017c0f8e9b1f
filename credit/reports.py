"""Reports on the portfolio: what each is asked for, and what it says; figures come from `credit/report_facts.py`.

Counted are the loans the reader may see, and no others: two people of different reach read different figures. A cancelled contract
counts as never lent, but for the month-ends at which it stood.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from credit import report_facts
from credit.accrual import LAST_BUCKET, bucket_name
from credit.classification import CLASSES
from credit.models import Loan
from credit.models.classification import RiskClass
from credit.report_facts import NEW, NOT_ON_FILE, SETTLED, WRITTEN_OFF, Asked, Figures, Sum
from credit.report_places import Behind, Place
from credit.report_places import read as read_place
from crm.lib.registry import Registry
from crm.lib.templatetags.crm import grouped, percent
from governance.models.identity import Channel

AMOUNT, COUNT = "amount", "count"
CURRENT, EVER = "current", "ever"
VIEWS = (0, 30, 60, 90, 180)
VIEW_WORDS = {
    0: gettext_lazy("1+ days past due (M1+)"), 30: gettext_lazy("30+ days past due (M2+)"), 60: gettext_lazy("60+ days past due (M3+)"),
    90: gettext_lazy("90+ days past due (M4+)"), 180: gettext_lazy("180+ days past due (M7+)"),
}  # fmt: skip
BASIS_WORDS = {CURRENT: gettext_lazy("Past due at that month-end"), EVER: gettext_lazy("Ever past due by then")}
MEASURE_WORDS = {AMOUNT: gettext_lazy("Amount"), COUNT: gettext_lazy("Number of loans")}
BY_WORDS = {
    "month": gettext_lazy("Month paid out"), "product": gettext_lazy("Product"), "channel": gettext_lazy("Channel"),
    "grade": gettext_lazy("Grade"), "segment": gettext_lazy("Channel · score · strategy"),
    "economics": gettext_lazy("Product · channel · month paid out"),
}  # fmt: skip
PLAIN = ("month", "product", "channel", "grade")


@dataclass(frozen=True)
class Choices:
    """What a reader chose. Every figure, file and answer says them; `asked` is the part that decides which loans count where."""

    asked: Asked
    measure: str = AMOUNT

    @property
    def by_amount(self) -> bool:
        return self.measure == AMOUNT

    def of(self, part: Sum) -> Decimal | int:
        return part.amount if self.by_amount else part.loans


@dataclass
class Cell:
    """One figure: what is shown, its exact value, and the loans behind it."""

    text: str
    value: Decimal | int | None = None
    unit: str = "count"
    loans: int | None = None
    amount: Decimal | None = None
    of_loans: int | None = None
    of_amount: Decimal | None = None
    sub: str = ""
    place: Place | None = None


@dataclass
class Row:
    key: str
    label: str
    cells: list[Cell]
    is_total: bool = False


@dataclass
class Sheet:
    """One table of a report."""

    name: str
    title: str
    heads: list[str]
    rows: list[Row]


@dataclass
class Result:
    """A report read: its tables, its picture, and what must be known to read it."""

    title: str
    caption: str
    sheets: list[Sheet]
    chart: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(sheet.rows for sheet in self.sheets)


@dataclass(frozen=True)
class Report:
    """A report declared: which choices it has, and how it is built from its figures."""

    name: str
    title: Any
    about: Any
    build: Callable[[Choices, Figures], Result]
    choices: Sequence[str]
    by: Sequence[str] = ("month",)
    any_day: bool = False
    kinds: Mapping[str, Any] = field(default_factory=dict)


REPORTS: Registry[Report] = Registry("report")


def declare(report: Report) -> Report:
    REPORTS.register(report.name, report)
    return report


def read(report: Report, choices: Choices, user: Any) -> Result:
    """Return a report over the loans `user` may see; the figures are one query."""
    return report.build(choices, report_facts.count(choices.asked, Loan.objects.visible_to(user)))


# --- words ---------------------------------------------------------------------------------------------------------
def month_word(day: date) -> str:
    return f"{day:%Y-%m}"


def row_word(asked: Asked, key: str) -> str:
    """Return how a row is called."""
    if asked.report in ("roll", "classes"):
        return str(_("New this month")) if key == NEW else place_word(asked, int(key) if key.isdecimal() else 0)
    by = asked.by
    parts = key.split("|")
    if by == "channel":
        return channel_word(key)
    if by == "grade":
        return key or str(_("no grade"))
    if by == "segment" and len(parts) == 3:
        return " · ".join((channel_word(parts[0]), band_word(parts[1]), parts[2] or str(_("no strategy"))))
    if by == "economics" and len(parts) == 3:
        return " · ".join((parts[0], channel_word(parts[1]), parts[2]))
    return key


def channel_word(code: str) -> str:
    return str(dict(Channel.choices).get(code, code))


def band_word(low: str) -> str:
    if not low.lstrip("-").isdecimal():
        return str(_("no score"))
    return f"{low}–{int(low) + report_facts.BAND - 1}"


def place_word(asked: Asked, col: int) -> str:
    """Return how a column is called in which a loan stands."""
    if col == SETTLED:
        return str(pgettext_lazy("report", "Settled"))
    if col == WRITTEN_OFF:
        return str(pgettext_lazy("report", "Written off"))
    if col == NOT_ON_FILE:
        return str(_("No month-end on file"))
    if asked.report in ("classes", "quality"):
        return str(dict(RiskClass.choices).get(col, col))
    return bucket_name(col) if 0 <= col <= LAST_BUCKET else str(col)


def columns_word(place: Place) -> str:
    """Return how the columns of a figure are called; "" where they say nothing."""
    asked = place.asked
    if asked.report in ("vintage", "segments", "payoff"):
        return str(_("month %(n)s") % {"n": place.low}) if place.kind in ("bad", "early") or place.low else ""
    if asked.report in ("roll", "classes", "ageing", "quality"):
        if place.low == place.high:
            return place_word(asked, place.low)
        ends = place.high if place.high < SETTLED else 0
        return f"{place_word(asked, place.low)} – {place_word(asked, ends)}" if ends and place.low else ""
    return ""


def said(place: Place) -> str:
    """Return what the loans behind a figure have in common, in a line."""
    report, asked = REPORTS[place.asked.report], place.asked
    days = place.kind.lstrip("abcdefghijklmnopqrstuvwxyz")
    parts = [str(report.title), asked.observed.isoformat(), str(report.kinds.get(place.kind, "")).replace("%(n)s", days)]
    if asked.report in ("vintage", "segments") and place.kind == "bad":
        parts += [str(VIEW_WORDS.get(asked.view, asked.view)), str(BASIS_WORDS[EVER if asked.ever else CURRENT])]
    parts += [asked.product, channel_word(asked.channel) if asked.channel else ""]
    parts += ["" if place.row is None else row_word(asked, place.row), columns_word(place)]
    return " · ".join(part for part in parts if part)


def behind(text: str) -> Behind:
    """Return the figure an address names, as the list of loans is narrowed by it."""
    place = read_place(text)
    if place is None or place.asked.report not in REPORTS or place.kind not in REPORTS[place.asked.report].kinds:
        return Behind(None, str(_("a figure that no report has")))
    return Behind(place, said(place))


# --- cells ---------------------------------------------------------------------------------------------------------
def ratio(
    choices: Choices, part: Sum, whole: Sum, place: Place | None, *, places: int = 2, value: Decimal | None = None, plain: bool = False
) -> Cell:
    """Return a cell with the share that `part` is of `whole`, below it what it was made of."""
    if value is None and not plain:
        below = choices.of(whole)
        value = Decimal(choices.of(part)) / Decimal(below) if below else None
    shown = "–" if value is None else str(percent(value, places))
    sub = f"{part.loans:,} / {whole.loans:,}" if not choices.by_amount else grouped(part.amount)
    return Cell(shown, value, "percent", part.loans, part.amount, whole.loans, whole.amount, sub, place)


def money_cell(part: Sum, place: Place | None, amount: Decimal | None = None) -> Cell:
    found = part.amount if amount is None else amount
    return Cell(grouped(found), found, "money", part.loans, found, place=place)


def count_cell(part: Sum, place: Place | None) -> Cell:
    return Cell(f"{part.loans:,}", part.loans, "count", part.loans, part.amount, place=place)


def plain(value: Decimal | None, unit: str) -> Cell:
    """Return a cell that is computed from others of its row and has no list of its own."""
    if value is None:
        return Cell("–", None, unit)
    return Cell(str(percent(value, 2)) if unit == "percent" else grouped(value), value, unit)


def measured(choices: Choices, part: Sum, place: Place | None) -> Cell:
    return money_cell(part, place) if choices.by_amount else count_cell(part, place)


def class_words() -> list[str]:
    return [str(RiskClass(each).label) for each in CLASSES]


def caption_of(choices: Choices, *parts: Any) -> str:
    """Return everything the figures depend on, in a line."""
    asked = choices.asked
    narrowed = [asked.product, channel_word(asked.channel) if asked.channel else ""]
    return " · ".join(str(part) for part in (_("as of %(day)s") % {"day": asked.observed.isoformat()}, *parts, *narrowed) if part)
