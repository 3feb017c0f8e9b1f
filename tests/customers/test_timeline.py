"""The timeline: everything in one order, narrowed by kind, paged without gaps or repeats, at the same cost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from customers import activities, notes, profiles, reveals, timeline
from customers.models import Customer
from tests.fixtures.cast import NOON


def texts(customer: Customer, user: Any, **narrowed: Any) -> list[str]:
    return [str(item["text"]) for item in timeline.of(customer.pk, user, **narrowed).items]


def test_every_event_with_a_sentence_has_a_kind_to_filter_by() -> None:
    lost = [event for event in timeline.SENTENCES if timeline.kind_of(event) == timeline.OTHER]
    assert lost == [], "give its prefix to a kind, or name the kind beside its sentence"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("customers.customer.changed", "file"),
        ("credit.application.submitted", "applications"),
        ("credit.application.declined", "decisions"),
        ("credit.repayment.received", "payments"),
        ("collections.contact.logged", "contacts"),
        ("customers.message.sent", "messages"),
        ("customers.activity.done", "activities"),
    ],
)
def test_the_longest_prefix_says_the_kind(event: str, kind: str) -> None:
    assert timeline.kind_of(event) == kind


def test_changes_of_one_sitting_are_one_item(cast: Any, customer: Customer) -> None:
    row = customer
    for minute, changes in ((1, {"employer": "甲公司"}), (2, {"address": "乙路1号"}), (3, {"mobile": "13911112222"})):
        row = profiles.update(row, version=row.version, actor=cast.loan_officer, at=NOON + timedelta(minutes=minute), **changes)
    profiles.update(row, version=row.version, employer="丙公司", actor=cast.colleague, at=NOON + timedelta(minutes=4))
    items = timeline.of(customer.pk, cast.loan_officer).items
    assert [item["text"] for item in items] == [
        "File changed: Employer", "File changed 3 times: Employer, Address, Mobile", "File opened",
    ]  # fmt: skip
    assert [part["text"] for part in items[1]["parts"]] == ["File changed: Mobile", "File changed: Address", "File changed: Employer"]


def test_what_lies_apart_in_time_stays_apart(cast: Any, customer: Customer) -> None:
    for hours in (1, 3):
        reveals.reveal(
            customer, field="mobile", purpose="service", reason="客户来电核实", actor=cast.loan_officer, at=NOON + timedelta(hours=hours)
        )
    assert texts(customer, cast.loan_officer).count("Value opened: Mobile") == 2


def test_notes_and_activities_show_what_was_written(cast: Any, customer: Customer) -> None:
    notes.add(customer, text="客户改在10日发工资", actor=cast.loan_officer, at=NOON)
    row = activities.plan(customer, kind="call", text="问工资", due_at=NOON + timedelta(days=1), actor=cast.loan_officer, at=NOON)
    activities.finish(row, result="已确认", actor=cast.loan_officer, at=NOON + timedelta(hours=1))
    shown = {str(item["text"]): item["body"] for item in timeline.of(customer.pk, cast.loan_officer).items}
    assert shown["Note written"] == "客户改在10日发工资"
    assert shown["Planned: Call, due 2026-03-03"] == "问工资"
    assert shown["Done: Call"] == "已确认"


def test_one_kind_shows_only_its_own(cast: Any, customer: Customer, page_of: Any) -> None:
    notes.add(customer, text="甲", actor=cast.loan_officer, at=NOON)
    assert texts(customer, cast.loan_officer, chosen="notes") == ["Note written"]
    assert texts(customer, cast.loan_officer, chosen="file") == ["File opened"]
    assert texts(customer, cast.loan_officer, chosen="no such kind") == texts(customer, cast.loan_officer)
    url = f"/customers/{customer.public_id}/timeline/?kind=notes"
    page = page_of(cast.loan_officer).get(url).content.decode()
    assert "<html" in page and "File opened" not in page and "甲" in page
    assert "<html" not in page_of(cast.loan_officer).get(url, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize("chosen", ["", "activities"])
def test_paging_shows_each_once_in_order(cast: Any, customer: Customer, chosen: str) -> None:
    for number in range(75):  # three at each moment: time alone does not tell them apart
        at = NOON + timedelta(minutes=number // 3)
        activities.note_down(customer, kind="call", text=str(number), actor=cast.loan_officer, at=at)
    bodies: list[str] = []
    before, pages = None, 0
    while True:
        page = timeline.of(customer.pk, cast.loan_officer, before=before, chosen=chosen)
        bodies += [item["body"] for item in page.items if item["body"]]
        pages += 1
        if page.earlier is None:
            break
        before = page.earlier
    assert bodies == [str(number) for number in reversed(range(75))] and pages == 3


def test_a_cursor_of_another_customer_leads_nowhere(cast: Any, customer: Customer, make_customer: Callable[..., Any]) -> None:
    other = make_customer()
    mark = timeline.log.of_customer(other.pk).get().pk
    assert timeline.of(customer.pk, cast.loan_officer, before=mark).items == []


def test_a_page_costs_the_same_for_few_and_for_many(cast: Any, customer: Customer, django_assert_num_queries: Any) -> None:
    def some(n: int) -> None:
        for _ in range(n):
            notes.add(customer, text="甲", actor=cast.colleague, at=NOON)
            activities.note_down(customer, kind="visit", text="乙", actor=cast.loan_officer, at=NOON)

    some(1)
    with django_assert_num_queries(5) as first:
        timeline.of(customer.pk, cast.loan_officer)
    some(12)
    with django_assert_num_queries(len(first)):
        timeline.of(customer.pk, cast.loan_officer)
