"""Verdicts as the engine stores them, for tests that are about what follows from one."""

from decimal import Decimal as D
from typing import Any

from tests.fixtures.cast import NOON


def stored_decision(application: Any, outcome: str = "approve", **changes: Any) -> Any:
    """Return a stored decision on `application`: grade B, limit 50,000, 18 % a year unless told otherwise."""
    from risk.models import Decision, StrategyVersion

    values: dict[str, Any] = {
        "subject": f"credit.application:{application.public_id}",
        "strategy_version": StrategyVersion.objects.filter(strategy__kind="lending").latest("pk"),
        "outcome": outcome,
        "grade": "B",
        "limit": D("50000.00"),
        "annual_rate": D("0.180000"),
        "reasons": [] if outcome == "approve" else ["amount_above_limit"],
        "at": NOON,
        "duration_us": 100,
    }
    return Decision.objects.create(**values | changes)
