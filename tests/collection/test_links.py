"""Who answers beside the debtor is turned to under their own count; the household is shown and never asked."""

from datetime import timedelta
from typing import Any

import pytest

from collection import cases, contacts, links
from collection.models import Case, Contact
from crm.lib.errors import Invalid
from customers import relations
from customers.contacts import NotNow
from customers.models import ContactAttempt, Relation
from tests.collection.conftest import AFTER, Floor


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
