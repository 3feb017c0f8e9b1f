"""The proof that our pure reading of a model scores as the libraries do, made again at approval and stored with the version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from risk import data_sets, training
from risk.models import ScorecardVersion, Training


class NotEqual(DomainError):
    """Our reading of the model and the library's differ, or were never compared."""

    code = "not_equal"


def proof(version: ScorecardVersion, *, at: datetime) -> dict[str, Any]:
    """Return {rows, max_abs_diff, tolerance, against, at}.

    Where the data are here, the libraries are given what the JSON says, bins or trees, and score the rows themselves. A version that was
    brought in without its data has the proof of its training only.

    :raises NotEqual: if the largest difference reaches the tolerance, or no rows were compared
    """
    told = again(version) if version.data_set else version.metrics.get("proof", {})
    rows, worst = told.get("rows", 0), told.get("max_abs_diff", 1.0)
    if not rows or not worst < training.TOLERANCE:
        raise NotEqual(_("Our reading of this model does not score as the library does, or was never compared. Train it again."))
    return {
        "rows": rows, "max_abs_diff": worst, "tolerance": training.TOLERANCE, "against": told.get("against", "optbinning"),
        "again": version.data_set is not None, "at": at.isoformat(),
    }  # fmt: skip


def again(version: ScorecardVersion) -> dict[str, Any]:
    """Compare on the rows the version was trained on."""
    from risk.modelling import train

    assert version.data_set is not None
    made = Training.objects.filter(result=version).order_by("-pk").first()
    table = data_sets.opened(version.data_set, plan=made.plan if made else None)
    content = version.content
    parts = [part["content"] for part in content["parts"]] if "parts" in content else [content]
    return train.proof(table, content, [rebuilt(part, table) for part in parts])


def rebuilt(content: Mapping[str, Any], table: Any) -> tuple[Any, tuple[float, float]]:
    """Return (what the library needs to score by itself, its calibration line) of a card or of trees, from the JSON alone."""
    if content.get("kind") == "lightgbm":
        import lightgbm

        from risk.modelling import trees

        specs = content["features"]
        words = {one["name"]: one for one in specs if one["kind"] != "numeric"}
        encoding = trees.Encoding(
            {name: one["values"] for name, one in words.items()}, {name: one["missing"] for name, one in words.items()},
            next((one["unseen"] for one in words.values()), 0.0),
        )  # fmt: skip
        booster = lightgbm.Booster(model_str=content["model"])
        slope, shift = content["line"]
        return trees.Fit(tuple(one["name"] for one in specs), encoding, booster), (slope, shift)
    from risk.modelling import binning, cards

    bins = {}
    for one in content["features"]:
        numeric = one["kind"] == "numeric"
        bins[one["name"]] = binning.counted(
            table.columns[one["name"]], table.bad,
            splits=[cell["high"] for cell in one["bins"][:-1]] if numeric else (),
            groups=() if numeric else [cell["values"] for cell in one["bins"]],
            special=(one.get("special") or {}).get("values", ()),
        )  # fmt: skip
    names = tuple(one["name"] for one in content["features"])
    return cards.Fit(bins, names, content["intercept"], tuple(one["coefficient"] for one in content["features"]), {}), (1.0, 0.0)
