"""Curves over months on book: vintages, the same by channel, score band and strategy version, and early payoff."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from credit.dashboards import drawn
from credit.report_facts import Figures
from credit.report_places import Place
from credit.reports import (
    BASIS_WORDS,
    BY_WORDS,
    CURRENT,
    EVER,
    MEASURE_WORDS,
    PLAIN,
    VIEW_WORDS,
    Cell,
    Choices,
    Report,
    Result,
    Row,
    Sheet,
    caption_of,
    count_cell,
    declare,
    measured,
    ratio,
    row_word,
)
from crm.lib.templatetags.crm import percent

LINES = 6  # more cannot be told apart


def curves(choices: Choices, figures: Figures, kind: str) -> tuple[Sheet, dict[str, Any]]:
    """Return the table of shares by months on book and the lines of its picture.

    The share of a month is of the loans that have reached it: a row of several cohorts loses the young ones on its way.
    """
    asked = choices.asked
    keys = figures.rows("lent", "joined")
    last = max((figures.reach("lent", key) for key in keys), default=-1)
    joined = any(figures.at("joined", key).loans for key in keys)

    def row(key: str | None, reach: int) -> Row:
        cells = [measured(choices, figures.at("lent", key), Place(asked, "lent", key))]
        if joined:
            cells.append(count_cell(figures.at("joined", key), Place(asked, "joined", key)))
        for month in range(last + 1):
            if month > reach:
                cells.append(Cell("", None, "percent"))
                continue
            part, whole = figures.at(kind, key, month), figures.at("lent", key, month)
            cells.append(ratio(choices, part, whole, Place(asked, kind, key, month, month)))
        return Row(key or "", row_word(asked, key) if key is not None else str(_("All")), cells, key is None)

    rows = [row(key, figures.reach("lent", key)) for key in keys]
    if rows:
        rows.append(row(None, last))
    lent = _("Lent (CNY)") if choices.by_amount else _("Loans lent")
    heads = [str(BY_WORDS[asked.by]), lent, *([_("Joined later")] if joined else []), *(str(month) for month in range(last + 1))]
    first = 2 if joined else 1
    shown = sorted(keys, key=lambda key: choices.of(figures.at("lent", key)))[-LINES:] if asked.by != "month" else keys[-LINES:]
    lines = [
        (each.key, each.label, [None if cell.value is None else float(cell.value) for cell in each.cells[first:]])  # pixels
        for each in rows if each.key in shown and not each.is_total
    ]  # fmt: skip
    return Sheet("curves", str(_("Share by months on book")), heads, rows), {"lines": lines, "last": last, "first": first}


def drawn_curves(choices: Choices, kind: str, title: str, caption: str, found: dict[str, Any]) -> dict[str, Any]:
    chart = drawn(
        "line", title=title, caption=caption, on=choices.asked.observed, labels=list(range(found["last"] + 1)), unit="percent",
        series=found["lines"], empty=not found["lines"],
    )  # fmt: skip
    return chart | {"drill": Place(choices.asked, kind, "").pattern()}


def finding(sheet: Sheet, first: int, sentence: str, calm: str, empty: str) -> str:
    """Return the sentence about the highest share of a row, at a month at which it can be compared with another row."""
    rows = [row for row in sheet.rows if not row.is_total]
    known = [
        (row.cells[place].value or 0, place - first, row.label)
        for row in rows
        for place in range(first, len(row.cells))
        if row.cells[place].value is not None
        and (len(rows) == 1 or sum(place < len(r.cells) and r.cells[place].value is not None for r in rows) > 1)
    ]
    if not known:
        return empty
    share, month, label = max(known)
    return sentence % {"month": month, "row": label, "share": percent(share, 2)} if share else calm


def vintage(choices: Choices, figures: Figures) -> Result:
    """Return the share of what was lent that is past due, by months on book."""
    asked = choices.asked
    sheet, found = curves(choices, figures, "bad")
    sentence, calm = _("%(row)s stands highest, with %(share)s at month %(month)s"), _("Nothing that was lent is so late")
    title = finding(sheet, found["first"], sentence, calm, _("There is no month-end to look at yet"))
    caption = caption_of(
        choices, VIEW_WORDS.get(asked.view, asked.view), BASIS_WORDS[EVER if asked.ever else CURRENT], MEASURE_WORDS[choices.measure],
        _("at calendar month-ends"),
    )  # fmt: skip
    notes = [
        str(_("Month 0 is the month the money went out. A loan written off stays past due, with what was written off.")),
        str(
            _("The share at a month is of the loans that have reached it by the day observed; a month not reached by all is of the others.")
        ),
    ]
    if asked.ever:
        notes.append(str(_("Ever: with the balance of the first month-end at which the loan was so late.")))
    if late := figures.at("joined").loans:
        notes.append(str(_("%(n)s loans joined the book after their first month-end and are left out: who had gone by then is not known.") % {"n": late}))  # fmt: skip
    return Result(title, caption, [sheet], drawn_curves(choices, "bad", title, caption, found), notes)


def payoff(choices: Choices, figures: Figures) -> Result:
    """Return the share of loans settled before their last due date, by months on book."""
    sheet, found = curves(choices, figures, "early")
    sentence, calm = _("Of %(row)s most was paid off early: %(share)s by month %(month)s"), _("No loan was paid off early")
    title = finding(sheet, found["first"], sentence, calm, _("No loan has reached a month-end yet"))
    caption = caption_of(choices, _("settled before the last due date"), MEASURE_WORDS[choices.measure])
    notes = [str(_("By amount: the principal lent of the loans paid off early, of all principal lent."))]
    return Result(title, caption, [sheet], drawn_curves(choices, "early", title, caption, found), notes)


KINDS = {
    "lent": gettext_lazy("lent"), "joined": gettext_lazy("joined the book later"), "bad": pgettext_lazy("report", "past due"),
    "early": gettext_lazy("paid off early"),
}  # fmt: skip
declare(Report("vintage", gettext_lazy("Vintage curves"), gettext_lazy("How many of the loans of a month went past due, by months on book"),
    vintage, ("view", "basis", "measure", "by"), PLAIN, kinds=KINDS))  # fmt: skip
declare(Report("segments", gettext_lazy("Vintage by channel, score and strategy"),
    gettext_lazy("The same curves for each channel, band of score and version of the strategy that decided"),
    vintage, ("view", "basis", "measure"), ("segment",), kinds=KINDS))  # fmt: skip
declare(Report("payoff", gettext_lazy("Early payoff"), gettext_lazy("How many loans are settled before their time, by months on book"),
    payoff, ("measure", "by"), PLAIN, any_day=True, kinds=KINDS))  # fmt: skip
