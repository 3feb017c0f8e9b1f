"""Disputes and complaints: what is contested is not demanded, who is complained about is off the case; each has its deadline."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collection import cases, complaints, contested, disputes, holds, owed, promises, queues
from collection.complaints import CannotExtend, OwnComplaint
from collection.contested import CaseFrozen
from collection.disputes import AlreadyDisputed, MatterDecided, NothingBooked, NotUpheld
from collection.judgement import Part
from collection.models import Case, Complaint, Dispute
from credit import acts, repayments
from crm.lib.errors import Invalid
from customers import contacts
from ledger import log
from tests.collection.conftest import AFTER, Floor

TODAY = AFTER.date()
HUNDRED = Decimal("100.00")


@pytest.fixture
def case(floor: Floor) -> Case:
    return floor.case()


def disputed(case: Case, floor: Floor, **changes: Any) -> Dispute:
    values: dict[str, Any] = {
        "loan": case.debts.get().loan, "kind": "amount", "amount": HUNDRED, "channel": "inbound", "statement": "账单有误",
        "owner": floor.cast.collections_supervisor, "actor": floor.cast.collector, "at": AFTER,
    }  # fmt: skip
    return disputes.raise_(case, **(values | changes))


def complained(case: Case, floor: Floor, **changes: Any) -> Complaint:
    values: dict[str, Any] = {
        "kind": "manner", "about": floor.cast.collector, "is_complex": False, "channel": "inbound", "statement": "态度恶劣",
        "owner": floor.cast.collections_supervisor, "actor": floor.cast.compliance, "at": AFTER,
    }  # fmt: skip
    return complaints.file(case, **(values | changes))


# --- disputes ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "days"), [("amount", 15), ("paid", 15), ("fraud", 15), ("bureau", 20)])
def test_the_deadline_is_that_of_its_rule(case: Case, floor: Floor, kind: str, days: int) -> None:
    found = disputed(case, floor, kind=kind)
    assert (found.due_on - found.opened_on).days == days
    assert found.is_late(found.due_on + timedelta(days=1)) and not found.is_late(found.due_on)


def test_what_is_contested_leaves_the_demand_and_the_ceiling_of_promises(case: Case, floor: Floor) -> None:
    loan = case.debts.get().loan
    before, most = owed.overdue_until(case.customer_id, today=TODAY, until=TODAY), owed.most_by(case.customer_id, on=TODAY)
    disputed(case, floor)
    assert owed.overdue_until(case.customer_id, today=TODAY, until=TODAY) == before - HUNDRED
    assert owed.most_by(case.customer_id, on=TODAY) == most - HUNDRED
    (one,) = owed.of_loans([loan], on=TODAY)
    assert (one.overdue, one.demand) == (before, before - HUNDRED)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Invalid) as refused:
        promises.take(case, parts=[Part(TODAY, most)], channel="inbound", actor=floor.cast.collector, at=AFTER)
    assert "promise at most that" in refused.value.fields["amount_1"]


def test_more_contested_than_overdue_leaves_nothing_to_demand(case: Case, floor: Floor) -> None:
    loan = case.debts.get().loan
    disputed(case, floor, amount=disputes.most(loan, on=TODAY))
    assert owed.overdue_until(case.customer_id, today=TODAY, until=TODAY) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": Decimal("0.00")}, "amount"), ({"amount": Decimal("1.001")}, "amount"), ({"amount": Decimal("9999999.00")}, "amount"),
        ({"kind": "mood"}, "kind"), ({"channel": "pigeon"}, "channel"), ({"statement": "x" * 2_001}, "statement"),
    ],
)  # fmt: skip
def test_a_dispute_that_cannot_be_is_refused_at_its_field(case: Case, floor: Floor, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        disputed(case, floor, **changes)
    assert set(refused.value.fields) == {field}
    assert not Dispute.objects.exists()


def test_only_a_loan_of_the_case_and_an_owner_who_may_decide(case: Case, floor: Floor) -> None:
    with pytest.raises(Invalid) as refused:
        disputed(case, floor, loan=floor.desk.loan(), owner=floor.cast.collector)
    assert set(refused.value.fields) == {"loan", "owner"}


def test_one_dispute_about_a_loan_runs_at_a_time(case: Case, floor: Floor) -> None:
    found = disputed(case, floor)
    with pytest.raises(AlreadyDisputed):
        disputed(case, floor)
    disputes.withdraw(found, words="清楚了", actor=floor.cast.collector, at=AFTER)
    assert disputed(case, floor).is_open


@pytest.mark.parametrize(
    ("outcome", "given", "upheld"),
    [("upheld", None, HUNDRED), ("partly", Decimal("40.00"), Decimal("40.00")), ("rejected", None, Decimal("0.00"))],
)
def test_a_decision_ends_the_hold_and_says_how_much(case: Case, floor: Floor, outcome: str, given: Decimal | None, upheld: Decimal) -> None:
    found = disputed(case, floor)
    disputes.decide(found, outcome=outcome, upheld=given, answer="已核实", actor=floor.cast.collections_supervisor, at=AFTER)
    found.refresh_from_db()
    assert (found.status, found.upheld_amount, found.decided_on, found.answer) == (outcome, upheld, TODAY, "已核实")
    assert contested.held_back([found.loan_id]) == ({found.loan_id: upheld} if upheld else {})  # until it is put right in the books
    with pytest.raises(MatterDecided):
        disputes.decide(found, outcome="rejected", answer="x", actor=floor.cast.collections_supervisor, at=AFTER)
    with pytest.raises(MatterDecided):
        disputes.withdraw(found, words="清楚了", actor=floor.cast.collector, at=AFTER)


def test_what_was_upheld_is_not_demanded_until_it_is_put_right_in_the_books(case: Case, floor: Floor) -> None:
    supervisor, found = floor.cast.collections_supervisor, disputed(case, floor, kind="paid")
    with pytest.raises(NotUpheld):
        disputes.put_right(found, actor=supervisor, at=AFTER)
    before = owed.of_loans([found.loan], on=TODAY)[0].demand
    found = disputes.decide(found, outcome="upheld", answer="已核实", actor=supervisor, at=AFTER)
    assert found.is_to_put_right and owed.of_loans([found.loan], on=TODAY)[0].demand == before
    with pytest.raises(NothingBooked, match=found.loan.public_id):
        disputes.put_right(found, actor=supervisor, at=AFTER)
    later = AFTER + timedelta(hours=1)
    repayments.receive(found.loan, amount=Decimal("1.00"), actor=floor.cast.loan_officer, at=later, key="the payment that was not seen")
    found = disputes.put_right(found, actor=supervisor, at=AFTER + timedelta(hours=2))
    assert contested.held_back([found.loan_id]) == {} and not found.is_to_put_right
    assert log.history(found).filter(event="collections.dispute.put_right").exists()
    with pytest.raises(NotUpheld):
        disputes.put_right(found, actor=supervisor, at=AFTER)


def test_that_the_debtor_pays_on_puts_no_wrong_fee_right(case: Case, floor: Floor) -> None:
    found = disputes.decide(
        disputed(case, floor, kind="fee"), outcome="upheld", answer="已核实", actor=floor.cast.collections_supervisor, at=AFTER
    )
    later = AFTER + timedelta(hours=1)
    repayments.receive(found.loan, amount=Decimal("1.00"), actor=floor.cast.loan_officer, at=later, key="an instalment")
    with pytest.raises(NothingBooked):
        disputes.put_right(found, actor=floor.cast.collections_supervisor, at=later)


@pytest.mark.parametrize("words", ["", "   ", "x" * 2_001])
def test_a_dispute_is_taken_back_in_the_customer_s_words(case: Case, floor: Floor, words: str) -> None:
    found = disputed(case, floor)
    with pytest.raises(Invalid) as refused:
        disputes.withdraw(found, words=words, actor=floor.cast.collector, at=AFTER)
    assert "words" in refused.value.fields


@pytest.mark.parametrize("upheld", [None, Decimal("0.00"), HUNDRED, Decimal("100.01"), Decimal("0.001")])
def test_a_part_is_more_than_nothing_and_less_than_all(case: Case, floor: Floor, upheld: Decimal | None) -> None:
    found = disputed(case, floor)
    with pytest.raises(Invalid) as refused:
        disputes.decide(found, outcome="partly", upheld=upheld, answer="x", actor=floor.cast.collections_supervisor, at=AFTER)
    assert set(refused.value.fields) == {"upheld"}


def test_a_closed_case_takes_no_dispute(case: Case, floor: Floor) -> None:
    floor.pay_all_overdue(case.debts.get().loan)
    with pytest.raises(cases.CaseClosed):
        disputed(case, floor)


# --- complaints ----------------------------------------------------------------------------------------------------
def test_who_is_complained_about_loses_the_case_and_cannot_take_it(case: Case, floor: Floor) -> None:
    collector, other = floor.cast.collector, floor.cast.second_collector
    cases.claim(case, actor=collector, at=AFTER)
    complained(case, floor)
    case.refresh_from_db()
    assert case.claimed_by is None
    assert not queues.waiting(collector, at=AFTER).filter(pk=case.pk).exists()
    assert queues.waiting(other, at=AFTER).filter(pk=case.pk).exists()
    with pytest.raises(CaseFrozen, match="A complaint about you stands"):
        cases.claim(case, actor=collector, at=AFTER)
    assert queues.take_next(collector, at=AFTER) is None
    with pytest.raises(CaseFrozen):
        disputed(case, floor)
    cases.claim(case, actor=other, at=AFTER)


def test_a_hold_that_outlived_the_complaint_works_nothing(case: Case, floor: Floor) -> None:
    complained(case, floor)
    Case.objects.filter(pk=case.pk).update(
        claimed_by=floor.cast.collector, claimed_at=AFTER, claimed_until=AFTER + timedelta(hours=1)
    )  # as if the claim had come in between
    with pytest.raises(CaseFrozen):
        cases.held(case, actor=floor.cast.collector, at=AFTER)


def test_it_is_not_assigned_to_them_either(case: Case, floor: Floor) -> None:
    complained(case, floor)
    case.refresh_from_db()
    with pytest.raises(cases.Unassignable, match="A complaint about"):
        cases.assign(case, to=floor.cast.collector, version=case.version, actor=floor.cast.collections_supervisor, at=AFTER)


@pytest.mark.parametrize(("outcome", "frozen"), [("upheld", True), ("rejected", False), ("withdrawn", False)])
def test_an_upheld_complaint_keeps_them_off_for_good(case: Case, floor: Floor, outcome: str, frozen: bool) -> None:
    found = complained(case, floor)
    complaints.decide(found, outcome=outcome, answer="已处理", actor=floor.cast.collections_supervisor, at=AFTER)
    assert contested.is_frozen(case, floor.cast.collector) is frozen
    assert (case.customer_id in holds.of([case.customer_id])) is False, "decided: reminders go on"


def test_nobody_answers_for_a_complaint_about_themselves(case: Case, floor: Floor) -> None:
    supervisor = floor.cast.collections_supervisor
    with pytest.raises(OwnComplaint):
        complained(case, floor, about=supervisor)
    found = complained(case, floor, about=supervisor, owner=floor.cast.compliance)
    with pytest.raises(OwnComplaint):
        complaints.decide(found, outcome="rejected", answer="x", actor=supervisor, at=AFTER)


def test_deadlines_of_complaints(case: Case, floor: Floor) -> None:
    simple, involved = complained(case, floor, about=None), complained(case, floor, about=None, is_complex=True)
    assert [(each.due_on - TODAY).days for each in (simple, involved)] == [15, 30]
    with pytest.raises(CannotExtend):
        complaints.extend(simple, actor=floor.cast.compliance, at=AFTER)
    with pytest.raises(CannotExtend, match="somebody senior"):
        complaints.extend(involved, actor=floor.cast.collections_supervisor, at=AFTER)
    assert (complaints.extend(involved, actor=floor.cast.compliance, at=AFTER).due_on - TODAY).days == 60
    with pytest.raises(CannotExtend):
        complaints.extend(involved, actor=floor.cast.compliance, at=AFTER)


def test_a_closed_case_takes_a_complaint(case: Case, floor: Floor) -> None:
    floor.pay_all_overdue(case.debts.get().loan)
    assert complained(case, floor).is_open


# --- the port ------------------------------------------------------------------------------------------------------
def test_every_name_of_the_port_is_answered(case: Case, floor: Floor) -> None:
    customer, ids = case.customer, [case.customer_id]
    assert holds.exits(ids) == {}
    found = disputed(case, floor)
    assert holds.exits(ids)[customer.pk] == {"dispute"}
    complained(case, floor, about=None)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    promises.take(case, parts=[Part(TODAY, HUNDRED)], channel="inbound", actor=floor.cast.collector, at=AFTER)
    assert holds.exits(ids)[customer.pk] == {"dispute", "complaint", "promised"}
    disputes.withdraw(found, words="清楚了", actor=floor.cast.collector, at=AFTER)
    for channel in ("call", "sms", "email"):
        contacts.bar(customer, channel=channel, reason="stop", actor=floor.cast.collector, at=AFTER)
    assert holds.exits(ids)[customer.pk] == {"complaint", "promised", "do_not_contact"}
    contacts.bar(customer, channel="visit", reason="vulnerable", actor=floor.cast.collector, at=AFTER)
    assert "vulnerable" in holds.exits(ids)[customer.pk]
    loan = case.debts.get().loan
    acts.do(
        loan, acts.ACTS["death"], {"died_on": date(2026, 4, 1)}, on=None, why="deceased", actor=floor.cast.loan_officer,
        at=datetime(2026, 4, 11, 5, tzinfo=UTC), key="death",
    )  # fmt: skip
    assert "deceased" in holds.exits(ids)[customer.pk]
    floor.pay_all_overdue(loan)
    assert "paid" in holds.exits(ids)[customer.pk]


def test_the_port_asks_as_often_for_many_as_for_one(floor: Floor, django_assert_num_queries: Callable[..., Any]) -> None:
    first, second = floor.desk.loan(), floor.desk.loan()
    floor.close(TODAY - timedelta(days=1))
    with django_assert_num_queries(4):
        assert holds.standing([first.customer_id]) == {}
    with django_assert_num_queries(4):
        assert holds.standing([first.customer_id, second.customer_id]) == {}
