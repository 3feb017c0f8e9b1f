"""Bins of a scorecard set by hand: what was typed as bins, what they would hold on the data, and the order for a new version."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.errors import Invalid
from risk import data_sets
from risk.models import ScorecardVersion, Training

BAR = "|"
MOST = 60  # bins of one feature: more is a list, no binning


def feature_of(version: ScorecardVersion, name: str) -> dict[str, Any] | None:
    """Return the feature of a scorecard, None where there is none of that name."""
    found: dict[str, Any] | None = next((one for one in version.content.get("features", ()) if one["name"] == name and "bins" in one), None)
    return found


def written(feature: Mapping[str, Any]) -> str:
    """Return the bins as the form shows them."""
    if feature["kind"] == "numeric":
        return "\n".join(f"{one['high']:.12g}" for one in feature["bins"][:-1])
    return "\n".join(f" {BAR} ".join(one["values"]) for one in feature["bins"])


def parsed(feature: Mapping[str, Any], text: str) -> list[Any]:
    """Return what was typed: rising limits, or groups of values; every value of before stands in one group.

    :raises Invalid: with what is wrong, at `bins`
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise _wrong(_("At most %(most)s bins.") % {"most": MOST})
    if feature["kind"] == "numeric":
        limits = []
        for line in lines:
            try:
                limits.append(float(line.replace(",", "")))
            except ValueError:
                raise _wrong(_("“%(text)s” is not a number.") % {"text": line[:40]}) from None
        if any(not math.isfinite(one) for one in limits) or any(not left < right for left, right in pairwise(limits)):
            raise _wrong(_("The limits rise from line to line."))
        return limits
    groups = [[value.strip() for value in line.split(BAR) if value.strip()] for line in lines]
    named = [value for group in groups for value in group]
    known = {value for one in feature["bins"] for value in one["values"]}
    if twice := sorted({value for value in named if named.count(value) > 1}):
        raise _wrong(_("Each value stands in one bin only: %(values)s.") % {"values": ", ".join(twice)})
    if missing := sorted(known - set(named)):
        raise _wrong(_("These values stand in no bin: %(values)s.") % {"values": ", ".join(missing)})
    if strange := sorted(set(named) - known):
        raise _wrong(_("The data have no such values: %(values)s.") % {"values": ", ".join(strange)})
    return groups


def previewed(version: ScorecardVersion, feature: Mapping[str, Any], bins: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what the bins would hold on the version's data: {low, high} or {values}, count, bad, woe; missing ones last.

    :raises Invalid: if the data are not here or the bins cannot be
    """
    if version.data_set is None:
        raise Invalid(_("The data of this version are not here: its bins cannot be changed."))
    from risk.modelling import binning
    from risk.modelling.refusals import BadTable

    made = Training.objects.filter(result=version).order_by("-pk").first()
    table = data_sets.opened(version.data_set, plan=made.plan if made else None)
    column = table.columns[feature["name"]]
    numeric = feature["kind"] == "numeric"
    try:
        found = binning.counted(column, table.bad, splits=bins if numeric else (), groups=() if numeric else bins)
    except BadTable as problem:
        raise _wrong(data_sets.told(problem.code, problem.template, problem.values)) from problem
    edges = [None, *bins, None]
    cells: list[dict[str, Any]] = [
        {"low": edges[place], "high": edges[place + 1]} if numeric else {"values": bins[place]} for place in range(found.size)
    ]
    cells.append({"missing": True})
    places = [*range(found.size), found.size + 1]
    for cell, place in zip(cells, places, strict=True):
        rows, bad = int(found.good[place] + found.bad[place]), int(found.bad[place])
        cell |= {"count": rows, "bad": bad, "woe": float(found.woe[place]), "thin": rows < 30}
    return cells


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"bins": sentence})
