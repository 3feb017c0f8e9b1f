"""The ladder as tables and properties: caps by days past due, the least that may be offered, authority."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis.strategies import decimals, integers

from collection import settlement_ladder as ladder

LADDER = {"1": "0.00", "31": "0.05", "61": "0.10", "91": "0.20", "181": "0.40"}
balances = decimals("0.01", "999999.99", places=2)
caps = decimals("0", "0.9", places=2)


@pytest.mark.parametrize(
    ("dpd", "cap"),
    [
        (0, "0"),
        (1, "0.00"),
        (30, "0.00"),
        (31, "0.05"),
        (60, "0.05"),
        (61, "0.10"),
        (90, "0.10"),
        (91, "0.20"),
        (180, "0.20"),
        (181, "0.40"),
        (9999, "0.40"),
    ],
)
def test_the_step_reached_gives_the_cap(dpd: int, cap: str) -> None:
    assert ladder.cap_at(LADDER, dpd) == Decimal(cap)


@pytest.mark.parametrize(("dpd", "cap"), [(10, "0"), (40, "0.15"), (200, "0.50")])
def test_hardship_adds_to_a_step_that_allows_anything(dpd: int, cap: str) -> None:
    assert ladder.cap_at(LADDER, dpd, extra=Decimal("0.10")) == Decimal(cap)


@pytest.mark.parametrize(
    ("balance", "cap", "least"),
    [
        ("1000.00", "0.00", "1000.00"), ("1000.00", "0.05", "950.00"), ("0.01", "0.40", "0.01"), ("100.01", "0.05", "95.01"),
        ("333.33", "0.10", "300.00"), ("10000.03", "0.20", "8000.03"), ("7777.77", "0.40", "4666.67"),
    ],
)  # fmt: skip
def test_the_floor_is_rounded_against_forgiving(balance: str, cap: str, least: str) -> None:
    assert ladder.floor(Decimal(balance), Decimal(cap)) == Decimal(least)


@given(balances, caps)
def test_the_floor_never_forgives_more_than_the_cap(balance: Decimal, cap: Decimal) -> None:
    least = ladder.floor(balance, cap)
    assert Decimal("0.01") <= least <= balance
    assert balance - least <= balance * cap
    assert least - balance * (1 - cap) < Decimal("0.01") or least == Decimal("0.01")


@given(balances, integers(0, 100))
def test_what_is_forgiven_and_what_is_paid_add_up(balance: Decimal, share: int) -> None:
    amount = ladder.floor(balance, Decimal(share) / 111)
    forgiven = ladder.discount(balance, amount)
    assert 0 <= forgiven < 1
    assert abs(balance * forgiven - (balance - amount)) <= balance * Decimal("0.000001")


@pytest.mark.parametrize(("role", "most"), [("collector", "0"), ("collections_supervisor", "0.10"), ("risk_manager", "0.50"), ("", "0")])
def test_a_role_that_is_not_named_may_give_nothing(role: str, most: str) -> None:
    assert ladder.allowed({"collections_supervisor": "0.10", "risk_manager": "0.50"}, role) == Decimal(most)


def test_nothing_owed_has_no_discount() -> None:
    with pytest.raises(ValueError, match="nothing is owed"):
        ladder.discount(Decimal(0), Decimal(0))
