"""The form of a promise says whether it pays all that is overdue, by the rule that judges it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import localdate, now

from collection import owed, queues
from collection.models import Case
from tests.collection.conftest import Floor, by_daylight


@pytest.fixture
def case(floor: Floor) -> Case:
    made = floor.case()
    by_daylight()
    return made


def body(answer: Any) -> str:
    return answer.content.decode()


def test_all_that_is_wrong_with_a_promise_is_said_at_once_and_nothing_typed_is_lost(case: Case, floor: Floor, page_of: Any) -> None:
    """A day that is over, and a next action that lies before today: one who corrects the one is not told the other only then."""
    collector: Client = page_of(floor.cast.collector)
    collector.post("/collections/desk/next/")
    yesterday = localdate(now()) - timedelta(days=1)
    sent = {
        "channel": "call", "outcome": "promise", "next_action": "call", "next_action_on": yesterday.isoformat(), "note": "typed note",
        "amount_1": "50", "due_on_1": yesterday.isoformat(), "back": "desk",
    }  # fmt: skip
    url = f"/collections/cases/{case.public_id}/contacts/"
    assert "The promised day must be from" not in body(collector.post(url, sent)), "of the debt nothing before the person is confirmed"
    customer = case.customer
    right = {"id_last4": customer.id_number[-4:], "birth_year": str(customer.born_on.year)}
    collector.post(f"/collections/cases/{case.public_id}/check/", right)
    answer = collector.post(url, sent)
    shown = body(answer)
    assert answer.status_code == 422
    assert "The promised day must be from" in shown and "The next action cannot lie before" in shown
    assert "typed note" in shown and f'value="{yesterday.isoformat()}"' in shown and 'value="50"' in shown
    assert 'data-belongs-to="/collections/desk/"' in shown, "Back leads to the desk, not to a form that was sent"
    above = body(collector.post(url, sent | {"amount_1": "999999", "due_on_1": (yesterday + timedelta(days=4)).isoformat()}))
    assert "promise at most that" in above and "The next action cannot lie before" in above
    assert "data-belongs-to" not in body(collector.get("/collections/desk/"))


def test_the_form_says_whether_a_promise_pays_all_that_is_overdue(case: Case, floor: Floor, page_of: Any) -> None:
    collector: Client = page_of(floor.cast.collector)
    collector.post("/collections/desk/next/")
    url, soon = f"/collections/cases/{case.public_id}/cover/", localdate(now()) + timedelta(days=3)
    whole = {"amount_1": "9,999", "due_on_1": soon.isoformat()}
    assert "overdue" not in body(collector.get(url, whole)), "closed until the person is confirmed"
    customer = case.customer
    right = {"id_last4": customer.id_number[-4:], "birth_year": str(customer.born_on.year)}
    collector.post(f"/collections/cases/{case.public_id}/check/", right)
    assert "Pays the overdue amount in full" in body(collector.get(url, whole))
    assert "would stay overdue" in body(collector.get(url, whole | {"amount_1": "1.00"}))
    for odd in (
        {},
        {"amount_1": "x", "due_on_1": "y"},
        {"amount_1": "5", "due_on_1": "9999-12-31"},
        {"amount_1": "5", "due_on_1": "2026-02-31"},
    ):
        answer = collector.get(url, odd)
        assert (answer.status_code, "overdue" in body(answer)) == (200, False)
    proposed = body(collector.get("/collections/desk/"))
    figure = owed.overdue_until(case.customer_id, today=queues.today(floor.cast.collector, now()), until=soon)
    assert f'name="amount_1" value="{figure}"' in proposed or f'value="{figure:,.2f}"' in proposed
    assert page_of(floor.cast.west_collector).get(url).status_code == 404
