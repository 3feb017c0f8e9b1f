"""Scores of a case and results of backtests in sentences and pictures."""

from decimal import Decimal
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from collection import scores
from collection.models import CaseScore, Channel, QueueBacktest
from collection.queue_backtests import HOUSE, LEARNED, ORDERS
from collection.score_best import BAND
from crm.lib.templatetags.crm import percent
from risk.gains import POINTS


def of_case(row: CaseScore, *, cure_days: int, roll_days: int) -> list[dict[str, Any]]:
    """Return what is said of a case: a line each, with why."""
    by = {CaseScore.By.MODEL: _("by the model"), CaseScore.By.BUCKET: _("by the rate of its bucket: no model is live")}
    lines = []
    for code, value, how, words in (
        (scores.CURE, row.cure, row.cure_by, _("Pays by itself within %(days)s days") % {"days": cure_days}),
        (scores.ROLL, row.roll, row.roll_by, _("In a graver bucket after %(days)s days") % {"days": roll_days}),
    ):
        if value is None:
            lines.append({"what": words, "figure": "–", "why": _("too little history of the house")})
        else:
            told = "; ".join(reason_word(each) for each in row.reasons.get(code, ()))
            lines.append({"what": words, "figure": percent(value), "why": f"{by[CaseScore.By(how)]}{': ' if told else ''}{told}"})
    return [*lines, best_line(row)]


def reason_word(code: str) -> str:
    """Return what a reason of the models is about, in the reader's language."""
    side = "label_zh" if (get_language() or "").startswith("zh") else "label_en"
    return next((str(one[side]) for one in scores.reasons_data().values() if one["code"] == code), code)


def best_line(row: CaseScore) -> dict[str, Any]:
    what = _("Best way")
    if not row.channel or row.hour is None or row.rate is None:
        return {"what": what, "figure": "–", "why": _("too few attempts of the house within the permitted hours")}
    words = {"channel": Channel(row.channel).label, "from": row.hour, "to": row.hour + BAND}
    figure = _("%(channel)s, %(from)s–%(to)s h") % words
    share = {"rate": percent(row.rate), "tries": row.tries}
    why = _("because %(rate)s of such attempts are answered; %(tries)s of the customer's own count in it") % share if row.tries else (
        _("because %(rate)s of such attempts of the house are answered; this customer was not tried then yet") % share
    )  # fmt: skip
    return {"what": what, "figure": figure, "why": why}


def of_backtest(row: QueueBacktest) -> dict[str, Any]:
    """Return the sentence, the gain curve and the table of a backtest that is over."""
    result: dict[str, Any] = row.result or {}
    orders = result["orders"]
    house = next(one for one in orders if one["order"] == HOUSE)
    title = _("The first fifth of the queue's calls held %(share)s of the cash") % {"share": percent(Decimal(str(house["first"])))}
    caption = _("Share of the cash of %(days)s days after %(day)s, by share of the calls; %(cases)s cases") % {
        "days": row.days, "day": row.day.isoformat(), "cases": f"{result['cases']:,}",
    }  # fmt: skip
    labels = [f"{place * 100 // POINTS}%" for place in range(POINTS + 1)]
    series = [
        {"key": one["order"], "name": str(ORDERS[one["order"]]), "role": "main", "values": one["curve"]}
        for one in orders
    ]  # fmt: skip
    series.append({"key": "chance", "name": _("By chance"), "role": "compare", "values": [place / POINTS for place in range(POINTS + 1)]})
    data = {
        "v": 1, "kind": "line", "title": title, "caption": caption, "as_of": row.day.isoformat(), "complete": True, "note": "",
        "x": {"label": _("share of calls"), "type": "category", "values": labels}, "y": {"label": "", "unit": "percent"}, "series": series,
        "marks": [], "events": [],
    }  # fmt: skip
    table = [
        {
            "order": ORDERS[one["order"]], "first": _share(one["first"]), "interval": f"{_share(one['low'])} – {_share(one['high'])}",
            "more": "" if one["order"] == HOUSE else _share(one["house_more"]),
            "more_interval": "" if one["order"] == HOUSE else f"{_share(one['house_more_low'])} – {_share(one['house_more_high'])}",
        }
        for one in orders
    ]  # fmt: skip
    notes = []
    if not any(one["order"] == LEARNED for one in orders):
        notes.append(_("No model of roll-forward is live, so there is no learned order."))
    elif result["model_saw_it"]:
        notes.append(_("The live model learned from days after this one: its order looks better than it would have been."))
    return {"result": result, "chart": data, "rows": table, "notes": notes}


def _share(value: float) -> str:
    return str(percent(Decimal(str(value))))
