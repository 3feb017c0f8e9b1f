"""Any model kept as JSON, loaded to score: a scorecard, boosted trees, or a blend of them. No Django."""

from collections.abc import Mapping
from typing import Any, Protocol

from risk import scorecards
from risk.scorecards import BadCard, Scale, Score

SCORECARD, LIGHTGBM, BLEND = "scorecard", "lightgbm", "blend"
KINDS = (SCORECARD, LIGHTGBM, BLEND)


class Model(Protocol):
    """What serves: whatever its kind, it has a code, the names of the facts it reads, a scale, and scores facts."""

    @property
    def code(self) -> str: ...
    @property
    def scale(self) -> Scale: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    def log_odds_bad(self, facts: Mapping[str, Any]) -> float: ...
    def score(self, facts: Mapping[str, Any]) -> Score: ...


def kind_of(content: Mapping[str, Any]) -> str:
    """Return the kind of a content; what names none is a scorecard."""
    return str(content.get("kind") or SCORECARD)


def load(content: Mapping[str, Any]) -> Model:
    """Read a model of any kind from its JSON and check it.

    :raises BadCard: if it is no model of a kind and version known here
    """
    kind = kind_of(content)
    if kind == SCORECARD:
        return scorecards.load(content)
    if kind == LIGHTGBM:
        from risk import boosters

        return boosters.load(content)
    if kind == BLEND:
        from risk import blends

        return blends.load(content)
    raise BadCard(f"there is no model of the kind {kind!r}")
