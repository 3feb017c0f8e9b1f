"""Scoring one set of facts with a scorecard kept as JSON. Pure: plain Python, no Django, nothing of numpy; a row takes microseconds.

The arithmetic, for a card fitted as logistic regression of "bad" on weight of evidence::

    ln odds(bad)  = intercept + sum(coefficient_f * woe_f)
    factor        = pdo / ln 2,   offset = base_score - factor * ln(base_odds)         (odds are good to bad)
    score         = offset - factor * ln odds(bad)
    points_f      = (offset - factor * intercept) / n - factor * coefficient_f * woe_f,  so that the points add up to the score
    PD            = 1 / (1 + exp(-ln odds(bad)))                           (of a card with a `pd_curve`, read off that curve first)

Logit and points are binary floats on purpose: they are statistics, not money. Rounding happens once, at the end: the score to a whole
number, half up; the PD to six decimals, half even.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

VERSION = 1
REASONS = 4
PD_STEP = Decimal("0.000001")


class BadCard(ValueError):
    """The JSON is not a scorecard of this version."""


class Unscorable(ValueError):
    """A fact has a type the card cannot read; the message names it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the points lie: `base_score` at odds of `base_odds` good to one bad; `pdo` points double the odds."""

    base_score: float = 600.0
    base_odds: float = 30.0
    pdo: float = 20.0

    @property
    def factor(self) -> float:
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        return self.base_score - self.factor * math.log(self.base_odds)

    def score(self, log_odds_bad: float) -> float:
        """Return the score of a log of odds bad to good, not rounded."""
        return self.offset - self.factor * log_odds_bad

    def log_odds_bad(self, score: float) -> float:
        """Return the log of odds bad to good at `score`; the inverse of `score`."""
        return (self.offset - score) / self.factor


@dataclass(frozen=True, slots=True)
class Cell:
    """One bin of a feature, ready to be read."""

    key: str
    woe: float
    points: float


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a card: its bins, and what is read when the value is absent, special or was never seen in training."""

    name: str
    coefficient: float
    mean_points: float
    max_points: float
    reason: str
    splits: tuple[float, ...] | None
    cells: tuple[Cell, ...]
    by_value: Mapping[Any, Cell]
    missing: Cell
    unseen: Cell

    def cell(self, value: Any) -> Cell:
        """Return the bin `value` falls into.

        :raises Unscorable: if a numeric feature is given something that is not a number
        """
        if value is None:
            return self.missing
        try:
            if value in self.by_value:
                return self.by_value[value]
        except TypeError:
            raise Unscorable(f"{self.name} cannot be a {type(value).__name__}") from None
        if self.splits is None:
            return self.unseen
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != value:
            raise Unscorable(f"{self.name} must be a number")
        return self.cells[bisect_right(self.splits, value)]


@dataclass(frozen=True, slots=True)
class Line:
    """What one feature gave: the bin's key, its points, and the training average of the feature's points."""

    feature: str
    bin: str
    points: float
    mean: float


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one scoring."""

    exact: float
    score: int
    log_odds_bad: float
    pd: Decimal
    lines: tuple[Line, ...]
    reasons: tuple[str, ...]
    unfit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A card loaded once and used many times."""

    code: str
    scale: Scale
    intercept: float
    features: tuple[Feature, ...]
    reference: str = "mean"
    pd_curve: tuple[tuple[float, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    def log_odds_bad(self, facts: Mapping[str, Any]) -> float:
        """Return the log of odds bad to good, summed in the order of the features."""
        total = self.intercept
        for feature in self.features:
            total += feature.coefficient * feature.cell(facts.get(feature.name)).woe
        return total

    def score(self, facts: Mapping[str, Any]) -> Score:
        """Score `facts`.

        Reason codes name the features whose points lie below the reference (the training average, or the best bin where the card says
        so), the largest shortfall first, at most four; a tie keeps the card's order. `unfit` names the features whose value was absent
        or never seen in training.

        :raises Unscorable: if a value has a type the card cannot read
        """
        log_odds = self.intercept
        lines: list[Line] = []
        short: list[tuple[float, int, str]] = []
        unfit: list[str] = []
        for place, feature in enumerate(self.features):
            cell = feature.cell(facts.get(feature.name))
            log_odds += feature.coefficient * cell.woe
            lines.append(Line(feature.name, cell.key, cell.points, feature.mean_points))
            if cell is feature.missing or cell is feature.unseen:
                unfit.append(feature.name)
            lost = (feature.max_points if self.reference == "max" else feature.mean_points) - cell.points
            if lost > 1e-9:
                short.append((-lost, place, feature.reason))
        short.sort()
        exact = self.scale.score(log_odds)
        return Score(
            exact=exact,
            score=math.floor(exact + 0.5),
            log_odds_bad=log_odds,
            pd=probability(bent(log_odds, self.pd_curve)),
            lines=tuple(lines),
            reasons=tuple(reason for _, _, reason in short[:REASONS]),
            unfit=tuple(unfit),
        )


def probability(log_odds_bad: float) -> Decimal:
    """Return the probability of default for a log of odds bad to good, to six decimals."""
    if log_odds_bad >= 0:
        value = 1.0 / (1.0 + math.exp(-log_odds_bad))
    else:
        grown = math.exp(log_odds_bad)
        value = grown / (1.0 + grown)
    return Decimal(value).quantize(PD_STEP)


def bent(log_odds: float, curve: Sequence[tuple[float, float]]) -> float:
    """Return the log odds read off a rising curve of knots: straight between them, flat beyond; unchanged without a curve."""
    if not curve:
        return log_odds
    place = bisect_right(curve, (log_odds, math.inf))
    if place in (0, len(curve)):
        return curve[min(place, len(curve) - 1)][1]
    (left, low), (right, high) = curve[place - 1], curve[place]
    return low + (high - low) * (log_odds - left) / (right - left)


def knots(content: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Return the curve of probabilities of a content: (log odds, calibrated log odds) rising; empty when it has none.

    :raises BadCard: if it does not rise
    """
    curve = tuple((float(x), float(y)) for x, y in content.get("pd_curve") or ())
    if any(not (one[0] < other[0] and one[1] <= other[1]) for one, other in pairwise(curve)):
        raise BadCard("the curve of probabilities does not rise")
    return curve


def points(scale: Scale, *, intercept: float, coefficient: float, woe: float, features: int) -> float:
    """Return the points of a bin; the points of all features add up to the score."""
    return (scale.offset - scale.factor * intercept) / features - scale.factor * coefficient * woe


def load(content: Mapping[str, Any]) -> Scorecard:
    """Read a card from its JSON and check it.

    :raises BadCard: if the JSON is of another version, lacks a part, has bins out of order, or points that do not follow from the WOE
    """
    try:
        if content["v"] != VERSION:
            raise BadCard(f"scorecard format {content['v']!r} is not {VERSION}")
        scale = Scale(**{name: float(content["scale"][name]) for name in ("base_score", "base_odds", "pdo")})
        intercept = float(content["intercept"])
        specs: Sequence[Mapping[str, Any]] = content["features"]
        features = tuple(_feature(spec) for spec in specs)
    except (KeyError, TypeError, AttributeError) as gap:
        raise BadCard(f"the scorecard lacks {gap}") from gap
    for feature in features:
        for cell in (*feature.cells, feature.missing, feature.unseen):
            due = points(scale, intercept=intercept, coefficient=feature.coefficient, woe=cell.woe, features=len(features))
            if not math.isfinite(cell.points) or abs(due - cell.points) > 1e-6:
                raise BadCard(f"points of {feature.name}, bin {cell.key}, do not follow from its WOE")
    if not features or len({feature.name for feature in features}) != len(features):
        raise BadCard("a scorecard needs features, each once")
    return Scorecard(str(content["code"]), scale, intercept, features, str(content.get("reference", "mean")), knots(content))


def _feature(spec: Mapping[str, Any]) -> Feature:
    name, bins = str(spec["name"]), list(spec["bins"])
    cells = tuple(_cell(one, str(place)) for place, one in enumerate(bins))
    missing, unseen = _cell(spec["missing"], "missing"), _cell(spec["unseen"], "unseen")
    by_value: dict[Any, Cell] = {}
    splits: tuple[float, ...] | None = None
    if spec["kind"] == "numeric":
        splits = tuple(float(one["high"]) for one in bins[:-1])
        lows = tuple(float(one["low"]) for one in bins[1:])
        if lows != splits or list(splits) != sorted(set(splits)) or bins[0]["low"] is not None or bins[-1]["high"] is not None:
            raise BadCard(f"the bins of {name} leave a gap or overlap")
    elif spec["kind"] == "category":
        for one, cell in zip(bins, cells, strict=True):
            by_value.update(dict.fromkeys(one["values"], cell))
    else:
        raise BadCard(f"{name} is neither numeric nor a category")
    special = spec.get("special") or {}
    if special.get("values"):
        by_value.update(dict.fromkeys(special["values"], _cell(special, "special")))
    return Feature(
        name=name,
        coefficient=float(spec["coefficient"]),
        mean_points=float(spec["mean_points"]),
        max_points=max(cell.points for cell in cells),
        reason=str(spec["reason"]),
        splits=splits,
        cells=cells,
        by_value=by_value,
        missing=missing,
        unseen=unseen,
    )


def _cell(spec: Mapping[str, Any], key: str) -> Cell:
    return Cell(key, float(spec["woe"]), float(spec["points"]))
