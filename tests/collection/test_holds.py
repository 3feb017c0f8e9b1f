"""Reminders wait while a matter is open with the customer; who stops them is collections, and credit does not know it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from collection import dispositions, holds
from collection.models import Case, Contact, Outcome
from credit import reminders
from customers import contacts, outbox
from customers.models import Message
from governance.models import LegalEntity
from tests.collection.conftest import AFTER, Floor

DUE = date(2026, 5, 2)  # the second instalment of the loan
NOON = datetime(2026, 5, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def case(floor: Floor) -> Case:
    return floor.case()


def said(case: Case, floor: Floor, outcome: str, after: int = 0) -> Contact:
    return Contact.objects.create(
        case=case,
        channel="call",
        outcome=outcome,
        at=AFTER + timedelta(days=after),
        actor=floor.cast.collector,
        next_action="call",
        next_action_on=date(2026, 4, 20),
    )


def remind(floor: Floor) -> Message:
    """Plan the reminders of the second due date and let what is due by SMS leave."""
    LegalEntity.objects.filter(pk=floor.cast.entity.pk).update(business_date=DUE)
    floor.cast.entity.refresh_from_db()
    reminders.plan_now(floor.cast.entity, DUE, at=NOON - timedelta(hours=11))
    outbox.send_batch("sms", clock=lambda: NOON)
    return Message.objects.get(channel="sms", purpose="reminder")


@pytest.mark.parametrize("outcome", ["dispute", "hardship", "complaint", "deceased", "wrong_number"])
def test_a_matter_that_is_open_stops_the_reminder(case: Case, floor: Floor, gateway: Any, outcome: str) -> None:
    said(case, floor, outcome)
    said(case, floor, "no_answer", after=1)
    message = remind(floor)
    assert (message.status, message.problem) == ("cancelled", "contact.hold")
    assert gateway.texts(key=message.public_id) == []


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "callback", "third_party", "right_party", "promise"])
def test_other_results_stop_nothing(case: Case, floor: Floor, gateway: Any, outcome: str) -> None:
    said(case, floor, outcome)
    message = remind(floor)
    assert message.status == "sent"
    assert len(gateway.texts(key=message.public_id)) == 1


def test_spoken_to_again_reminders_go_on(case: Case, floor: Floor, gateway: Any) -> None:
    said(case, floor, "dispute")
    said(case, floor, "right_party", after=3)
    assert remind(floor).status == "sent"


def test_the_last_word_counts(case: Case, floor: Floor) -> None:
    assert holds.of([case.customer_id]) == {}
    said(case, floor, "right_party", after=1)
    last = said(case, floor, "hardship", after=2)
    said(case, floor, "dispute")
    found = holds.of([case.customer_id])[case.customer_id]
    assert (found.why, found.since) == (Outcome.HARDSHIP.label, last.at)


@pytest.mark.parametrize(("outcome", "outlasts"), [("dispute", False), ("wrong_number", False), ("deceased", True)])
def test_a_case_that_is_over_holds_nothing_but_a_death(case: Case, floor: Floor, outcome: str, outlasts: bool) -> None:
    said(case, floor, outcome)
    floor.pay_all_overdue(case.debts.get().loan)
    case.refresh_from_db()
    assert case.status == "closed"
    assert (case.customer_id in holds.of([case.customer_id])) is outlasts


def test_a_person_may_still_call_about_the_matter(case: Case, floor: Floor) -> None:
    said(case, floor, "dispute")
    assert contacts.may_contact(case.customer, "call", AFTER).allowed
    answer = contacts.may_contact(case.customer, "sms", AFTER, purpose="reminder")
    assert (answer.allowed, answer.rule, answer.opens_at) == (False, "contact.hold", None)
    assert "no reminder leaves" in answer.reason


def test_many_customers_are_asked_about_in_two_queries(floor: Floor, django_assert_num_queries: Any) -> None:
    for _number in range(3):
        floor.desk.loan()
    floor.close(AFTER.date() - timedelta(days=1))
    rows = list(Case.objects.order_by("pk"))
    said(rows[0], floor, "dispute")
    said(rows[1], floor, "complaint")
    with django_assert_num_queries(2):
        assert set(contacts.holds_of([case.customer_id for case in rows])) == {rows[0].customer_id, rows[1].customer_id}


def test_the_desk_and_the_customer_s_page_say_it(case: Case, floor: Floor, page_of: Any) -> None:
    said(case, floor, "dispute")
    shown = page_of(floor.cast.collections_supervisor).get(f"/collections/cases/{case.public_id}/").text
    assert "Reminders wait" in shown
    panel = page_of(floor.cast.collections_supervisor).get(f"/customers/{case.customer.public_id}/panels/messages/").text
    assert "Reminders wait" in panel and "Dispute" in panel


def test_what_holds_and_what_ends_it_are_told_apart() -> None:
    assert dispositions.holding() == {"dispute", "hardship", "complaint", "deceased", "wrong_number"}
    assert dispositions.ending() == {"right_party", "promise", "refused"}
