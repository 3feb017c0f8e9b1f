"""Where the live strategies cut a score off: the lowest score they do not decline. Read from the graph, nothing is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from risk.models import StrategyVersion

SCORE = "card.score"
DECLINED = '"decline"'
AT_LEAST = re.compile(r">=\s*(-?\d+(?:\.\d+)?)")
SPAN = re.compile(r"[\[(]\s*(-?\d+(?:\.\d+)?)\s*\.\.")


@dataclass(frozen=True)
class CutOff:
    """A live strategy and the lowest score it does not decline."""

    strategy: str  # public id
    name: str
    number: int
    score: Decimal


def cut_off(graph: Mapping[str, Any]) -> Decimal | None:
    """Return the lowest score that a table over the score does not decline; None where no table reads the score, or none declines by it."""
    found = []
    for node in graph.get("nodes", ()):
        content = node.get("content")
        if node.get("type") != "decisionTableNode" or not isinstance(content, dict):
            continue
        reads = [one["id"] for one in content.get("inputs", ()) if one.get("field") == SCORE]
        says = [one["id"] for one in content.get("outputs", ()) if str(one.get("field", "")).endswith("outcome")]
        if reads and says:
            found += _steps(content.get("rules", ()), reads[0], says[0])
    return min(found, default=None)


def _steps(rules: Any, reads: str, says: str) -> list[Decimal]:
    """Return the lower bounds of the rows that do not decline, where the table has a row that declines."""
    if not any(rule.get(says) == DECLINED for rule in rules):
        return []
    told = []
    for rule in rules:
        match = AT_LEAST.match(str(rule.get(reads, "")).strip()) or SPAN.match(str(rule.get(reads, "")).strip())
        if match and rule.get(says) != DECLINED:
            told.append(Decimal(match[1]))
    return told


def live(code: str) -> list[CutOff]:
    """Return the cut-offs of the live strategies that ask for the model `code`; where none does, of every live one that asks for a model."""
    rows = (
        StrategyVersion.objects.filter(status="live").exclude(scorecard_code="").select_related("strategy").order_by("strategy", "number")
    )
    versions = list(rows)
    own = [one for one in versions if one.scorecard_code == code] or versions
    found = [(one, cut_off(one.graph)) for one in own]
    return [CutOff(one.strategy.public_id, one.strategy.name, one.number, score) for one, score in found if score is not None]
