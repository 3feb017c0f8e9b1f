"""Figures of a model's plots, in the form the chart part draws."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from risk.models import ScorecardVersion

KINDS = ("roc", "ks", "calibration", "scores")
GRID = 20


def base(version: ScorecardVersion) -> dict[str, Any]:
    """Return what every plot of a version begins with."""
    return {
        "v": 1, "kind": "line", "as_of": version.created_at.date().isoformat(), "complete": True, "note": "", "marks": [], "events": [],
    }  # fmt: skip


def drawable(version: ScorecardVersion) -> list[str]:
    """Return the plots this version has figures for."""
    held_out = version.metrics.get("holdout", {})
    needs = {"roc": "roc", "ks": "roc", "calibration": "deciles"}
    found = [kind for kind in KINDS if kind in needs and held_out.get(needs[kind])]
    return found + (["scores"] if len(version.metrics.get("cutoffs", ())) > 2 else [])


def curve(version: ScorecardVersion, kind: str) -> dict[str, Any]:
    """Return one plot of a version: ROC, KS, calibration, or the distribution of scores."""
    held_out = version.metrics.get("holdout", {})
    if kind not in drawable(version):
        note = _("This version has no hold-out figures.")
        return base(version) | {"title": _("No figures"), "caption": "", "series": [], "note": note}
    scope = _("hold-out, %(rows)s applications, %(bad)s bad") % {"rows": held_out["rows"], "bad": held_out["bad"]}
    if kind == "calibration":
        return base(version) | calibration(held_out, scope)
    if kind == "scores":
        return base(version) | scores(version.metrics["cutoffs"], scope)
    return base(version) | ranking(version, kind, scope)


def ranking(version: ScorecardVersion, kind: str, scope: str) -> dict[str, Any]:
    """Return the ROC or the KS curve, training beside hold-out."""
    held_out = version.metrics["holdout"]
    share = held_out["bad"] / held_out["rows"]
    grid = [step / GRID for step in range(GRID + 1)]
    x_axis = {"type": "category", "values": [f"{x * 100:.0f}%" for x in grid]}
    if kind == "roc":
        return {
            "title": _("The score ranks %(auc)s of pairs of good and bad rightly (AUC)") % {"auc": f"{held_out['auc'] * 100:.1f}%"},
            "caption": _("ROC: share of bad found over share of good refused, %(scope)s") % {"scope": scope},
            "x": x_axis | {"label": _("good refused")},
            "y": {"label": _("bad found"), "unit": "percent"},
            "series": [
                {"key": "holdout", "name": _("Hold-out"), "role": "main", "values": resampled(held_out["roc"], grid)},
                {"key": "training", "name": _("Training"), "role": "main", "values": resampled(version.metrics["training"]["roc"], grid)},
                {"key": "none", "name": _("No skill"), "role": "compare", "values": grid},
            ],
        }
    found = [(y * share + x * (1 - share), x, y) for x, y in held_out["roc"]]
    return {
        "title": _("Good and bad are at most %(ks)s apart (KS)") % {"ks": f"{held_out['ks'] * 100:.1f}%"},
        "caption": _("Share of bad and of good found among the riskiest, %(scope)s") % {"scope": scope},
        "x": x_axis | {"label": _("riskiest share")},
        "y": {"label": _("share found"), "unit": "percent"},
        "series": [
            {"key": "bad", "name": _("Bad"), "role": "main", "values": resampled([(at, y) for at, _x, y in found], grid)},
            {"key": "good", "name": _("Good"), "role": "main", "values": resampled([(at, x) for at, x, _y in found], grid)},
        ],
    }


def calibration(held_out: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Return expected beside observed bad rate, by tenth of risk."""
    tenths = held_out["deciles"]
    slope = held_out.get("calibration", {}).get("slope")
    return {
        "title": _("What is expected and what happens meet with a slope of %(slope)s (1 is exact)") % {"slope": f"{slope:.2f}"}
        if slope is not None
        else _("What is expected beside what happens"),
        "caption": _("Calibration: bad rate by tenth of the rows, the riskiest first, %(scope)s") % {"scope": scope},
        "x": {"type": "category", "values": [str(one["part"]) for one in tenths], "label": _("tenth, the riskiest first")},
        "y": {"label": _("bad rate"), "unit": "percent"},
        "series": [
            {"key": "observed", "name": _("Observed"), "role": "main", "values": [one["bad"] / one["rows"] for one in tenths]},
            {"key": "expected", "name": _("Expected"), "role": "compare", "values": [one["expected"] for one in tenths]},
        ],
    }


def scores(cutoffs: Sequence[Mapping[str, Any]], scope: str) -> dict[str, Any]:
    """Return the share approved and the bad rate of the approved as the cut-off rises."""
    return {
        "title": _("At a cut-off of %(score)s, %(share)s pass") % middle(cutoffs),
        "caption": _("Scores: share at or above the cut-off, and its bad rate, %(scope)s") % {"scope": scope},
        "x": {"type": "category", "values": [str(one["score"]) for one in cutoffs], "label": _("cut-off")},
        "y": {"label": _("share"), "unit": "percent"},
        "series": [
            {"key": "approved", "name": _("Pass"), "role": "main", "values": [one["approved"] for one in cutoffs]},
            {"key": "bad", "name": _("Bad among them"), "role": "main", "values": [one["bad_rate"] for one in cutoffs]},
        ],
    }


def middle(cutoffs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the cut-off that lets about 70 % pass, in words."""
    one = min(cutoffs, key=lambda each: abs(each["approved"] - 0.7))
    return {"score": str(one["score"]), "share": f"{one['approved'] * 100:.0f}%"}


def bins(version: ScorecardVersion, label: str, cells: Sequence[Mapping[str, Any]], measure: str) -> dict[str, Any]:
    """Return bad rate or WOE of the bins of a feature; `cells` carry label, count, bad, woe."""
    rate = measure == "rate"
    values = [(one["bad"] / one["count"] if one["count"] else None) if rate else one["woe"] for one in cells]
    steps = [right - left for left, right in pairwise(one for one in values[:-1] if one is not None)]
    goes = _("rises") if steps and min(steps) >= 0 else _("falls") if steps and max(steps) <= 0 else _("turns")
    return base(version) | {
        "kind": "bar" if rate else "line",
        "title": _("The bad rate of %(feature)s %(goes)s from bin to bin") % {"feature": label, "goes": goes}
        if rate
        else _("Weight of evidence of %(feature)s") % {"feature": label},
        "caption": _("bad rate by bin, missing ones last") if rate else _("higher is better; log of the odds of good against the average"),
        "x": {"type": "category", "values": [one["label"] for one in cells], "label": _("bin")},
        "y": {"label": _("bad rate"), "unit": "percent"} if rate else {"label": "WOE", "unit": "number"},
        "series": [{"key": measure, "name": _("Bad rate") if rate else "WOE", "role": "main", "values": values}],
    }  # fmt: skip


def resampled(curve: Sequence[Sequence[float]], grid: Sequence[float]) -> list[float]:
    """Return the height of a rising curve at each place of `grid`, straight between its points; of a step, the top."""
    heights = []
    for place in grid:
        after = next((i for i, (x, _y) in enumerate(curve) if x > place), len(curve))
        left, right = curve[max(0, after - 1)], curve[min(after, len(curve) - 1)]
        span = right[0] - left[0]
        heights.append(round(left[1] + (right[1] - left[1]) * (place - left[0]) / span if span > 0 else left[1], 4))
    return heights
