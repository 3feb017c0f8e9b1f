"""Money adds up: split and rounding as properties, what people type as a table."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis.strategies import decimals, integers, lists, sampled_from, text

from crm.lib import money

AMOUNTS = decimals("0.00", "999999999999.99", places=2)


@given(AMOUNTS, integers(1, 120))
def test_a_split_always_adds_up(total: Decimal, parts: int) -> None:
    shares = money.split(total, parts)
    assert sum(shares) == total
    assert len(shares) == parts
    assert max(shares) - min(shares) <= money.CENT
    assert shares == sorted(shares, reverse=True), "the first shares carry the odd cents"


@pytest.mark.parametrize(("total", "parts"), [("1.005", 2), ("-1.00", 2), ("1.00", 0), ("1.00", -1)])
def test_what_cannot_be_split_is_refused(total: str, parts: int) -> None:
    with pytest.raises(ValueError):
        money.split(Decimal(total), parts)


@pytest.mark.parametrize(
    ("amount", "mode", "rounded"),
    [
        ("1.005", "HALF_UP", "1.01"),
        ("1.004999", "HALF_UP", "1.00"),
        ("1.005", "HALF_EVEN", "1.00"),
        ("1.015", "HALF_EVEN", "1.02"),
        ("-1.005", "HALF_UP", "-1.01"),
        ("2.675", "HALF_UP", "2.68"),  # 2.67 as a float
    ],
)
def test_rounding_has_a_named_mode(amount: str, mode: money.Mode, rounded: str) -> None:
    assert money.quantize(Decimal(amount), mode) == Decimal(rounded)


@given(decimals("-9999999", "9999999", allow_nan=False, places=6))
def test_rounding_moves_by_half_a_cent_at_most(amount: Decimal) -> None:
    assert abs(money.quantize(amount) - amount) <= Decimal("0.005")


@given(lists(AMOUNTS, max_size=20))
def test_totals_are_exact_whatever_the_order(amounts: list[Decimal]) -> None:
    assert money.total(amounts) == money.total(amounts[::-1]) == sum(amounts, Decimal(0))
    assert money.total([]) == Decimal("0.00")


READ = [
    ("12,000", "12000.00"),
    ("12000.50", "12000.50"),
    (" 12 000 ", "12000.00"),
    ("1.2万", "12000.00"),
    ("3万元", "30000.00"),
    ("¥30", "30.00"),
    ("￥３０．５０", "30.50"),
    ("1，000", "1000.00"),
    (".5", "0.50"),
    ("5.", "5.00"),
    ("0", "0.00"),
    ("-3", "-3.00"),
    ("0.00010万", "1.00"),
    ("999,999,999,999.99", "999999999999.99"),
]


@pytest.mark.parametrize(("typed", "amount"), READ)
def test_what_a_person_types_is_read(typed: str, amount: str) -> None:
    assert money.parse(typed) == Decimal(amount)
    assert money.parse(typed).as_tuple().exponent == -2


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", ".", "-", "a", "1.005", "1,5", "12,34", "1,0000", ",000", "1e5", "1_000", "NaN", "Infinity", "1.2.3", "--1", "1-",
        "1000000000000", "100000000万", "0.0000001万", "9" * 5000, "1" + ",000" * 9, "0x10", "1\0",
    ],
)  # fmt: skip
def test_what_is_no_amount_in_cents_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        money.parse(typed)


@given(AMOUNTS, sampled_from(["{}", "{:,}", "¥{:,}", " {} 元"]))
def test_any_amount_that_is_written_is_read_back(amount: Decimal, form: str) -> None:
    assert money.parse(form.format(amount)) == amount


@given(text(max_size=30))
def test_reading_never_fails_otherwise(typed: str) -> None:
    with contextlib.suppress(ValueError):
        assert money.is_cents(money.parse(typed))
