"""Figures, days and absent values as both languages write them (the table of ux.md, section 3)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from crm.lib.templatetags import crm


@pytest.mark.parametrize(
    ("value", "cell", "english", "chinese"),
    [
        (Decimal("12345.67"), "12,345.67", "CNY 12,345.67", "¥12,345.67"),
        (Decimal("0"), "0.00", "CNY 0.00", "¥0.00"),
        (Decimal("-1100.16"), "−1,100.16", "CNY −1,100.16", "−¥1,100.16"),
        (Decimal("9999999999.99"), "9,999,999,999.99", "CNY 9,999,999,999.99", "¥9,999,999,999.99"),
    ],
)
def test_money(value: Decimal, cell: str, english: str, chinese: str) -> None:
    assert crm.money(value) == cell
    with translation.override("en"):
        assert crm.amount(value) == english
    with translation.override("zh-hans"):
        assert crm.amount(value) == chinese


def test_unknown_zero_not_applicable_and_hidden_look_different() -> None:
    looks = {str(crm.money(None)), str(crm.money(Decimal("0"))), str(crm.absent("not_applicable")), str(crm.absent("hidden"))}
    assert len(looks) == 4


@pytest.mark.parametrize(("language", "expected"), [("en", "23.91% a year (IRR, nominal)"), ("zh-hans", "年化23.91%（IRR名义）")])
def test_a_rate_names_its_basis(language: str, expected: str) -> None:
    with translation.override(language):
        assert crm.rate(Decimal("0.239100"), "irr") == expected


@pytest.mark.parametrize(("language", "expected"), [("en", "22 Nov 2026"), ("zh-hans", "2026年11月22日")])
def test_a_day_in_a_sentence(language: str, expected: str) -> None:
    with translation.override(language):
        assert crm.long_day(date(2026, 11, 22)) == expected
    assert crm.day(date(2026, 11, 22)) == "2026-11-22"


def test_age_is_relative_for_a_week() -> None:
    now = timezone.now()
    with translation.override("en"):
        assert ">3 h ago<" in crm.ago(now - timedelta(hours=3, minutes=5))
        assert "ago" not in crm.ago(now - timedelta(days=8))


@pytest.mark.parametrize(("hours", "tone"), [(9, "neutral"), (4, "caution"), (1, "warn"), (-1, "bad")])
def test_a_clock_wears_the_share_of_time_left(hours: int, tone: str) -> None:
    now = timezone.now()
    deadline = now + timedelta(hours=hours)
    assert crm.clock(deadline, deadline - timedelta(hours=10))["tone"] == tone


def test_a_label_cannot_bring_markup() -> None:
    assert "<b>" not in crm.badge("good", "<b>x</b>")
    assert "<b>" not in crm.bucket("<b>")
