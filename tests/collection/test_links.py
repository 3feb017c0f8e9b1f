"""Who answers beside the debtor is turned to under their own count; the household is shown and never asked."""

from datetime import timedelta
from typing import Any

import pytest

from collection import cases, contacts, dispositions, gate, links
from collection.models import Case, Contact
from crm.lib.errors import Invalid
from customers import contact_gate, relations
from customers import contacts as gates
from customers.contacts import NotNow
from customers.models import ContactAttempt, Relation
from ledger import log
from tests.collection.call_rows import meet
from tests.collection.conftest import AFTER, LATE, Floor
from tests.credit.test_races import together

MINUTE = timedelta(minutes=1)


def beside(floor: Floor, case: Any, kind: str = "guarantor", opened: bool = True, **changes: Any) -> Relation:
    words = {"kind": kind, "name": "王芳", "mobile": "13911112222", "source": "document", "consent": "given"} | changes
    row = relations.add(case.customer, **words, actor=floor.cast.loan_officer, at=AFTER)
    return relations.allow_contact(row, allowed=True, actor=floor.cast.loan_officer, at=AFTER) if opened else row


def of(floor: Floor, case: Any) -> links.Links:
    user = floor.cast.collector
    return links.of(case, links.relations_of(case, user=user, at=AFTER), user=user, at=AFTER)


@pytest.mark.parametrize("kind", ["guarantor", "co_borrower"])
def test_who_answers_for_the_debt_has_a_meter_of_their_own(floor: Floor, kind: str) -> None:
    case = floor.case()
    row = beside(floor, case, kind)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    attempt = contacts.begin_call(case, actor=floor.cast.collector, at=AFTER, key="one", relation=row)
    assert (attempt.relation, attempt.customer) == (row, case.customer)
    assert contacts.begin_call(case, actor=floor.cast.collector, at=AFTER, key="two").pk != attempt.pk  # the debtor's own count
    later = AFTER + timedelta(minutes=2)
    logged = contacts.log_contact(
        case,
        channel="call",
        outcome="busy",
        next_action="call",
        next_action_on=AFTER.date(),
        actor=floor.cast.collector,
        at=later,
        relation=row,
    )
    assert (logged.relation, logged.attempt) == (row, attempt)
    one = of(floor, case).obligors[0]
    assert (one.relation, one.meter.lines[0].used, one.role) == (row, 0, Relation.Kind(kind).label)  # nobody answered
    assert ContactAttempt.objects.filter(relation=row).count() == 1


def test_who_did_not_agree_is_shown_closed_and_refused(floor: Floor) -> None:
    case = floor.case()
    row = beside(floor, case, opened=False)
    assert of(floor, case).obligors[0].meter is None
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(NotNow) as refused:
        contacts.begin_call(case, actor=floor.cast.collector, at=AFTER, key="one", relation=row)
    assert refused.value.extra["rule"] == "contact.obligors_only"
    assert not ContactAttempt.objects.exists()


def test_the_debtors_own_words_are_not_taken_from_another(floor: Floor) -> None:
    case = floor.case()
    row = beside(floor, case)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Invalid) as refused:
        contacts.log_contact(
            case, channel="call", outcome="refused", next_action="call", next_action_on=AFTER.date(), actor=floor.cast.collector, at=AFTER,
            relation=row,
        )  # fmt: skip
    assert "outcome" in refused.value.fields
    assert not Contact.objects.exists()


SAID = ("obligor", "obligor_no", "obligor_pays")


def told(case: Any, floor: Floor, row: Relation | None, outcome: str, channel: str = "call", at: Any = AFTER) -> Contact:
    actor = floor.cast.collector
    cases.claim(case, actor=actor, at=at)
    if row is not None and outcome in SAID:
        meet(case, row, worker=actor, at=at)
    return contacts.log_contact(
        case, channel=channel, outcome=outcome, next_action="call", next_action_on=AFTER.date(), actor=actor, at=at, relation=row
    )


@pytest.mark.parametrize("outcome", SAID)
def test_a_talk_with_who_answers_beside_is_told_as_theirs_and_counted_as_theirs(floor: Floor, outcome: str) -> None:
    case = floor.case()
    row = beside(floor, case)
    made = told(case, floor, row, outcome)
    assert (made.relation, made.outcome, made.attempt.connected, made.attempt.relation) == (row, outcome, True, row)
    assert log.history(made).get().facts["party"] == "guarantor"
    later = AFTER + timedelta(minutes=5)
    assert of(floor, case).obligors[0].meter.lines[0].used == 1
    assert gates.attempts_of([case.customer_id], at=later)[case.customer_id] == [], "the debtor's own count is as it was"


@pytest.mark.parametrize("outcome", SAID)
@pytest.mark.parametrize("channel", ["call", "inbound"])
def test_such_a_result_names_who_it_was(floor: Floor, outcome: str, channel: str) -> None:
    case = floor.case()
    with pytest.raises(Invalid, match="see the fields") as refused:
        told(case, floor, None, outcome, channel)
    assert "say with whom" in str(refused.value.fields["outcome"])
    assert not Contact.objects.exists()


@pytest.mark.parametrize("with_file", [False, True])
def test_who_answers_beside_and_calls_in_is_heard_uncounted_and_known_in_their_own_file(floor: Floor, with_file: bool) -> None:
    case = floor.case()
    other = floor.desk.make_customer() if with_file else None
    row = beside(floor, case, **({"other": other, "name": "", "mobile": ""} if with_file else {}))
    made = told(case, floor, row, "obligor", "inbound")
    assert (made.relation, made.attempt) == (row, None)
    assert not ContactAttempt.objects.exists(), "who calls in takes no place among the calls of the house"
    later = AFTER + timedelta(minutes=5)
    who, own = gates.counted_as(case.customer, row)
    [talk] = gates.attempts_of([who.pk], at=later, relation=own)[who.pk]
    assert (talk.channel, talk.at, talk.connected) == ("inbound", AFTER, True)
    assert gates.attempts_of([case.customer_id], at=later)[case.customer_id] == []
    assert list(gate.began([who.pk], AFTER - timedelta(days=1))) == [(who.pk, own.pk if own else None, AFTER)]
    assert list(gate.began([who.pk], AFTER - timedelta(days=1), until=AFTER)) == []


def test_the_debtors_results_and_theirs_share_keys_and_nobody_elses() -> None:
    for channel, results in dispositions.tree().items():
        for party in ("person", "obligor"):
            keys = [one.key for one in results if not getattr(one, "obligor" if party == "person" else "person")]
            assert len(keys) == len(set(keys)), (channel, party)
    assert {one.outcome for one in dispositions.tree()["call"] if one.obligor} == set(SAID)
    assert not any(one.obligor and (one.person or one.promise or one.hold) for found in dispositions.tree().values() for one in found)


@pytest.mark.parametrize("with_file", [False, True])
def test_what_they_ask_to_stop_is_stopped_for_them_alone(floor: Floor, with_file: bool) -> None:
    case, actor = floor.case(), floor.cast.loan_officer
    other = floor.desk.make_customer() if with_file else None
    row = beside(floor, case, **({"other": other, "name": "", "mobile": ""} if with_file else {}))
    if other is not None:
        gates.bar(other, channel="call", reason="stop", actor=actor, at=AFTER)
    else:
        first = relations.stop(row, channel="call", actor=actor, at=AFTER)
        assert relations.stop(row, channel="call", actor=actor, at=AFTER + timedelta(days=1)) == first, "stopped once"
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(NotNow) as refused:
        contacts.begin_call(case, actor=floor.cast.collector, at=AFTER, key="one", relation=row)
    assert refused.value.extra["rule"] == "contact.stop"
    assert gate.answer(case, channel="call", at=AFTER).allowed, "the debtor asked for nothing"
    assert gate.answer(case, channel="letter", at=AFTER, relation=row).allowed
    if other is None:
        relations.allow_contact(row, allowed=True, actor=actor, at=AFTER)
        assert gate.answer(case, channel="call", at=AFTER, relation=row).allowed, "opened anew by their own word"
        with pytest.raises(Invalid):
            relations.stop(row, channel="pigeon", actor=actor, at=AFTER)


def test_a_form_cannot_name_somebody_who_answers_for_nothing(floor: Floor) -> None:
    case = floor.case()
    friend = beside(floor, case, "emergency_contact", opened=False)
    for name in (friend.public_id, "R-NOBODY", "\0"):
        with pytest.raises(links.NobodyThere):
            links.asked(case, name)
    assert links.asked(case, "") is None


def test_the_household_is_seen_with_its_own_case_and_never_as_obligor(floor: Floor) -> None:
    floor.desk.loan()
    floor.late_loan()
    case, theirs = Case.objects.order_by("pk")
    relations.add(case.customer, kind="family", other=theirs.customer, source="customer", actor=floor.cast.loan_officer, at=AFTER)
    for one, other in ((case, theirs), (theirs, case)):
        found = of(floor, one)
        assert ([(member.person, member.case) for member in found.household], list(found.obligors)) == ([(other.customer, other)], [])


def stands_beside_two(floor: Floor) -> tuple[list[Any], list[Relation]]:
    """Return two cases whose debtors have one guarantor, who is no customer, with the relation in each file."""
    loans = [floor.desk.loan(), floor.desk.loan()]
    floor.close(LATE)
    rows = [Case.objects.select_related("customer__legal_entity").get(customer=loan.customer_id) for loan in loans]
    return rows, [beside(floor, row) for row in rows]


def test_a_guarantor_of_two_debts_has_one_count(floor: Floor) -> None:
    rows, of_each = stands_beside_two(floor)
    for number in range(3):
        one = of_each[number % 2]
        made = contact_gate.reserve(
            one.customer,
            channel="call",
            key=f"g{number}",
            at=AFTER + number * MINUTE,
            actor=floor.cast.collector,
            relation=one,
            under_way=True,
        )
        contact_gate.settle(made, connected=True)
    said = [gates.may_contact(row.customer, "call", AFTER + 3 * MINUTE, relation=one) for row, one in zip(rows, of_each, strict=True)]
    assert [answer.rule for answer in said] == ["contact.connected_calls_per_day"] * 2
    assert gates.may_contact(rows[0].customer, "call", AFTER + 3 * MINUTE).allowed, "the debtors have their own"
    other = beside(floor, rows[0], mobile="13911119999")
    assert gates.may_contact(rows[0].customer, "call", AFTER + 3 * MINUTE, relation=other).allowed


@pytest.mark.django_db(transaction=True)
def test_of_two_who_call_the_guarantor_about_two_debts_one_makes_the_third_call(floor: Floor) -> None:
    _rows, of_each = stands_beside_two(floor)
    for number in range(2):
        made = contact_gate.reserve(
            of_each[0].customer, channel="call", key=f"g{number}", at=AFTER, actor=floor.cast.collector, relation=of_each[0], under_way=True
        )
        contact_gate.settle(made, connected=True)
    found = together(
        *[
            lambda one=one: contact_gate.reserve(
                one.customer, channel="call", key=f"r{one.pk}", at=AFTER + MINUTE, actor=floor.cast.collector, relation=one, under_way=True
            )
            for one in of_each
        ]
    )
    assert sorted(type(one).__name__ for one in found) == ["ContactAttempt", "NotNow"]
