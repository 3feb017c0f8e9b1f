"""What the pages of features show: the catalogue's rows, bins in words, plots, who reads a feature, the two ways of computing compared."""

import random
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib import features
from crm.lib.features import Feature, Source
from crm.lib.forms import dress
from crm.lib.pages import Chip, Page
from customers.models import Customer
from risk import feature_values
from risk.models import FeatureStat

ANY = ("", gettext_lazy("Any"))
YES_NO = [ANY, ("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
TYPES = {
    "money": gettext_lazy("Amount"), "integer": gettext_lazy("Whole number"), "decimal": gettext_lazy("Decimal number"),
    "category": gettext_lazy("Category"), "boolean": gettext_lazy("Yes or no"),
}  # fmt: skip
LEVELS = {"C1": gettext_lazy("C1 internal"), "C2": gettext_lazy("C2 identity and finance")}
COMPARED = 25  # customers drawn for the comparison
# How well a feature tells good from bad, by the information value it reaches (Siddiqi 2006, p. 81).
STRENGTHS = (
    (Decimal("0.3"), gettext_lazy("strong")), (Decimal("0.1"), gettext_lazy("medium")), (Decimal("0.02"), gettext_lazy("weak")),
    (Decimal("0"), gettext_lazy("hardly any")),
)  # fmt: skip

READERS = """
SELECT fact ->> 'name', s.public_id, v.number, v.status
FROM risk_strategyversion AS v JOIN risk_strategy AS s ON s.id = v.strategy_id
    CROSS JOIN LATERAL jsonb_array_elements(v.input_schema -> 'facts') AS fact
WHERE v.status <> 'retired' AND fact ->> 'name' = ANY(%(names)s)
ORDER BY s.code, v.number
"""
CARDS = """
SELECT one ->> 'name', s.public_id, v.number, v.status
FROM risk_scorecardversion AS v JOIN risk_scorecard AS s ON s.id = v.scorecard_id
    CROSS JOIN LATERAL jsonb_path_query(v.content, '$.features[*] ? (@.name != null)') AS one
WHERE v.status <> 'retired' AND one ->> 'name' = ANY(%(names)s)
ORDER BY s.code, v.number
"""


class FeatureFilter(forms.Form):
    """What may be asked of the catalogue of features."""

    text = forms.CharField(label=gettext_lazy("Name or meaning"), required=False, max_length=60)
    source = forms.ChoiceField(label=gettext_lazy("Source"), required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False, choices=[ANY, *TYPES.items()])
    pii = forms.ChoiceField(label=gettext_lazy("Class"), required=False, choices=[ANY, *LEVELS.items()])
    protected = forms.ChoiceField(label=gettext_lazy("Protected"), required=False, choices=YES_NO)
    used = forms.ChoiceField(label=gettext_lazy("In use"), required=False, choices=YES_NO)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["source"].choices = [ANY, *((s.name, s.label) for s in features.SOURCES.values())]  # type: ignore[attr-defined]
        dress(self)


def readers(names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return which versions of strategies and scorecards, not retired, read each feature. Two queries."""
    found: dict[str, list[dict[str, Any]]] = {}
    with connection.cursor() as cursor:
        for sql, route, kind in ((READERS, "strategy", _("Strategy")), (CARDS, "scorecard", _("Scorecard"))):
            cursor.execute(sql, {"names": names})
            for name, public_id, number, status in cursor.fetchall():
                url = f"{reverse(route, args=[public_id])}?version={number}"
                found.setdefault(name, []).append({"kind": kind, "label": f"{public_id} v{number}", "url": url, "status": status})
    return found


def row(feature: Feature, source: Source, stat: FeatureStat | None, users: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a feature as the list shows it."""
    return {
        "feature": feature, "source": source, "type": TYPES[feature.type], "window": window(feature.window), "level": LEVELS[feature.pii],
        "url": reverse("feature", args=[feature.name]), "stat": stat, "users": users,
        "missing": Decimal(stat.missing) / stat.people if stat and stat.people else None,
        "iv": stat.iv if stat else None, "strength": strength(stat.iv if stat else None),
    }  # fmt: skip


def window(text: str) -> str:
    """Return a window such as "90d" or "12m" in words; empty for all that is on file."""
    if not text:
        return _("all on file")
    number = {"n": text[:-1]}
    return _("last %(n)s days") % number if text.endswith("d") else _("last %(n)s months") % number


def strength(iv: Decimal | None) -> Any:
    return "" if iv is None else next((words for least, words in STRENGTHS if iv >= least), "")


def page(request: HttpRequest, stats: Mapping[str, FeatureStat]) -> Page:
    """Return the catalogue narrowed to what is asked for."""
    form = FeatureFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    used = readers(features.names())
    rows = [row(feature, source, stats.get(feature.name), used.get(feature.name, [])) for feature, source in features.every()]
    rows = [one for one in rows if _fits(one, asked)]
    found = Page(rows, len(rows), False, "", {})
    found.form, found.state, found.clear = form, SimpleNamespace(kept=[]), request.path
    for name, value in asked.items():
        if value:
            query = request.GET.copy()
            query.pop(name, None)
            said = dict(getattr(form.fields[name], "choices", ())).get(value, value)
            found.chips.append(Chip(form.fields[name].label, said, f"?{query.urlencode()}"))
    return found


def _fits(one: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    feature, text = one["feature"], asked.get("text", "").strip().casefold()
    flags = {"protected": feature.protected, "used": bool(one["users"])}
    return (
        (not text or text in feature.name or text in str(feature.meaning).casefold())
        and asked.get("source", "") in ("", one["source"].name)
        and asked.get("type", "") in ("", feature.type)
        and asked.get("pii", "") in ("", feature.pii)
        and all(not asked.get(name) or (asked[name] == "yes") is flag for name, flag in flags.items())
    )


def bins(feature: Feature, stat: FeatureStat) -> list[dict[str, Any]]:
    """Return the bins of a feature with their labels, counts, bad rates and weights; the missing ones last."""
    found = [one | {"label": label(feature, one)} for one in stat.bins if one["n"] or one.get("good") or one.get("bad")]
    if stat.missing or any(stat.outcome.get("missing", {}).get(name) for name in ("good", "bad")):
        found.append({"label": _("no value"), "n": stat.missing} | stat.outcome.get("missing", {}))
    for one in found:
        one["share"] = Decimal(one["n"]) / stat.people if stat.people else None
        judged = one.get("good", 0) + one.get("bad", 0)
        one["bad_rate"] = Decimal(one["bad"]) / judged if judged else None
        one["evidence"] = f"{Decimal(one['woe']):+.3f}".replace("-", "\u2212") if judged else ""
    return found


def label(feature: Feature, one: Mapping[str, Any]) -> str:
    """Return the words of a bin: a category, or the span of a number."""
    if one.get("rest"):
        return _("all others")
    if "value" in one:
        return {"True": _("yes"), "False": _("no")}.get(one["value"], one["value"])
    low, high = (_plain(one[end]) for end in ("low", "high"))
    if low is None and high is None:
        return _("any value")
    if low is None or high is None:
        return f"< {high}" if low is None else f"≥ {low}"
    if feature.type == "integer" and Decimal(one["high"]) - Decimal(one["low"]) == 1:
        return low
    return f"{low} – < {high}"


def _plain(text: str | None) -> str | None:
    if text is None:
        return None
    number = f"{Decimal(text):,f}"
    return number.rstrip("0").rstrip(".") if "." in number else number


def _chart(title: str, caption: str, *, on: str, kind: str, x: dict[str, Any], y: dict[str, Any], series: list[Any]) -> dict[str, Any]:
    return {
        "v": 1, "kind": kind, "title": title, "caption": caption, "as_of": on, "complete": True, "note": "", "x": x, "y": y,
        "series": series, "marks": [], "events": [],
    }  # fmt: skip


def charts(feature: Feature, stats: list[FeatureStat]) -> list[dict[str, Any]]:
    """Return the plots of a feature: how it is spread, bad rate by bin where outcomes are known, the trend of missing values."""
    last = stats[-1]
    on, shown = last.measured_on.isoformat(), bins(feature, last)
    x = {"label": "", "type": "category", "values": [one["label"] for one in shown]}
    people = _("customers, %(people)s in all, as of %(day)s") % {"people": f"{last.people:,}", "day": on}
    found = [
        {
            "id": "spread",
            "data": _chart(
                _("How the values are spread"), people, on=on, kind="bar", x=x, y={"label": _("customers"), "unit": "count"},
                series=[{"key": "n", "name": _("Customers"), "role": "main", "values": [one["n"] for one in shown]}],
            ),
        }
    ]  # fmt: skip
    judged = [one for one in shown if one["bad_rate"] is not None]
    if last.iv is not None and judged:
        found.append({
            "id": "evidence",
            "data": _chart(
                _("Information value %(iv)s: %(strength)s") % {"iv": f"{last.iv:.3f}", "strength": strength(last.iv)},
                _("share that turned out bad, by value") , on=on, kind="bar",
                x={"label": "", "type": "category", "values": [one["label"] for one in judged]}, y={"label": _("bad"), "unit": "percent"},
                series=[{"key": "bad", "name": _("Bad"), "role": "main", "values": [_ratio(one["bad_rate"]) for one in judged]}],
            ),
        })  # fmt: skip
    trend = [one for one in stats if one.people]
    if len(trend) > 1:
        days = [one.measured_on.isoformat() for one in trend]
        found.append({
            "id": "missing",
            "data": _chart(
                _("Share of customers without a value"), _("by day the figures are of"), on=on, kind="line",
                x={"label": "", "type": "category", "values": days}, y={"label": _("without a value"), "unit": "percent"},
                series=[{
                    "key": "missing", "name": _("No value"), "role": "main",
                    "values": [_ratio(Decimal(one.missing) / one.people) for one in trend],
                }],
            ),
        })  # fmt: skip
    return found


def _ratio(share: Decimal) -> float:
    return float(f"{share:.4f}")


def compared(feature: Feature, *, as_of: datetime, seed: int | None = None) -> dict[str, Any]:
    """Compute a feature for customers drawn at random, one by one and all at once; return both times and who differs."""
    ids = list(Customer.objects.filter(erased_at__isnull=True, created_at__lte=as_of).order_by("pk").values_list("pk", flat=True)[:100_000])
    drawn = sorted(random.Random(seed).sample(ids, min(COMPARED, len(ids))))  # noqa: S311  a draw, no secret
    began = time.perf_counter()
    alone = {pk: feature_values.online(pk, as_of=as_of, names=[feature.name])[feature.name] for pk in drawn}
    middle = time.perf_counter()
    together = {pk: values[feature.name] for pk, values in feature_values.bulk(as_of=as_of, customer_ids=drawn, names=[feature.name])}
    ended = time.perf_counter()
    return {
        "customers": len(drawn), "differ": sum(alone[pk] != together[pk] for pk in drawn),
        "online_ms": f"{(middle - began) * 1000 / max(len(drawn), 1):.1f}", "bulk_ms": f"{(ended - middle) * 1000:.1f}",
    }  # fmt: skip
