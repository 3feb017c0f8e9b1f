"""A talk with who answers for the debt beside the debtor: confirmed by their own file, told by their own lines, before anything of the debt is said."""

from datetime import timedelta
from typing import Any

import pytest

from collection import cases, checks, contacts, script_panel, scripts
from collection.models import Case, Contact, RightPartyCheck
from crm.lib.errors import Invalid
from governance import rules
from tests.collection.call_rows import answers_of, meet, say_all
from tests.collection.conftest import AFTER, Floor
from tests.collection.test_links import beside

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(floor: Floor) -> Case:
    return cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)


def log(case: Case, floor: Floor, row: Any, outcome: str = "obligor", at: Any = AFTER) -> Contact:
    told: dict[str, Any] = {"channel": "inbound", "outcome": outcome, "next_action": "call", "next_action_on": at.date()}
    return contacts.log_contact(case, actor=floor.cast.collector, at=at, relation=row, **told)


@pytest.mark.parametrize("with_file", [False, True])
def test_they_are_confirmed_by_their_own_file_never_by_the_debtors(case: Case, floor: Floor, with_file: bool) -> None:
    worker = floor.cast.collector
    other = floor.desk.make_customer() if with_file else None
    row = beside(floor, case, **({"other": other, "name": "", "mobile": ""} if with_file else {}))
    assert set(checks.questions(checks.file_of(case, row))) == (
        set(checks.questions(other)) if other else {"name", "mobile_last4"}
    )  # fmt: skip
    if with_file:
        of_debtor = checks.confirm(case, answers=answers_of(case.customer), actor=worker, at=AFTER, relation=row)
        assert of_debtor.result == "failed" or answers_of(case.customer) == answers_of(other)
    with pytest.raises(Invalid, match="Two answers"):
        checks.confirm(case, answers={next(iter(answers_of(other or row))): "x"}, actor=worker, at=AFTER, relation=row)
    done = checks.confirm(case, answers=answers_of(other or row), actor=worker, at=AFTER, relation=row)
    assert (done.result, done.relation) == ("passed", row)
    assert checks.confirmed(case, actor=worker, at=AFTER, relation=row)
    assert not checks.confirmed(case, actor=worker, at=AFTER), "the debtor is not confirmed by it"


def test_nothing_of_the_debt_is_read_out_before_and_their_own_lines_after(case: Case, floor: Floor) -> None:
    worker, row = floor.cast.collector, beside(floor, case)
    before = script_panel.held(case, user=worker, at=AFTER)
    assert [script.party for script, _steps in before.parts] == ["unknown"]
    checks.confirm(case, answers=answers_of(row), actor=worker, at=AFTER, relation=row)
    after = script_panel.held(case, user=worker, at=AFTER)
    assert [script.party for script, _steps in after.parts] == ["unknown", "obligor"]
    assert str(case.dpd) in " ".join(step.text for _script, steps in after.parts for step in steps)


@pytest.mark.parametrize("outcome", ["obligor", "obligor_no", "obligor_pays"])
def test_a_talk_with_them_needs_the_check_then_every_line(case: Case, floor: Floor, outcome: str) -> None:
    worker, row = floor.cast.collector, beside(floor, case)
    with pytest.raises(Invalid) as refused:
        log(case, floor, row, outcome)
    assert "Make sure first who it is" in str(refused.value.fields["outcome"])
    checks.confirm(case, answers=answers_of(row), actor=worker, at=AFTER, relation=row)
    with pytest.raises(scripts.LinesNotSaid):
        log(case, floor, row, outcome)
    assert not Contact.objects.exists()
    said = say_all(case, worker=worker, at=AFTER, relation=row)
    made = log(case, floor, row, outcome)
    assert (made.relation, made.lines_said.count()) == (row, said)


def test_one_confirmed_is_not_another(case: Case, floor: Floor) -> None:
    """Neither the debtor nor a second obligor is confirmed by the first; the debtor's lines do not stand for theirs."""
    worker, first = floor.cast.collector, beside(floor, case)
    second = beside(floor, case, "co_borrower", name="李娜", mobile="13911113333")
    meet(case, first, worker=worker, at=AFTER)
    for who, outcome in ((second, "obligor"), (None, "refused")):
        with pytest.raises(Invalid):
            log(case, floor, who, outcome)
    checks.confirm(case, answers=answers_of(case.customer), actor=worker, at=AFTER + timedelta(minutes=1))
    with pytest.raises(scripts.LinesNotSaid):
        log(case, floor, None, "refused", AFTER + timedelta(minutes=1))


def test_guesses_are_counted_by_person(case: Case, floor: Floor) -> None:
    worker, row = floor.cast.collector, beside(floor, case)
    wrong = {"name": "nobody", "mobile_last4": "0000"}
    most = int(rules.value("collections.check.tries", on=AFTER.date()))
    for _try in range(most):
        assert checks.confirm(case, answers=wrong, actor=worker, at=AFTER, relation=row).result == "failed"
    with pytest.raises(checks.TooManyTries):
        checks.confirm(case, answers=wrong, actor=worker, at=AFTER, relation=row)
    assert RightPartyCheck.objects.filter(relation=row).count() == most
    assert checks.confirm(case, answers=answers_of(case.customer), actor=worker, at=AFTER).result == "passed"


def test_their_lines_may_speak_of_the_debt_and_must_say_something() -> None:
    debt = [{"code": "l1", "text": "The loan is {days} days overdue.", "must": True}]
    assert scripts.problems(debt, party="obligor") is None and scripts.problems(debt, party="unknown") is not None
    assert scripts.problems([debt[0] | {"must": False}], party="obligor") is not None
