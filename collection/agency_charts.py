"""The league of agencies as a plot: what came in of what each was given."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from collection.agency_league import Row
from crm.lib.templatetags.crm import grouped, percent


def liquidation(rows: Sequence[Row], *, on: date) -> dict[str, Any] | None:
    """Return the chart, with its finding as title; None where nothing came in yet."""
    known = [row for row in rows if row.liquidation is not None]
    if not any(row.collected for row in known):
        return None
    best = known[0]
    title = _("%(agency)s brought the largest share of what it was given: %(share)s") % {
        "agency": best.agency, "share": percent(best.liquidation),
    }  # fmt: skip
    caption = _("Collected of what was overdue at placement, by agency, as of %(day)s") % {"day": on.isoformat()}
    data = {
        "v": 1, "kind": "bar", "title": title, "caption": caption, "as_of": on.isoformat(), "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": [str(row.agency) for row in known]},
        "y": {"label": _("Share collected"), "unit": "percent"},
        "series": [
            {"key": "liquidation", "name": _("Share collected"), "role": "main",
             "values": [float(row.liquidation or 0) for row in known]}  # pixels
        ],
        "marks": [], "events": [],
    }  # fmt: skip
    heads = [_("Agency"), _("Overdue at placement (CNY)"), _("Collected (CNY)"), _("Share collected")]
    table = [{"label": str(row.agency), "cells": [grouped(row.balance), grouped(row.collected), percent(row.liquidation)]} for row in known]
    return {"name": "liquidation", "title": title, "caption": caption, "data": data, "heads": heads, "rows": table}
