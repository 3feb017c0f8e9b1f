"""Id numbers, mobiles and cards: published cases, and what a typing error does."""

import contextlib
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric

from crm.lib.errors import Invalid
from customers import identifiers
from tests.fixtures.support import identities

TODAY = date(2026, 3, 2)
BORN = st.dates(date(1900, 1, 1), TODAY)

# Published: GB 11643-1999 (the first two are its own examples), and a commonly printed specimen.
CHECKED = [("11010519491231002", "X"), ("44052418800101001", "4"), ("11010119900307123", "3")]
# ISO/IEC 7812-1, annex B: payload and check digit.
CARDS = [("622202123456789", "4"), ("621700001234567890", "7")]


@pytest.mark.parametrize(("payload", "check"), CHECKED)
def test_published_check_characters(payload: str, check: str) -> None:
    assert identities.check_character(payload) == check, "the weights of the tests"
    assert ric.calc_check_digit(f"{payload}0") == check, "the library of the house"


@pytest.mark.parametrize("number", ["11010519491231002X", "110101199003071233"])
def test_published_id_numbers_are_taken(number: str) -> None:
    assert identifiers.id_number(number, on=TODAY) == number


def test_a_birth_date_before_1900_is_none() -> None:
    with pytest.raises(identifiers.NotAnIdNumber, match="birth date"):
        identifiers.id_number("440524188001010014", on=TODAY)


@pytest.mark.parametrize(
    "typed", ["11010519491231002x", " 110105 19491231 002X ", "１１０１０５１９４９１２３１００２Ｘ", "110105\t19491231\n002X"]
)
def test_an_id_number_is_filed_in_one_form(typed: str) -> None:
    assert identifiers.id_number(typed, on=TODAY) == "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "18 characters"),
        ("1101051949123100", "18 characters"),
        ("11010519491231002XX", "18 characters"),
        ("X1010519491231002X", "18 characters"),
        ("１１0105194912310०2X", "18 characters"),  # a Devanagari zero is a digit to Python, not to us
        ("110105194913310020", "birth date"),
        ("110105194902300020", "birth date"),
        ("110105202603030020", "birth date"),
        ("110105194912310020", "does not match"),
        ("110105194912310029", "does not match"),
    ],
)
def test_what_is_wrong_with_an_id_number_is_said(typed: str, says: str) -> None:
    with pytest.raises(identifiers.NotAnIdNumber, match=says):
        identifiers.id_number(typed, on=TODAY)


@given(BORN, st.integers(0, 999_999), st.integers(0, 999))
def test_every_valid_number_is_taken(born: date, region: int, order: int) -> None:
    body = f"{region:06d}{born:%Y%m%d}{order:03d}"
    number = body + identities.check_character(body)
    assert identifiers.id_number(number, on=TODAY) == number


@given(BORN, st.integers(0, 999), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_single_wrong_character_is_noticed(born: date, order: int, place: int, typed: str) -> None:
    number = identities.id_number(order, born=born)
    assume(number[place] != typed)
    with pytest.raises(identifiers.NotAnIdNumber):
        identifiers.id_number(number[:place] + typed + number[place + 1 :], on=TODAY)


@given(BORN, st.integers(0, 999), st.integers(0, 16))
def test_any_two_neighbours_exchanged_are_noticed(born: date, order: int, place: int) -> None:
    number = identities.id_number(order, born=born)
    assume(number[place] != number[place + 1])
    exchanged = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    with pytest.raises(identifiers.NotAnIdNumber):
        identifiers.id_number(exchanged, on=TODAY)


@pytest.mark.parametrize(("payload", "check"), CARDS)
def test_published_card_numbers_are_taken(payload: str, check: str) -> None:
    assert identities.luhn_digit(payload) == luhn.calc_check_digit(payload) == check
    assert identifiers.bank_card(payload + check) == payload + check


@pytest.mark.parametrize("typed", ["6222 0212 3456 7894", "6222-0212-3456-7894", "６２２２０２１２３４５６７８９４"])
def test_a_card_is_filed_in_one_form(typed: str) -> None:
    assert identifiers.bank_card(typed) == "6222021234567894"


@given(st.integers(10**11, 10**18), st.integers(0, 18), st.sampled_from("0123456789"))
def test_any_single_wrong_digit_of_a_card_is_noticed(payload: int, place: int, typed: str) -> None:
    card = f"{payload}{identities.luhn_digit(str(payload))}"[-19:]
    assume(place < len(card) and card[place] != typed)
    assume(luhn.is_valid(card))
    with pytest.raises(identifiers.NotACard):
        identifiers.bank_card(card[:place] + typed + card[place + 1 :])


@pytest.mark.parametrize("typed", ["", "1", "62220212345", "6" * 20, "622202123456789X", "6222021234567890"])
def test_what_is_no_card_is_refused(typed: str) -> None:
    with pytest.raises(identifiers.NotACard):
        identifiers.bank_card(typed)


@pytest.mark.parametrize(
    "typed",
    ["13800001234", "138 0000 1234", "138-0000-1234", "0086-138-0000-1234", "(+86)13800001234", "１３８００００１２３４"],
)
def test_a_mobile_is_filed_in_one_form(typed: str) -> None:
    assert identifiers.mobile(typed) == "13800001234"


@pytest.mark.parametrize(
    "typed", ["", "12800001234", "1380000123", "138000012345", "23800001234", "+1 3800001234", "1380000123a", "١٣٨٠٠٠٠١٢٣٤"]
)
def test_what_is_no_mobile_is_refused(typed: str) -> None:
    with pytest.raises(identifiers.NotAMobile):
        identifiers.mobile(typed)


@pytest.mark.parametrize(
    ("typed", "filed"),
    [("王小明", "王小明"), ("  Maria   Fernandez ", "Maria Fernandez"), ("买买提·艾力", "买买提·艾力"), ("O'Neil-Smith", "O'Neil-Smith")],
)
def test_names_are_kept_with_single_spaces(typed: str, filed: str) -> None:
    assert identifiers.name(typed) == filed


@pytest.mark.parametrize("typed", ["", "  ", "123", "···", "x" * 61])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(identifiers.NotAName):
        identifiers.name(typed)


@given(st.text(max_size=40))
def test_nothing_typed_breaks_a_check(typed: str) -> None:
    for check in (identifiers.mobile, identifiers.bank_card, identifiers.name, lambda text: identifiers.id_number(text, on=TODAY)):
        with contextlib.suppress(Invalid):
            assert check(typed) == check(check(typed)), "what is filed is filed again alike"
