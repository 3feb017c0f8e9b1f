"""A trained card kept as a file, and facts of a good applicant: the tests of risk need no training to run."""

import json
from datetime import UTC, datetime
from decimal import Decimal as D
from functools import cache
from pathlib import Path
from typing import Any

from risk import registry, scorecards, words
from risk.models import ScorecardVersion
from risk.strategies import Strategy

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
# Fitted by `registry.train(seed=1994)`; tests/risk/test_training.py fits it again and compares.
CARD = Path(__file__).parent / "retail_scorecard.json"

FACTS: dict[str, Any] = {
    "amount": D("6000.00"), "term": 12, "purpose": "car_used",
    "product_min": D("1000.00"), "product_max": D("50000.00"), "term_min": 3, "term_max": 36,
    "rate_a": D("0.12"), "rate_b": D("0.15"), "rate_c": D("0.18"), "rate_d": D("0.20"), "rate_cap": D("0.24"),
    "age": 40, "income": D("9000.00"), "monthly_debt": D("500.00"), "exposure": D("0.00"), "exposure_cap": D("200000.00"),
    "current_dpd": 0, "consent_bureau": True, "income_state": "verified",
    "shared_mobile": 0, "shared_card": 0, "applications_30d": 0,
    "listed_black": False, "listed_grey": False, "listed_watch": False,
    "checking_status": "no_account", "credit_history": "existing_paid_till_now", "savings": "1000_or_more",
    "employment": "7_years_or_more", "installment_rate": 2, "other_debtors": "none", "property": "real_estate",
    "other_plans": "none", "housing": "own", "existing_credits": 1,
}  # fmt: skip
# The same person with what the card holds against people: grade E.
WEAK = {
    "checking_status": "below_0", "savings": "under_100", "credit_history": "no_credits_or_all_paid", "term": 36, "purpose": "education",
    "age": 22, "employment": "under_1_year", "property": "unknown_or_none", "housing": "rent", "other_plans": "bank",
}  # fmt: skip
# Grade D: goes to a person.
MIDDLING = {"checking_status": "below_0", "savings": "under_100", "purpose": "furniture_equipment"}


@cache
def artefact() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CARD.read_text(encoding="utf-8"))
    return found


@cache
def card() -> scorecards.Scorecard:
    return scorecards.load(artefact()["content"])


@cache
def strategy() -> Strategy:
    """Return the seeded strategy with the card, without a database."""
    return Strategy(words.data(registry.RETAIL), words.data("input_schema"), words.data("policy_reasons"), card())


def live_scorecard(actor: Any) -> ScorecardVersion:
    """Register the card of the file and make it live, beside the seeded strategy."""
    version = registry.add_scorecard_version(
        code=registry.CARD, name_en="Retail scorecard", name_zh="零售评分卡", actor=actor, at=NOON, **artefact()
    )
    registry.make_live(version, actor=actor, at=NOON)
    return version
