"""One-time codes: once, five tries, five minutes, not too many; only a hash is kept, and the text goes when it is out."""

from datetime import timedelta

import pytest

from customers import one_time_codes
from customers.models import Message, OneTimeCode
from customers.one_time_codes import NoCode, TooManyCodes, WrongCode
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
ABOUT = {"purpose": "accept_offer"}


def issued(customer, at=NOON, subject="O-222222222"):
    made = one_time_codes.issue(subject, customer=customer, at=at, **ABOUT)
    return made, next(word for word in "".join(c if c.isdigit() else " " for c in made.message.text).split() if len(word) == 6)


def confirm(customer, code, at=NOON, subject="O-222222222"):
    return one_time_codes.confirm(subject, customer=customer, code=code, at=at, **ABOUT)


def other(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_right_code_is_taken_once(customer):
    made, code = issued(customer)
    assert confirm(customer, f" {code[:3]} {code[3:]} ").pk == made.pk
    with pytest.raises(NoCode):
        confirm(customer, code)


def test_full_width_figures_are_figures(customer):
    _made, code = issued(customer)
    assert confirm(customer, "".join(chr(ord(c) + 0xFEE0) for c in code)).used_at == NOON


def test_five_wrong_tries_end_it(customer):
    _made, code = issued(customer)
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(WrongCode) as refused:
            confirm(customer, other(code))
        assert refused.value.extra["left"] == left
    with pytest.raises(NoCode):
        confirm(customer, code)


def test_after_five_minutes_it_is_nothing(customer):
    _made, code = issued(customer)
    with pytest.raises(NoCode):
        confirm(customer, code, at=NOON + timedelta(minutes=5))


def test_it_counts_for_its_subject_and_customer_only(customer, make_customer):
    _made, code = issued(customer)
    with pytest.raises(NoCode):
        confirm(customer, code, subject="O-333333333")
    with pytest.raises(NoCode):
        confirm(make_customer(), code)


def test_a_new_code_ends_the_one_before(customer):
    _first, old = issued(customer)
    _second, new = issued(customer, at=NOON + timedelta(seconds=61))
    at = NOON + timedelta(seconds=70)
    if old != new:
        with pytest.raises(WrongCode):
            confirm(customer, old, at=at)
    assert confirm(customer, new, at=at)


def test_not_more_than_one_a_minute_and_five_an_hour(customer):
    for number in range(5):
        issued(customer, at=NOON + timedelta(minutes=2 * number))
        with pytest.raises(TooManyCodes):
            issued(customer, at=NOON + timedelta(minutes=2 * number, seconds=59))
    with pytest.raises(TooManyCodes) as refused:
        issued(customer, at=NOON + timedelta(minutes=30))
    assert refused.value.extra["again_at"] == (NOON + timedelta(hours=1)).isoformat()
    assert issued(customer, at=NOON + timedelta(hours=1))


def test_the_code_lies_nowhere_in_clear(customer):
    made, code = issued(customer)
    assert code not in made.digest
    stored = OneTimeCode.objects.filter(pk=made.pk).values()[0]
    assert code not in str({name: value for name, value in stored.items() if name != "salt"})
    raw = Message.objects.filter(pk=made.message_id).values_list("text", flat=True)[0]
    assert code.encode() not in bytes(raw)
