"""Small strategies and versions in each state of their life, for tests about what may happen next."""

import copy
from datetime import timedelta
from typing import Any

from risk import registry, strategy_life, strategy_versions, words
from risk.models import StrategyVersion
from tests.fixtures.cast import Cast
from tests.risk.support import NOON


def graph() -> dict[str, Any]:
    """Return a copy of the shipped graph."""
    found: dict[str, Any] = copy.deepcopy(words.data(registry.RETAIL))
    return found


def node(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the content of a node, to be changed in place."""
    found: dict[str, Any] = next(raw for raw in content["nodes"] if raw["id"] == name)["content"]
    return found


def with_value(content: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    """Set one value of the admission policy."""
    next(row for row in node(content, "admission-policy")["expressions"] if row["key"] == key)["value"] = value
    return content


def draft(cast: Cast, **values: str) -> StrategyVersion:
    """Return a draft by the analyst, made from the live version, with some policy values changed."""
    live = StrategyVersion.objects.select_related("strategy").get(status="live", strategy__kind="lending")
    made = strategy_versions.draft_from(live, note="stricter", actor=cast.risk_analyst, at=NOON)
    if not values:
        return made
    content = made.graph
    for key, value in values.items():
        content = with_value(content, key, value)
    return strategy_versions.save(made, revision=1, graph=content, actor=cast.risk_analyst, at=NOON)


def approved(cast: Cast, **values: str) -> StrategyVersion:
    """Return a version the analyst drew and the manager approved."""
    made = strategy_life.send(draft(cast, **values), note="stricter", actor=cast.risk_analyst, at=NOON)
    return strategy_life.approve(made, note="agreed", actor=cast.risk_manager, at=NOON + timedelta(minutes=1))
