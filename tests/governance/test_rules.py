"""Rules of law and policy are rows with dates; without one the door stays shut."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from governance import rules
from governance.models import Rule


def put(code: str = "test.rate", **changes: Any) -> Rule:
    values: dict[str, Any] = {
        "value": Decimal("0.240000"), "unit": rules.RATE, "meaning_en": "a cap", "meaning_zh": "上限", "verification": "policy",
        "effective_from": date(2026, 1, 1),
    }  # fmt: skip
    return rules.put(code, **values | changes)


def test_no_rule_on_a_date_shuts_the_door(db: None) -> None:
    put()
    with pytest.raises(rules.NoRule, match=r"test\.rate.*2025-12-31") as refusal:
        rules.value("test.rate", on=date(2025, 12, 31))
    assert refusal.value.status == 409
    with pytest.raises(rules.NoRule):
        rules.value("test.unknown", on=date(2026, 3, 2))


def test_a_rule_holds_from_its_first_day_to_the_day_before_its_end(db: None) -> None:
    put(effective_to=date(2026, 7, 1))
    put(value=Decimal("0.200000"), effective_from=date(2026, 7, 1))
    assert rules.value("test.rate", on=date(2026, 1, 1)) == Decimal("0.24")
    assert rules.value("test.rate", on=date(2026, 6, 30)) == Decimal("0.24")
    assert rules.value("test.rate", on=date(2026, 7, 1)) == Decimal("0.20")


def test_amounts_rates_and_shares_come_back_exactly(db: None) -> None:
    put("test.amount", value=Decimal("200000.10"), unit=rules.AMOUNT)
    put("test.whole", value=200_000, unit=rules.AMOUNT)
    put("test.days", value=30, unit=rules.DAYS)
    put("test.words", value=["a", "b"], unit=rules.TEXT)
    found = {code: rules.value(f"test.{code}", on=date(2026, 3, 2)) for code in ("amount", "whole", "days", "words")}
    assert found == {"amount": Decimal("200000.10"), "whole": Decimal(200_000), "days": 30, "words": ["a", "b"]}
    assert isinstance(found["amount"], Decimal)
    assert isinstance(found["whole"], Decimal)
    assert isinstance(found["days"], int)


def test_a_float_is_refused(db: None) -> None:
    with pytest.raises(TypeError, match="float"):
        put(value=0.24)


def test_a_changed_rule_is_felt_at_once(db: None) -> None:
    rule = put()
    rules.value("test.rate", on=date(2026, 3, 2))
    Rule.objects.filter(pk=rule.pk).update(value="0.18")
    assert rules.value("test.rate", on=date(2026, 3, 2)) == Decimal("0.18")


@pytest.mark.parametrize(
    ("first_to", "second_from", "second_to"),
    [(None, date(2026, 2, 1), None), (date(2026, 3, 1), date(2026, 2, 28), None), (None, date(2025, 1, 1), date(2026, 1, 2))],
)
def test_the_database_refuses_periods_that_overlap(db: None, first_to: Any, second_from: date, second_to: Any) -> None:
    put(effective_to=first_to)
    with pytest.raises(IntegrityError, match="rule_periods_do_not_overlap"), transaction.atomic():
        put(effective_from=second_from, effective_to=second_to)


def test_periods_that_touch_do_not_overlap(db: None) -> None:
    put(effective_to=date(2026, 3, 1))
    put(effective_from=date(2026, 3, 1))


def test_law_needs_a_citation(db: None) -> None:
    with pytest.raises(IntegrityError, match="rule_law_has_citation"), transaction.atomic():
        put(verification="verified", citation="")


def test_a_seed_does_not_rewrite_what_stands(db: None) -> None:
    put()
    assert put(value=Decimal("0.99")).value == "0.240000"
