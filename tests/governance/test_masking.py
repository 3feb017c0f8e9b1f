"""What stands in place of a personal value, as a table."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import masking

# Forms: practice after JR/T 0171-2020 (published cases for mobile, id, card and name). Ours differ in two places on
# purpose: a card shows its last four behind a fixed number of stars, and a name shows one star whatever its length, so
# that length tells nothing.
CASES = [
    (masking.mask_mobile, "13812345678", "138****5678"),
    (masking.mask_mobile, "13800001234", "138****1234"),
    (masking.mask_mobile, "1381234567", "**********"),
    (masking.mask_mobile, "12345", "*****"),
    (masking.mask_mobile, "", ""),
    (masking.mask_id_number, "11010519491231002X", "1****************X"),
    (masking.mask_id_number, "110105491231002", "***************"),
    (masking.mask_id_number, "", ""),
    (masking.mask_card, "6222021234567890", "**** 7890"),
    (masking.mask_card, "6222021234567894321", "**** 4321"),
    (masking.mask_card, "62220212345", "***********"),
    (masking.mask_card, "", ""),
    (masking.mask_name, "张三", "张*"),
    (masking.mask_name, "欧阳修", "欧*"),
    (masking.mask_name, "Wang Xiaoming", "W*"),
    (masking.mask_name, "张", "*"),
    (masking.mask_name, "", ""),
    (masking.mask_text, "上海市浦东新区人民路1号", "******"),
    (masking.mask_text, "a", "******"),
    (masking.mask_text, "", ""),
]


@pytest.mark.parametrize(("mask", "value", "shown"), CASES)
def test_masks(mask: object, value: str, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[operator]


@given(st.text(alphabet="0123456789X", min_size=1, max_size=20))
def test_no_mask_gives_a_value_back(value: str) -> None:
    for mask in (masking.mask_mobile, masking.mask_id_number, masking.mask_card, masking.mask_name, masking.mask_text):
        assert mask(value) != value
        assert "*" in mask(value)


@pytest.mark.parametrize(
    ("born", "on", "band"),
    [
        (date(1990, 3, 7), date(2026, 3, 6), "35-39"),
        (date(1990, 3, 7), date(2026, 3, 7), "35-39"),
        (date(1991, 3, 7), date(2026, 3, 6), "30-34"),
        (date(1991, 3, 7), date(2026, 3, 7), "35-39"),
        (date(2004, 2, 29), date(2026, 2, 28), "20-24"),
        (date(1946, 3, 2), date(2026, 3, 2), "80-84"),
    ],
)
def test_a_birth_date_is_shown_as_five_years(born: date, on: date, band: str) -> None:
    assert masking.age_band(born, on) == band


def test_no_combination_of_what_is_shown_rebuilds_an_id_number() -> None:
    """Of 18 characters two are shown; with the age band, over 1,800 birth dates and all regions and orders remain."""
    shown = masking.mask_id_number("11010519491231002X")
    assert sum(character != "*" for character in shown) == 2
    assert 5 * 365 * 10**5 * 1_000 / 11 > 10**10
