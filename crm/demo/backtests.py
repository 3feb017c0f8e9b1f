"""Backtests of the demonstration: the live version against a stricter draft, over the decisions of the play, finished."""

from datetime import datetime, timedelta
from typing import Any

from governance.models import User
from risk import backtests, registry
from risk.backtests import Side
from risk.models import StrategyVersion
from risk.populations import Past

LIMIT = 600
STRICTER = {"dti_limit": "0.45", "age_min": "22"}


def fill(*, analyst: User, at: datetime) -> str:
    """Draw a stricter draft of the live retail strategy and run it over past decisions; return what was done."""
    from risk import strategy_versions

    live = StrategyVersion.objects.select_related("strategy").get(strategy__code=registry.RETAIL, status="live")
    made = strategy_versions.draft_from(live, note="debt-to-income 45 %, from 22 years", actor=analyst, at=at)
    graph = made.graph
    for node in graph["nodes"]:
        for row in _expressions(node):
            if row.get("key") in STRICTER:
                row["value"] = STRICTER[row["key"]]
    made = strategy_versions.save(made, revision=made.revision, graph=graph, actor=analyst, at=at)
    asked = backtests.ask(
        name="Debt-to-income at 45 %, from 22 years", sides=[Side(made)], population=Past(limit=LIMIT), horizon_months=3, actor=analyst, at=at
    )  # fmt: skip
    backtests.run(asked.pk, at=at + timedelta(minutes=1))
    return f"a backtest of v{made.number} over {asked.total} decisions"


def _expressions(node: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (node.get("content") or {}).get("expressions") or []
    return found
