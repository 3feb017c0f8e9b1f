"""Figures of a scorecard's curves, in the form the chart part draws."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from risk.models import ScorecardVersion

KINDS = ("roc", "ks")
GRID = 20


def curve(version: ScorecardVersion, kind: str) -> dict[str, Any]:
    """Return the ROC or the KS curve of a version, training beside hold-out."""
    held_out = version.metrics.get("holdout", {})
    base: dict[str, Any] = {
        "v": 1,
        "kind": "line",
        "as_of": version.created_at.date().isoformat(),
        "complete": True,
        "note": "",
        "marks": [],
        "events": [],
    }
    if not held_out.get("roc"):
        return base | {"title": _("No figures"), "caption": "", "series": [], "note": _("This version has no hold-out figures.")}
    scope = _("hold-out, %(rows)s applications, %(bad)s bad") % {"rows": held_out["rows"], "bad": held_out["bad"]}
    share = held_out["bad"] / held_out["rows"]
    grid = [step / GRID for step in range(GRID + 1)]
    x_axis = {"type": "category", "values": [f"{x * 100:.0f}%" for x in grid]}
    if kind == "roc":
        return base | {
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
    return base | {
        "title": _("Good and bad are at most %(ks)s apart (KS)") % {"ks": f"{held_out['ks'] * 100:.1f}%"},
        "caption": _("Share of bad and of good found among the riskiest, %(scope)s") % {"scope": scope},
        "x": x_axis | {"label": _("riskiest share")},
        "y": {"label": _("share found"), "unit": "percent"},
        "series": [
            {"key": "bad", "name": _("Bad"), "role": "main", "values": resampled([(at, y) for at, _x, y in found], grid)},
            {"key": "good", "name": _("Good"), "role": "main", "values": resampled([(at, x) for at, x, _y in found], grid)},
        ],
    }


def resampled(curve: Sequence[Sequence[float]], grid: Sequence[float]) -> list[float]:
    """Return the height of a rising curve at each place of `grid`, straight between its points; of a step, the top."""
    heights = []
    for place in grid:
        after = next((i for i, (x, _y) in enumerate(curve) if x > place), len(curve))
        left, right = curve[max(0, after - 1)], curve[min(after, len(curve) - 1)]
        span = right[0] - left[0]
        heights.append(round(left[1] + (right[1] - left[1]) * (place - left[0]) / span if span > 0 else left[1], 4))
    return heights
