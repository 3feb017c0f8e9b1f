"""Scoring one set of facts with boosted trees kept as LightGBM's own text. No Django; LightGBM and numpy are loaded with the first model.

Content: ``{"v": 1, "kind": "lightgbm", "code", "scale", "model": text, "line": [slope, intercept], "features": [{"name", "kind",
"reason", "mean", "values": {text: number}, "missing", "unseen"}], "reasons", "pd_curve"?}``. A category is read as the number training gave
its value (its smoothed bad rate in log odds); absent and unseen values have numbers of their own, an absent number is left to the trees.

The log of odds is ``slope * raw + intercept``; a feature's contribution is ``slope`` times its exact Shapley value by LightGBM's
`pred_contrib`, so that the contributions and the base add up to the log of odds. `mean` is the training average of the contribution.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from risk.scorecards import REASONS, BadCard, Line, Scale, Score, Unscorable, bent, knots, probability

VERSION = 1
KIND = "lightgbm"


@dataclass(frozen=True, slots=True)
class Input:
    """How a fact becomes the number the trees read."""

    name: str
    numeric: bool
    reason: str
    mean: float
    values: Mapping[Any, float]
    missing: float
    unseen: float

    def read(self, value: Any) -> tuple[float, str]:
        """Return (number, key): the key is the value itself of a category, "missing", "unseen", or empty for a number.

        :raises Unscorable: if the value has a type the model cannot read
        """
        if value is None:
            return self.missing, "missing"
        if not self.numeric:
            try:
                found = self.values.get(value)
            except TypeError:
                raise Unscorable(f"{self.name} cannot be a {type(value).__name__}") from None
            return (self.unseen, "unseen") if found is None else (found, str(value))
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != value:
            raise Unscorable(f"{self.name} must be a number")
        return float(value), ""


@dataclass(frozen=True, slots=True)
class Booster:
    """A model loaded once and used many times; threads may share it."""

    code: str
    scale: Scale
    inputs: tuple[Input, ...]
    booster: Any
    slope: float
    intercept: float
    pd_curve: tuple[tuple[float, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.inputs)

    def log_odds_bad(self, facts: Mapping[str, Any]) -> float:
        """Return the log of odds bad to good."""
        import numpy as np

        row = np.array([[one.read(facts.get(one.name))[0] for one in self.inputs]])
        return self.slope * float(self.booster.predict(row, raw_score=True, num_threads=1)[0]) + self.intercept

    def contributions(self, facts: Mapping[str, Any]) -> tuple[float, list[tuple[str, float, float, str, str]]]:
        """Return (base, [(name, contribution, its training average, key, reason)]) in log odds of bad; base and contributions add up."""
        import numpy as np

        read = [one.read(facts.get(one.name)) for one in self.inputs]
        found = self.booster.predict(np.array([[number for number, _key in read]]), pred_contrib=True, num_threads=1)[0].tolist()
        return self.slope * found[-1] + self.intercept, [
            (one.name, self.slope * part, one.mean, key, one.reason)
            for one, part, (_number, key) in zip(self.inputs, found[:-1], read, strict=True)
        ]

    def score(self, facts: Mapping[str, Any]) -> Score:
        """Score `facts`; see `told`.

        :raises Unscorable: if a value has a type the model cannot read
        """
        base, parts = self.contributions(facts)
        return told(self.scale, base, parts, self.pd_curve)


def told(
    scale: Scale, base: float, parts: Sequence[tuple[str, float, float, str, str]], pd_curve: Sequence[tuple[float, float]] = ()
) -> Score:
    """Make a score of contributions: each feature's points are its share of the base less its contribution, and add up to the score.

    Reasons name the features that raised the risk above their training average, the most first, at most four; a tie keeps the order.
    """
    log_odds = base + math.fsum(part for _name, part, _mean, _key, _reason in parts)
    share = scale.score(base) / len(parts)
    lines = tuple(Line(name, key, share - scale.factor * part, share - scale.factor * mean) for name, part, mean, key, _reason in parts)
    short = sorted((mean - part, place, reason) for place, (_name, part, mean, _key, reason) in enumerate(parts) if part - mean > 1e-9)
    exact = scale.score(log_odds)
    return Score(
        exact=exact,
        score=math.floor(exact + 0.5),
        log_odds_bad=log_odds,
        pd=probability(bent(log_odds, pd_curve)),
        lines=lines,
        reasons=tuple(reason for _short, _place, reason in short[:REASONS]),
        unfit=tuple(name for name, _part, _mean, key, _reason in parts if key in ("missing", "unseen")),
    )


def load(content: Mapping[str, Any]) -> Booster:
    """Read a model from its JSON and check it.

    :raises BadCard: if the JSON is of another version, lacks a part, or holds no model that LightGBM can read
    """
    try:
        if content["v"] != VERSION or content["kind"] != KIND:
            raise BadCard(f"model format {content['kind']!r} {content['v']!r} is not {KIND} {VERSION}")
        scale = Scale(**{name: float(content["scale"][name]) for name in ("base_score", "base_odds", "pdo")})
        inputs = tuple(_input(spec) for spec in content["features"])
        slope, intercept = (float(one) for one in content["line"])
        text, code = str(content["model"]), str(content["code"])
        curve = knots(content)
    except (KeyError, TypeError, AttributeError, ValueError) as gap:
        raise gap if isinstance(gap, BadCard) else BadCard(f"the model lacks {gap}") from gap
    if not inputs or len({one.name for one in inputs}) != len(inputs) or not slope > 0:
        raise BadCard("a model needs features, each once, and a rising calibration")
    booster = _booster(text)
    if booster.num_feature() != len(inputs):
        raise BadCard(f"the trees read {booster.num_feature()} features, not {len(inputs)}")
    return Booster(code, scale, inputs, booster, slope, intercept, curve)


def _booster(text: str) -> Any:
    if not text.startswith("tree\n") or "end of trees" not in text:  # LightGBM itself ends the process on some broken texts
        raise BadCard("this is no model of LightGBM")
    import lightgbm

    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as refusal:
        raise BadCard(f"LightGBM cannot read the model: {refusal}") from refusal


def _input(spec: Mapping[str, Any]) -> Input:
    numeric = spec["kind"] == "numeric"
    if not numeric and spec["kind"] != "category":
        raise BadCard(f"{spec['name']} is neither numeric nor a category")
    missing = math.nan if numeric else float(spec["missing"])
    values = {} if numeric else {str(value): float(number) for value, number in spec["values"].items()}
    unseen = math.nan if numeric else float(spec["unseen"])
    return Input(str(spec["name"]), numeric, str(spec["reason"]), float(spec["mean"]), values, missing, unseen)
