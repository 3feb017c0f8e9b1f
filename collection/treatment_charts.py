"""The result of an experiment as figures, sentences and charts: each measure by arm with its interval of 95 per cent."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection import treatment_results
from collection.models import TreatmentExperiment
from collection.treatment_results import Arm
from crm.lib.templatetags.crm import grouped, percent, spoken

ARM_WORDS = {"champion": gettext_lazy("Champion"), "challenger": gettext_lazy("Challenger"), "holdout": gettext_lazy("Only reminded")}
TEN_THOUSAND = 10_000


def finding(experiment: TreatmentExperiment, found: Sequence[Arm]) -> str:
    """Return the result in a sentence: who brings more cash a case, or that it cannot be told yet."""
    by_name = {one.name: one for one in found}
    base, other = by_name.get("champion"), by_name.get("challenger") or by_name.get("holdout")
    if base is None or other is None:
        return _("No case has entered both sides yet.")
    if min(base.cases, other.cases) < experiment.minimum_sample:
        return _("Too few cases to be read: %(n)s of the %(least)s an arm needs.") % {
            "n": f"{min(base.cases, other.cases):,}", "least": f"{experiment.minimum_sample:,}",
        }  # fmt: skip
    by, low, high = treatment_results.difference(other, base)
    words = {"arm": ARM_WORDS[other.name], "by": spoken(abs(by)), "low": spoken(low), "high": spoken(high)}
    if low > 0:
        return _("%(arm)s brings %(by)s more a case (95%%: %(low)s to %(high)s).") % words
    if high < 0:
        return _("%(arm)s brings %(by)s less a case (95%%: %(low)s to %(high)s).") % words
    return _("No difference in cash can be told yet (95%%: %(low)s to %(high)s a case).") % words


def rows(found: Sequence[Arm], *, least: int = 0) -> list[dict[str, Any]]:
    """Return the table of the arms; `few` marks one with fewer cases than `least`, which is not to be read yet."""
    return [
        {
            "arm": ARM_WORDS[one.name], "few": one.cases < least, "cases": one.cases, "entered": one.entered, "cash": one.cash, "recovered": percent(one.recovered),
            "per_case": one.cash_per_case, "per_case_interval": _between(*(grouped(each) for each in one.cash_interval)),
            "cure": percent(one.cure_rate), "cure_interval": _between(*(percent(each) for each in one.cure_interval)),
            "cost": one.cost, "cost_of_cash": percent(one.cost_of_cash) if one.cost_of_cash is not None else "",
            "contacts": one.contacts, "complaints": one.complaints, "complaint_rate": per_ten_thousand(one.complaint_rate),
            "complaint_interval": _between(*(per_ten_thousand(each) for each in one.complaint_interval)) if one.contacts else "",
        }
        for one in found
    ]  # fmt: skip


def charts(experiment: TreatmentExperiment, found: Sequence[Arm], *, at: datetime) -> list[dict[str, Any]]:
    """Return a chart per measure: the value of each arm between the ends of its interval."""
    if not found:
        return []
    day = localtime(min(at, experiment.ended_at or at)).date().isoformat()
    return [
        _drawn(
            "cash", day, found, _("Cash a case"), _("Cash since the case entered its arm, a case, CNY"), "money",
            [(one.cash_interval[0], one.cash_per_case, one.cash_interval[1]) for one in found], grouped,
        ),
        _drawn(
            "cure", day, found, _("Cases cured"), _("Share of cases closed as cured or settled"), "percent",
            [(one.cure_interval[0], one.cure_rate, one.cure_interval[1]) for one in found], percent,
        ),
        _drawn(
            "cost", day, found, _("Cost of a unit of cash"), _("Cost of the steps over the cash, by the prices of the rule book"), "percent",
            [(None, one.cost_of_cash or Decimal(0), None) for one in found], percent,
        ),
        _drawn(
            "complaints", day, found, _("Complaints for 10,000 contacts"), _("Complaints over contacts made, times 10,000"), "count",
            [tuple(each * TEN_THOUSAND for each in (one.complaint_interval[0], one.complaint_rate, one.complaint_interval[1])) for one in found],
            lambda value: f"{value:,.1f}",
        ),
    ]  # fmt: skip


def _drawn(
    name: str, day: str, found: Sequence[Arm], title: str, caption: str, unit: str, values: Sequence[Any], say: Any
) -> dict[str, Any]:
    """Return one chart; drawing needs no more than a float, the table beside it has the figures."""
    sides = [("value", title, "main", 1), ("low", _("95%, low end"), "end", 0), ("high", _("95%, high end"), "end", 2)]
    series = [
        {"key": key, "name": label, "role": role, "values": [float(row[place]) for row in values]}  # pixels
        for key, label, role, place in sides if all(row[place] is not None for row in values)
    ]  # fmt: skip
    labels = [str(ARM_WORDS[one.name]) for one in found]
    if len(series) > 1:
        caption = _("%(measure)s; the stems are intervals of 95 per cent") % {"measure": caption}
    data = {
        "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": day, "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": labels}, "y": {"label": title, "unit": unit}, "series": series, "marks": [], "events": [],
    }  # fmt: skip
    heads = ["", *(one["name"] for one in series)]
    shown = [place for key, _label, _role, place in sides if any(one["key"] == key for one in series)]
    table = [{"label": label, "cells": [say(row[place]) for place in shown]} for label, row in zip(labels, values, strict=True)]
    return {"name": f"experiment-{name}", "title": title, "caption": caption, "data": data, "heads": heads, "rows": table}


def per_ten_thousand(share: Decimal) -> str:
    return f"{share * TEN_THOUSAND:,.1f}"


def _between(low: str, high: str) -> str:
    return f"{low} – {high}"
