"""Pictures of a backtest in the form the chart part draws. Sides that are compared stand side by side; what was is grey."""

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.templatetags.crm import percent
from risk import tallies
from risk.backtest_report import GRADES, Column, Report, band_word, mean_pd, ratio
from risk.tallies import APPROVED, N

STEPS = 4  # reasons that get a bar of their own in the waterfall; the rest stand together


def every(report: Report) -> list[dict[str, Any]]:
    """Return the pictures of the report, each with the table of its figures."""
    if not report.total:
        return []
    made = [waterfall(report, side) for side in report.candidates]
    return [*made, bad_by_grade(report), limits(report), rates(report)]


def drawn(
    report: Report,
    kind: str,
    name: str,
    title: str,
    caption: str,
    labels: Sequence[str],
    unit: str,
    series: Sequence[tuple[str, str, str, list[Any]]],
) -> dict[str, Any]:
    """Return a picture with its table; `series` are (key, name, role, values)."""
    shown = [one for one in series if any(value for value in one[3])]
    data = {
        "v": 1, "kind": kind, "title": title, "caption": caption, "as_of": report.backtest.created_at.date().isoformat(), "complete": True,
        "note": "", "x": {"label": "", "type": "category", "values": list(labels)}, "y": {"label": "", "unit": unit}, "marks": [], "events": [],
        "series": [{"key": key, "name": word, "role": role, "values": values} for key, word, role, values in series] if shown else [],
    }  # fmt: skip
    told: Callable[[Any], str] = (
        (lambda value: percent(value, 2) if value is not None else "") if unit == "percent" else (lambda value: f"{value or 0:,}")
    )
    rows = [
        {"label": label, "cells": [told(values[place]) for _key, _word, role, values in series if role != "base"]}
        for place, label in enumerate(labels)
    ]
    heads = ["", *(word for _key, word, role, _values in series if role != "base")]
    return {"name": f"backtest-{name}", "title": title, "caption": caption, "data": data, "heads": heads, "rows": rows}


def _sides(report: Report, values: Callable[[Column], list[Any]]) -> list[tuple[str, str, str, list[Any]]]:
    return [(f"side{place}", column.name, "main" if place else "compare", values(column)) for place, column in enumerate(report.columns)]


def waterfall(report: Report, side: Column) -> dict[str, Any]:
    """Return the way from what was approved to what would be: who goes out and who comes in, by first reason."""
    outs, ins = _steps(report, side, "out"), _steps(report, side, "in")
    labels, level = [report.base.name], report.base.approved
    bars: list[tuple[int, int, int, int]] = [(0, level, 0, 0)]  # nothing drawn below, whole, out, in
    for label, number in outs:
        level -= number
        labels.append("− " + label)
        bars.append((level, 0, number, 0))
    for label, number in ins:
        labels.append("+ " + label)
        bars.append((level, 0, 0, number))
        level += number
    labels.append(side.name)
    bars.append((0, level, 0, 0))
    into, out = report.swapped(side)
    title = _("%(name)s: %(out)s go out and %(in)s come in, %(was)s approved become %(now)s") % {
        "name": side.name, "out": f"{out:,}", "in": f"{into:,}", "was": f"{report.base.approved:,}", "now": f"{side.approved:,}",
    }  # fmt: skip
    caption = _("Swap set: approved applications of %(total)s, by the first reason gained or lost") % {"total": f"{report.total:,}"}
    names = (("base", "", "base"), ("whole", _("approved"), "main"), ("out", _("out"), "main"), ("in", _("in"), "main"))
    series = [(key, word, role, [bar[place] for bar in bars]) for place, (key, word, role) in enumerate(names)]
    return drawn(report, "waterfall", f"swap-{side.arm.place}", title, caption, labels, "count", series)


def _steps(report: Report, side: Column, way: str) -> list[tuple[str, int]]:
    found = sorted(side.counts[way].items(), key=lambda one: (-one[1], one[0]))
    rest = sum(number for _code, number in found[STEPS:])
    return [(report.reason(code), number) for code, number in found[:STEPS]] + ([(_("other reasons"), rest)] if rest else [])


def bad_by_grade(report: Report) -> dict[str, Any]:
    grades = [grade for grade in GRADES if any(grade in column.counts["grade"] for column in report.columns)]
    told = [f"{column.name} {percent(column.expected_bad, 2)}" for column in report.columns if column.expected_bad is not None]
    title = (
        _("Expected bad rate of those approved: %(told)s") % {"told": " · ".join(told)}
        if told
        else _("Nobody is approved with a probability of default")
    )
    caption = _("Mean probability of default within twelve months of those approved, by grade")

    def values(column: Column) -> list[Any]:
        found = [mean_pd(column.counts["grade"].get(grade, [0] * 6)) for grade in grades]
        return [None if one is None else float(one) for one in found]  # pixels

    return drawn(report, "bar", "bad", title, caption, grades, "percent", _sides(report, values))


def limits(report: Report) -> dict[str, Any]:
    bands = ["0", *map(str, tallies.LIMITS)]
    title = _("How large the limits are")
    moved = [(column, column.counts["moved"]) for column in report.candidates]
    told = [
        _("%(name)s: %(up)s higher, %(down)s lower") % {"name": column.name, "up": f"{found.get('limit_up', 0):,}", "down": f"{found.get('limit_down', 0):,}"}
        for column, found in moved if found.get("limit_up") or found.get("limit_down")
    ]  # fmt: skip
    caption = _("Approved applications by limit, CNY")
    return drawn(
        report, "bar", "limits", "; ".join(told) or title, caption, [band_word(one, tallies.LIMITS) for one in bands], "count",
        _sides(report, lambda column: [column.counts["limit"].get(one, 0) for one in bands]),
    )  # fmt: skip


def rates(report: Report) -> dict[str, Any]:
    bands = ["0", *map(str, tallies.RATES)]
    title = _("What the money costs")
    told = []
    for column in report.candidates:
        up, down = (column.counts["moved"].get(name, 0) for name in ("rate_up", "rate_down"))
        if up or down:
            told.append(_("%(name)s: %(up)s dearer, %(down)s cheaper") % {"name": column.name, "up": f"{up:,}", "down": f"{down:,}"})
    caption = _("Approved applications by annual rate, per cent")
    return drawn(
        report, "bar", "rates", "; ".join(told) or title, caption, [band_word(one, tallies.RATES) for one in bands], "count",
        _sides(report, lambda column: [column.counts["rate"].get(one, 0) for one in bands]),
    )  # fmt: skip


def by_group(report: Report, name: str) -> dict[str, Any]:
    """Return the approval rate of each side by the values of a group."""
    rows = report.groups(name)[:24]

    def values(column: Column) -> list[Any]:
        found = [column.counts["groups"].get(name, {}).get(row["value"], [0] * 6) for row in rows]
        shares = [ratio(line[APPROVED], line[N]) for line in found]
        return [None if one is None else float(one) for one in shares]  # pixels

    title = _("Approval rate by %(group)s") % {"group": report.dimension(name)}
    caption = _("Share approved of %(total)s applications") % {"total": f"{report.total:,}"}
    return drawn(
        report, "bar", f"by-{name.replace('_', '-')}", title, caption, [row["label"] for row in rows], "percent", _sides(report, values)
    )
