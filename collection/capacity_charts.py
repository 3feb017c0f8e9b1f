"""The capacity plan as charts, each with the same figures as a table."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from collection.models import CapacityDay
from credit.accrual import bucket_name
from crm.lib.templatetags.crm import percent

NEEDS = ("action", "promise", "treatment", "unplanned", "rolls", "carried")


def need_words() -> dict[str, str]:
    return {
        "action": _("planned actions"), "promise": _("promises due"), "treatment": _("calls of the treatment"), "unplanned": _("cases without a plan"),
        "rolls": _("expected to roll or open"), "carried": _("carried over a day off"),
    }  # fmt: skip


def chart(
    name: str, kind: str, *, title: str, caption: str, on: date, labels: list[str], unit: str, series: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name, "title": title, "caption": caption,
        "data": {
            "v": 1, "kind": kind, "title": title, "caption": caption, "as_of": on.isoformat(), "complete": True, "note": "",
            "x": {"label": "", "type": "category", "values": labels}, "y": {"label": unit, "unit": "count"},
            "series": series, "marks": [], "events": [],
        },
    }  # fmt: skip


def finding(row: CapacityDay) -> str:
    """Return what the plan says in one sentence."""
    short = [day for day in row.days if day["short"]]
    if not short:
        return _("The team covers the contacts of the coming days")
    worst = max(short, key=lambda day: day["short"])
    words = {"n": worst["short"], "day": worst["day"], "needed": worst["needed"], "capacity": worst["capacity"], "days": len(short)}
    return ngettext(
        "Short by %(n)s contact on %(day)s: %(needed)s needed, %(capacity)s possible",
        "Short by %(n)s contacts on %(day)s: %(needed)s needed, %(capacity)s possible", worst["short"],
    ) % words  # fmt: skip


def against(row: CapacityDay) -> dict[str, Any]:
    """Return contacts needed against capacity by day."""
    labels = [day["day"][5:] for day in row.days]
    series = [
        {"key": "needed", "name": pgettext("capacity", "needed"), "role": "main", "values": [day["needed"] for day in row.days]},
        {"key": "capacity", "name": _("possible"), "role": "compare", "values": [day["capacity"] for day in row.days]},
    ]
    words = need_words()
    shown = chart("capacity", "bar", title=finding(row), caption=_("Contacts needed and contacts the people present make, by day"), on=row.on,
                  labels=labels, unit=_("contacts"), series=series)  # fmt: skip
    return shown | {
        "heads": [_("Day"), *(words[name] for name in NEEDS), pgettext("capacity", "needed"), _("people"), _("possible"), _("short")],
        "rows": [
            {
                "label": _("%(day)s, day off") % {"day": day["day"]} if day.get("off") else day["day"],
                "cells": [*(day.get(name, 0) for name in NEEDS), day["needed"], day["people"], day["capacity"], day["short"]],
            }
            for day in row.days
        ],
    }


def rolling(row: CapacityDay) -> dict[str, Any]:
    """Return the cases expected to roll out of each bucket in the coming days."""
    names = [f"{bucket_name(line['bucket'])} → {bucket_name(line['bucket'] + 1)}" for line in row.rolls]
    whole = sum((Decimal(line["whole"]) for line in row.rolls if line["bucket"]), Decimal(0))
    fresh = next((line["whole"] for line in row.rolls if line["bucket"] == 0), "0")
    title = (
        _("%(rolls)s cases are expected to roll in seven days, %(fresh)s to open") % {"rolls": whole, "fresh": fresh}
        if row.rolls
        else _("Two month-ends of history are needed before rolling can be foreseen")
    )
    heights = [float(line["whole"]) for line in row.rolls]  # pixels
    series = [{"key": "rolls", "name": _("expected to roll"), "role": "main", "values": heights}]
    shown = chart("rolls", "bar", title=title, caption=_("Cases expected to roll by bucket, seven days, from the house's own history"), on=row.on,
                  labels=names, unit=_("cases"), series=series if row.rolls else [])  # fmt: skip
    first = row.on + timedelta(days=1)
    days = [f"{first + timedelta(days=ahead):%m-%d}" for ahead in range(len(row.rolls[0]["days"]))] if row.rolls else []
    return shown | {
        "heads": [_("From → to"), _("Cases now"), _("Rolled in a month of history"), _("Loans seen"), *days, _("Seven days")],
        "rows": [
            {
                "label": name + ("" if line["own"] else " *"),
                "cells": [line["cases"], percent(Decimal(line["rate"])), line["loans"], *line["days"], line["whole"]],
            }
            for name, line in zip(names, row.rolls, strict=True)
        ],
    }
