"""Results of collections as tables, charts, files and answers: the same figures everywhere, each with what it is over what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection import permissions, queues, result_facts, treatment_results
from collection.models import Case
from collection.result_facts import BRANCH, BUCKET, COLLECTOR, MONTH, Asked, Counted
from collection.result_measures import AMOUNT, GROUPS, LEAGUE, MEAN, MEASURES, Measure
from credit.accrual import bucket_name
from crm.lib import tables
from crm.lib.templatetags.crm import grouped, percent
from governance.models import Team, User

EVERY = "*"
LONGEST = 120
SPANS = (3, 6, 12, 24)
SPAN, BY = 6, MONTH
BY_WORDS = {
    MONTH: gettext_lazy("Month"), BUCKET: gettext_lazy("Bucket"), COLLECTOR: gettext_lazy("Collector"), BRANCH: gettext_lazy("Branch"),
}  # fmt: skip
SHARE = Decimal("0.000001")


@dataclass(frozen=True)
class Place:
    """A part of a figure, as an address carries it: what is counted, in which row, of which period."""

    asked: Asked
    kinds: tuple[str, ...]
    row: str | None

    @property
    def token(self) -> str:
        row = EVERY if self.row is None else self.row
        return "~".join(("+".join(self.kinds), self.asked.by, self.asked.since.isoformat(), self.asked.until.isoformat(), row))

    @property
    def url(self) -> str:
        return f"{reverse('case-list')}?status=all&figure={quote(self.token, safe='~+')}".replace("+", "%2B")

    def among(self, rows: QuerySet[Case], visible: QuerySet[Case]) -> QuerySet[Case]:
        """Narrow `rows` to the cases of the figure as counted over `visible`."""
        try:
            prices = treatment_results.prices(on=self.asked.until)
            return rows.filter(result_facts.behind(self.asked, visible, prices, self.kinds, self.row))
        except EmptyResultSet:
            return rows.none()


def read_place(text: str) -> Place | None:
    """Return the place that `text` names, None where it names none."""
    parts = text.split("~")
    if len(parts) != 5 or len(text) > LONGEST or "\0" in text:
        return None
    kinds, by, since, until, row = parts
    try:
        first, last = date.fromisoformat(since), date.fromisoformat(until)
    except ValueError:
        return None
    known = by in result_facts.ROWS_BY and all(each in result_facts.KINDS for each in kinds.split("+"))
    if not known or not 2000 <= first.year <= last.year < 2200 or first > last or (last - first).days > 800:
        return None
    return Place(Asked(first, last, by), tuple(kinds.split("+")), None if row == EVERY else row)


@dataclass(frozen=True)
class Behind:
    """A figure as a filter of the list of cases shows it; `place` is None where the address named none."""

    place: Place | None
    words: str

    def __str__(self) -> str:
        return self.words


def behind(text: str) -> Behind:
    place = read_place(text)
    if place is None:
        return Behind(None, str(_("a figure that no report has")))
    name = next((f"{one.title}: {end}" for one in MEASURES.values() for kinds, end in _ends(one) if kinds == place.kinds), "")
    span = f"{place.asked.since.isoformat()} – {place.asked.until.isoformat()}"
    row = "" if place.row is None else label(place.asked.by, place.row, _names(place.asked.by, [place.row]))
    return Behind(place, " · ".join(part for part in (name, row, span) if part))


def _ends(one: Measure) -> tuple[tuple[tuple[str, ...], str], ...]:
    return (one.top, _("above the line")), (one.bottom, _("below the line"))


# --- reading -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Cell:
    """One figure of one measure: shown, exact, and what it is made of with the cases behind both."""

    measure: Measure
    text: str
    value: Decimal | None
    top: Decimal | int
    bottom: Decimal | int
    top_place: Place
    bottom_place: Place

    @property
    def top_text(self) -> str:
        return _shown(self.top, exact=self.measure.basis in (AMOUNT, MEAN))

    @property
    def bottom_text(self) -> str:
        return _shown(self.bottom, exact=self.measure.basis == AMOUNT)


def _shown(part: Decimal | int, *, exact: bool) -> str:
    return str(grouped(Decimal(part))) if exact else f"{part:,}"


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    cells: list[Cell]
    is_total: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """One group of measures: a table with a row each, its picture, and what the heads mean."""

    name: str
    title: str
    measures: list[Measure]
    rows: list[Row]
    chart: dict[str, Any] | None = None
    extra: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    asked: Asked
    span: int
    caption: str
    sheets: list[Sheet]

    @property
    def is_empty(self) -> bool:
        return not any(sheet.rows for sheet in self.sheets)


def ways(user: Any) -> dict[str, Any]:
    """Return what a row may be: colleagues are compared by who leads or watches over them, not by each other."""
    leads = user.has_perm(permissions.ASSIGN) or user.has_perm(permissions.EXPORT)
    return {name: word for name, word in BY_WORDS.items() if name != COLLECTOR or leads}


def chosen(user: Any, params: Any) -> tuple[int, str]:
    """Return how many months and one row per what an address asks for; the page's own where it names something else."""
    span, by = str(params.get("months") or ""), str(params.get("by") or "")
    return (int(span) if span in {str(each) for each in SPANS} else SPAN), (by if by in ways(user) else BY)


def read(user: Any, params: Any, *, at: Any) -> Report:
    """Return the results over the cases `user` may see: two statements, whatever their number."""
    span, by = chosen(user, params)
    until = queues.today(user, at)
    asked = Asked(result_facts.period(until, span), until, by)
    cases, prices = Case.objects.visible_to(user), treatment_results.prices(on=until)
    counted = result_facts.count(asked, cases, prices)
    keys = counted.rows()
    if by == MONTH:
        keys = [month for month in (f"{each:%Y-%m}" for each in result_facts.months(asked.since, until)) if keys and month >= keys[0]]
    names = _names(by, keys)
    sheets = []
    for group, title in GROUPS.items():
        measures = [one for one in MEASURES.values() if one.group == group]
        rows = [Row(key, label(by, key, names), cells_of(measures, counted, asked, key)) for key in keys]
        rows = [row for row in rows if by == MONTH or any(cell.bottom or cell.top for cell in row.cells)]
        if rows:
            rows.append(Row("", str(_("All")), cells_of(measures, counted, asked, None), is_total=True))
        sheets.append(Sheet(group, str(title), measures, rows, chart(group, measures, rows, asked)))
    if COLLECTOR in ways(user):
        of_people = Asked(asked.since, until, COLLECTOR)
        sheets.append(league(counted if by == COLLECTOR else result_facts.count(of_people, cases, prices), of_people))
    caption = _("%(since)s to %(until)s, cases you may see; the running month is not over") % {
        "since": asked.since.isoformat(),
        "until": until.isoformat(),
    }
    return Report(asked, span, caption, sheets)


def cells_of(measures: Sequence[Measure], counted: Counted, asked: Asked, row: str | None) -> list[Cell]:
    found = []
    for one in measures:
        value = one.value(counted, row)
        found.append(Cell(
            one, said(one, value), value, one.above(counted.at(one.top, row)), one.below(counted.at(one.bottom, row)),
            Place(asked, one.top, row), Place(asked, one.bottom, row),
        ))  # fmt: skip
    return found


def said(one: Measure, value: Decimal | None) -> str:
    if value is None:
        return "–"
    return str(percent(value, 1)) if one.per == 1 and one.basis != MEAN else f"{value:,.1f}"


def league(counted: Counted, asked: Asked) -> Sheet:
    """Return the collectors with their money, contacts and conduct, who brought most first."""
    measures = [MEASURES[name] for name in LEAGUE]
    keys = [key for key in counted.rows() if key]
    names = _names(COLLECTOR, keys)
    rows = []
    for key in keys:
        cash, touched = counted.at(("cash",), key).amount, counted.at(("touch",), key).n
        rows.append(
            (cash, Row(key, names.get(key, key), cells_of(measures, counted, asked, key), more=(str(grouped(cash)), f"{touched:,}")))
        )
    rows.sort(key=lambda pair: (-pair[0], pair[1].label))
    return Sheet(
        "league", str(_("Collectors")), measures, [row for _cash, row in rows], extra=[str(_("Came in (CNY)")), str(_("Contacts made"))]
    )


def _names(by: str, keys: Sequence[str]) -> dict[str, str]:
    ids = [int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]
    if by == COLLECTOR:
        return {str(one.pk): str(one) for one in User.objects.filter(pk__in=ids)}
    if by == BRANCH:
        return {str(one.pk): str(one) for one in Team.objects.filter(pk__in=ids)}
    return {}


def label(by: str, key: str, names: dict[str, str]) -> str:
    """Return how a row is called."""
    if by == BUCKET and key.isascii() and key.isdecimal() and int(key) <= result_facts.TOP_BUCKET:
        return str(bucket_name(int(key)))
    if by == COLLECTOR and not key:
        return str(_("Machine, or nobody yet"))
    return names.get(key, key)


# --- pictures ------------------------------------------------------------------------------------------------------
def chart(group: str, measures: Sequence[Measure], rows: Sequence[Row], asked: Asked) -> dict[str, Any] | None:
    """Return the picture of a group: lines over months, bars over anything else; drawing needs no more than a float."""
    drawn = [row for row in rows if not row.is_total]
    whole = next((row for row in rows if row.is_total), None)
    if whole is None:
        return None
    first = whole.cells[0]
    title = _("%(measure)s: %(value)s in the whole period") % {"measure": first.measure.title, "value": first.text}
    series = [
        {"key": one.name, "name": str(one.title), "role": "main",
         "values": [None if row.cells[place].value is None else float(row.cells[place].value or 0) for row in drawn]}  # pixels
        for place, one in enumerate(measures) if one.basis != MEAN  # points of 100 are no rate: they stand in the table
    ]  # fmt: skip
    caption = " · ".join(str(one.title) for one in measures if one.basis != MEAN)
    is_share = all(one.per == 1 for one in measures)
    return {
        "v": 1, "kind": "line" if asked.by == MONTH and len(drawn) > 1 else "bar", "title": title, "caption": caption, "as_of": asked.until.isoformat(),
        "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": [row.label for row in drawn], "keys": [row.key for row in drawn]},
        "y": {"label": "", "unit": "percent" if is_share else "count"}, "series": series, "marks": [], "events": [],
    }  # fmt: skip


# --- files and answers ---------------------------------------------------------------------------------------------
def exact(cell: Cell) -> Decimal | None:
    return None if cell.value is None else cell.value.quantize(SHARE)


def as_file(found: Report) -> list[tables.Sheet]:
    """Return the report as a file holds it: every figure on a line with what it is over what, then the tables as seen."""
    heads = [_("Table"), str(BY_WORDS[found.asked.by]), _("Measure"), _("Figure"), _("Above the line"), _("Below the line"), _("What it means"), _("As counted")]  # fmt: skip
    lines: list[Sequence[tables.Value]] = [
        (sheet.title, row.label, str(cell.measure.title), exact(cell), cell.top, cell.bottom, str(cell.measure.means), found.caption)
        for sheet in found.sheets
        for row in sheet.rows
        for cell in row.cells
    ]
    seen = [
        tables.Sheet(sheet.title, [_("Row"), *(str(one.title) for one in sheet.measures)], [(row.label, *(exact(cell) for cell in row.cells)) for row in sheet.rows])
        for sheet in found.sheets
    ]  # fmt: skip
    return [tables.Sheet(str(_("Figures")), heads, lines), *seen]


def answer(found: Report) -> dict[str, Any]:
    """Return the report as the API tells it."""
    return {
        "since": found.asked.since, "until": found.asked.until, "months": found.span, "by": found.asked.by,
        "measures": [
            {"name": one.name, "title": str(one.title), "means": str(one.means), "basis": one.basis, "per": one.per} for one in MEASURES.values()
        ],
        "tables": [
            {"name": sheet.name, "title": sheet.title, "rows": [
                {"key": row.key, "label": row.label, "total": row.is_total, "figures": [
                    {"measure": cell.measure.name, "value": None if cell.value is None else str(exact(cell)), "above": str(cell.top), "below": str(cell.bottom),
                     "cases_above": cell.top_place.token, "cases_below": cell.bottom_place.token}
                    for cell in row.cells
                ]} for row in sheet.rows
            ]} for sheet in found.sheets
        ],
    }  # fmt: skip
