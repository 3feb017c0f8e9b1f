"""Scoring one set of facts with a blend: the weighted sum of the log odds of several models. No Django.

Content: ``{"v": 1, "kind": "blend", "code", "scale", "line": [slope, intercept], "parts": [{"weight", "content"}], "reasons", "pd_curve"?}``.
The log of odds is ``slope * sum(weight * part) + intercept``. Each part gives its contributions per feature in log odds; the same feature in
several parts is one contribution, so the reasons are those of the blend as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from risk import boosters, scorecards, scoring
from risk.boosters import Booster
from risk.scorecards import BadCard, Scale, Score, Scorecard

VERSION = 1
KIND = "blend"


@dataclass(frozen=True, slots=True)
class Blend:
    """A blend loaded once and used many times."""

    code: str
    scale: Scale
    parts: tuple[tuple[float, Scorecard | Booster], ...]
    slope: float
    intercept: float
    pd_curve: tuple[tuple[float, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for _weight, part in self.parts for name in part.names))

    def log_odds_bad(self, facts: Mapping[str, Any]) -> float:
        """Return the log of odds bad to good."""
        return self.slope * sum(weight * part.log_odds_bad(facts) for weight, part in self.parts) + self.intercept

    def contributions(self, facts: Mapping[str, Any]) -> tuple[float, list[tuple[str, float, float, str, str]]]:
        """Return (base, [(name, contribution, its training average, key, reason)]) in log odds of bad; base and contributions add up."""
        base = self.intercept
        found: dict[str, tuple[str, float, float, str, str]] = {}
        for weight, part in self.parts:
            own, lines = of_card(part, facts) if isinstance(part, Scorecard) else part.contributions(facts)
            base += self.slope * weight * own
            for name, given, mean, key, reason in lines:
                _name, had, had_mean, had_key, had_reason = found.get(name, (name, 0.0, 0.0, "", reason))
                factor = self.slope * weight
                found[name] = (name, had + factor * given, had_mean + factor * mean, had_key or key, had_reason)
        return base, list(found.values())

    def score(self, facts: Mapping[str, Any]) -> Score:
        """Score `facts`, with reasons over all parts.

        :raises scorecards.Unscorable: if a value has a type a part cannot read
        """
        base, parts = self.contributions(facts)
        return boosters.told(self.scale, base, parts, self.pd_curve)


def of_card(card: Scorecard, facts: Mapping[str, Any]) -> tuple[float, list[tuple[str, float, float, str, str]]]:
    """Return the contributions of a scorecard in log odds of bad: coefficient times weight of evidence."""
    factor, offset = card.scale.factor, card.scale.offset
    lines = []
    for feature in card.features:
        cell = feature.cell(facts.get(feature.name))
        key = "missing" if cell is feature.missing else "unseen" if cell is feature.unseen else ""
        mean = ((offset - factor * card.intercept) / len(card.features) - feature.mean_points) / factor
        lines.append((feature.name, feature.coefficient * cell.woe, mean, key, feature.reason))
    return card.intercept, lines


def load(content: Mapping[str, Any]) -> Blend:
    """Read a blend from its JSON and check it and its parts.

    :raises BadCard: if the JSON is of another version, lacks a part, or a part is no model
    """
    try:
        if content["v"] != VERSION or content["kind"] != KIND:
            raise BadCard(f"model format {content['kind']!r} {content['v']!r} is not {KIND} {VERSION}")
        scale = Scale(**{name: float(content["scale"][name]) for name in ("base_score", "base_odds", "pdo")})
        slope, intercept = (float(one) for one in content["line"])
        parts = []
        for spec in content["parts"]:
            part = scoring.load(spec["content"])
            if not isinstance(part, Scorecard | Booster):
                raise BadCard("a blend is made of scorecards and boosted trees")
            parts.append((float(spec["weight"]), part))
        code, curve = str(content["code"]), scorecards.knots(content)
    except (KeyError, TypeError, AttributeError, ValueError) as gap:
        raise gap if isinstance(gap, BadCard) else BadCard(f"the blend lacks {gap}") from gap
    if not parts or not slope > 0 or any(not weight > 0 for weight, _part in parts):
        raise BadCard("a blend needs parts, each of a weight above 0, and a rising calibration")
    return Blend(code, scale, tuple(parts), slope, intercept, curve)
