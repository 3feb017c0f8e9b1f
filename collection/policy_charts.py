"""What a replay found, as figures, sentences and charts."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from collection.models import PolicyReplay
from crm.lib.templatetags.crm import grouped, percent, spoken
from customers import contacts

ZERO = Decimal("0.00")


def of_replay(row: PolicyReplay) -> dict[str, Any]:
    """Return the figures and charts of a replay that is over."""
    result: dict[str, Any] = row.result or {}
    attempts, refused = result["attempts"], result["refused"]
    delayed, paid = Decimal(result["delayed"]), Decimal(result["paid"])
    return {
        "result": result,
        "share": percent(Decimal(refused) / attempts) if attempts else None,
        "delayed": delayed,
        "delayed_share": percent(delayed / paid) if paid else None,
        "waited": Decimal(result["wait_hours"]) / result["later"] if result["later"] else None,
        "charts": [by_week(row, result), by_rule(row, result), cash(row, result)],
    }


def drawn(
    row: PolicyReplay, name: str, *, title: str, caption: str, labels: list[str], unit: str, series: list[tuple[str, str, list[Any]]]
) -> dict[str, Any]:
    """Return one chart; drawing needs no more than a float, the table beside it has the cents."""
    data = {
        "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": row.until.isoformat(), "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": labels},
        "y": {"label": series[0][1], "unit": unit},
        "series": [
            {"key": key, "name": label, "role": "main" if not n else "second", "values": [float(value) for value in values]}  # pixels
            for n, (key, label, values) in enumerate(series)
        ] if any(float(value) for _key, _label, values in series for value in values) else [],  # pixels
        "marks": [], "events": [],
    }  # fmt: skip
    return {"name": name, "title": title, "caption": caption, "data": data}


def span(row: PolicyReplay) -> dict[str, Any]:
    return {"since": row.since.isoformat(), "until": row.until.isoformat()}


def by_week(row: PolicyReplay, result: dict[str, Any]) -> dict[str, Any]:
    """Return the contacts of each week: those that stay, and those the draft refuses."""
    weeks = result["weeks"]
    labels = [week_of(each["week"]) for each in weeks]
    title = _("%(refused)s of %(all)s contacts would not have been made as they were") % {
        "refused": f"{result['refused']:,}", "all": f"{result['attempts']:,}",
    }  # fmt: skip
    chart = drawn(
        row, "weeks", title=title, caption=_("Contacts that the draft refuses, by week, %(since)s to %(until)s") % span(row), labels=labels,
        unit="count", series=[("refused", _("refused"), [each["refused"] for each in weeks])],
    )  # fmt: skip
    return chart | {
        "heads": [_("Week from"), _("Stay"), _("Refused")],
        "rows": [{"label": each["week"], "cells": [f"{each['stays']:,}", f"{each['refused']:,}"]} for each in weeks],
    }


def by_rule(row: PolicyReplay, result: dict[str, Any]) -> dict[str, Any]:
    """Return the refused contacts by the rule that refused them."""
    rules = sorted(result["by_rule"].items(), key=lambda pair: -pair[1])
    words = [str(contacts.SENTENCES.get(rule, rule)).rstrip(".。") for rule, _n in rules]
    title = _("Most are refused by: %(rule)s") % {"rule": words[0]} if rules else _("The draft refuses nothing")
    chart = drawn(
        row, "rules", title=title, caption=_("Refused contacts by rule, %(since)s to %(until)s") % span(row),
        labels=words, unit="count", series=[("refused", _("refused"), [n for _rule, n in rules])],
    )  # fmt: skip
    return chart | {
        "heads": [_("Rule"), _("Refused")],
        "rows": [{"label": word, "cells": [f"{n:,}"]} for word, (_rule, n) in zip(words, rules, strict=True)],
    }


def cash(row: PolicyReplay, result: dict[str, Any]) -> dict[str, Any]:
    """Return the payments that followed refused contacts only, by week."""
    weeks = result["weeks"]
    whole = Decimal(result["delayed"])
    title = (
        _("%(amount)s came after refused contacts only: it might have come later") % {"amount": spoken(whole)}
        if whole
        else _("No payment hung on a contact that the draft refuses")
    )
    chart = drawn(
        row, "cash", title=title, caption=_("Payments within seven days of refused contacts only, by week"),
        labels=[week_of(each["week"]) for each in weeks], unit="money", series=[("delayed", _("delayed"), [each["delayed"] for each in weeks])],
    )  # fmt: skip
    return chart | {
        "heads": [_("Week from"), _("Delayed (CNY)")],
        "rows": [{"label": each["week"], "cells": [grouped(Decimal(each["delayed"]))]} for each in weeks],
    }


def week_of(monday: str) -> str:
    first = date.fromisoformat(monday)
    return f"{first:%m-%d}–{first + timedelta(days=6):%d}"
