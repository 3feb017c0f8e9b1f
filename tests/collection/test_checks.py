"""The right-party check: two answers, nothing kept of them, what a pass opens, and what guessing brings."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from collection import cases, checks
from collection.models import Case, RightPartyCheck
from crm.lib.errors import Invalid
from ledger import log
from ledger.models import Entry
from tests.collection.conftest import AFTER, Floor


@pytest.fixture
def case(floor: Floor) -> Case:
    return cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)


def confirm(case: Case, floor: Floor, at: Any = AFTER, **answers: str) -> RightPartyCheck:
    return checks.confirm(case, answers=answers, actor=floor.cast.collector, at=at)


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        (("id_last4", "birth_year"), "passed"),
        (("birth_year", "address"), "passed"),
        (("id_last4", "employer"), "passed"),
    ],
)
def test_any_two_answers_that_match(case: Case, floor: Floor, answers: Any, result: str) -> None:
    right = {
        "id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year), "address": "浦东", "employer": "远航",
    }  # fmt: skip
    assert confirm(case, floor, **{name: right[name] for name in answers}).result == result
    assert checks.confirmed(case, actor=floor.cast.collector, at=AFTER)


def test_one_wrong_answer_is_enough_to_fail(case: Case, floor: Floor) -> None:
    made = confirm(case, floor, id_last4=case.customer.id_number[-4:], birth_year="1901", address="浦东")
    assert (made.result, made.asked) == ("failed", ["address", "birth_year", "id_last4"])
    assert not checks.confirmed(case, actor=floor.cast.collector, at=AFTER)
    assert not Entry.objects.filter(event="customers.customer.revealed").exists()


def test_one_answer_is_none(case: Case, floor: Floor) -> None:
    with pytest.raises(Invalid, match="Two answers are needed"):
        confirm(case, floor, id_last4=case.customer.id_number[-4:], favourite_colour="red")
    assert not RightPartyCheck.objects.exists()


def test_a_single_letter_is_no_word_of_an_address(case: Case, floor: Floor) -> None:
    assert confirm(case, floor, birth_year=str(case.customer.born_on.year), address="市").result == "failed"


def test_a_pass_opens_name_and_number_on_the_record_and_keeps_no_answer(case: Case, floor: Floor) -> None:
    made = confirm(case, floor, id_last4=case.customer.id_number[-4:], birth_year=str(case.customer.born_on.year))
    opened = Entry.objects.filter(event="customers.customer.revealed", customer_id=case.customer_id)
    assert sorted(entry.facts["field"] for entry in opened) == ["mobile", "name"]
    assert {entry.facts["purpose"] for entry in opened} == {"collections"}
    entry = log.history(made).get()
    assert case.customer.id_number[-4:] not in str(entry.facts)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM collections_rightpartycheck c")
        assert case.customer.id_number[-4:] not in cursor.fetchone()[0].replace(str(made.pk), "")


def test_guessing_ends_for_the_day_whoever_guesses(case: Case, floor: Floor) -> None:
    for _ in range(3):
        confirm(case, floor, id_last4="0000", birth_year="1901")
    with pytest.raises(checks.TooManyTries):
        confirm(case, floor, id_last4=case.customer.id_number[-4:], birth_year=str(case.customer.born_on.year))
    cases.release(case, actor=floor.cast.collector, at=AFTER)
    row = cases.claim(case, actor=floor.cast.second_collector, at=AFTER)
    with pytest.raises(checks.TooManyTries):
        checks.confirm(row, answers={"id_last4": "1", "birth_year": "2"}, actor=floor.cast.second_collector, at=AFTER)
    tomorrow = AFTER + timedelta(days=1)
    row = cases.claim(case, actor=floor.cast.collector, at=tomorrow)
    right = {"id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year)}
    assert confirm(row, floor, at=tomorrow, **right).result == "passed"


def test_a_check_is_ones_own_and_ends(case: Case, floor: Floor) -> None:
    right = {"id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year)}
    confirm(case, floor, **right)
    assert not checks.confirmed(case, actor=floor.cast.second_collector, at=AFTER)
    later = AFTER + timedelta(minutes=30)
    row = cases.claim(case, actor=floor.cast.collector, at=later)
    assert not checks.confirmed(row, actor=floor.cast.collector, at=later)
    almost = later - timedelta(seconds=1)
    row = cases.claim(case, actor=floor.cast.collector, at=almost)
    assert checks.confirmed(row, actor=floor.cast.collector, at=almost)


def test_somebody_else_takes_a_pass_away(case: Case, floor: Floor) -> None:
    confirm(case, floor, id_last4=case.customer.id_number[-4:], birth_year=str(case.customer.born_on.year))
    checks.third_party(case, actor=floor.cast.collector, at=AFTER + timedelta(minutes=1))
    assert not checks.confirmed(case, actor=floor.cast.collector, at=AFTER + timedelta(minutes=2))


def test_who_does_not_hold_the_case_checks_nobody(case: Case, floor: Floor) -> None:
    with pytest.raises(cases.NotHeld):
        checks.confirm(case, answers={"id_last4": "1", "birth_year": "2"}, actor=floor.cast.second_collector, at=AFTER)
