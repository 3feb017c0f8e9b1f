"""What cannot be read: the page lives, the record is named, people are told once a day, nothing is written over what may yet be read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from crm.lib.errors import Invalid
from customers.models import Customer
from governance import exports, tasks, unreadable
from governance.models import Notice
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast
from tests.governance.test_exports import ask, table

pytestmark = pytest.mark.django_db


def spoil(customer: Customer, field: str, *, how: str = "bit") -> None:
    """Flip a bit of a sealed value, cut it, name a key that is not there, or put another column's value in its place."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {field}, employer FROM customers_customer WHERE id = %s", [customer.pk])
        token, other = (bytes(one) for one in cursor.fetchone())  # type: ignore[union-attr]
        new = {
            "bit": token[:-1] + bytes([token[-1] ^ 1]),
            "cut": token[:9],
            "key": token[:2] + b"\xff\xff" + token[4:],
            "older key": b"\xfe" + token[1:],
            "moved": other,
            "empty": b"",
        }[how]
        cursor.execute(f"UPDATE customers_customer SET {field} = %s WHERE id = %s", [new, customer.pk])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what a worker was asked to tell; it does so at once."""
    asked: list[dict[str, Any]] = []

    def now_and_here(**what: Any) -> None:
        asked.append(what)
        tasks.tell_unreadable(**what)

    monkeypatch.setattr(tasks.tell_unreadable, "delay", now_and_here)
    return asked


@pytest.mark.parametrize("how", ["bit", "cut", "key", "older key", "moved", "empty"])
def test_the_list_and_the_page_live_and_say_it_in_place(
    cast: Cast, page_of: Callable[..., Client], make_customer: Callable[..., Customer], told: list[Any], how: str
) -> None:
    whole, broken = make_customer(name="李四"), make_customer(name="王小明")
    spoil(broken, "name", how=how)
    client = page_of(cast.loan_officer)
    page = client.get("/customers/")
    assert page.status_code == 200
    assert "cannot be read" in page.content.decode()
    assert whole.masked_name in page.content.decode(), "the other rows are as ever"
    page = client.get(f"/customers/{broken.public_id}/")
    assert page.status_code == 200
    assert "cannot be read" in page.content.decode()
    assert [one["field"] for one in told] == ["name"], "once a record and day"


@pytest.mark.parametrize("field", ["name", "id_number", "mobile", "bank_card", "address", "employer", "email"])
def test_each_field_of_a_file_may_be_broken(
    cast: Cast, page_of: Callable[..., Client], make_customer: Callable[..., Customer], told: list[Any], field: str
) -> None:
    broken = make_customer(email="wang@example.com")
    spoil(broken, field)
    client = page_of(cast.loan_officer)
    for url in ("/customers/", f"/customers/{broken.public_id}/"):
        assert client.get(url).status_code == 200, url


def test_the_api_answers_with_a_marker(
    cast: Cast, api_of: Callable[..., Any], make_customer: Callable[..., Customer], told: list[Any]
) -> None:
    whole, broken = make_customer(), make_customer()
    for field in ("name", "id_number", "mobile"):
        spoil(broken, field)
    client = api_of(user=cast.loan_officer)
    listed = client.get("/api/v1/customers/")
    assert listed.status_code == 200
    rows = {row.get("id"): row for row in json.loads(listed.content)["results"]}
    assert unreadable.FOR_PROGRAMS in rows[broken.public_id].values()
    assert unreadable.FOR_PROGRAMS not in rows[whole.public_id].values()
    assert client.get(f"/api/v1/customers/{broken.public_id}/").status_code == 200
    assert len(told) == 1


def test_search_and_exports_live_too(
    cast: Cast, page_of: Callable[..., Client], make_customer: Callable[..., Customer], told: list[Any]
) -> None:
    broken = make_customer()
    spoil(broken, "name")
    found = page_of(cast.loan_officer).post("/search/", {"text": broken.public_id})
    assert found.status_code == 200
    assert "cannot be read" in found.content.decode()
    export = ask(cast)
    exports.write(export.pk, at=NOON)
    _export, content = exports.fetch(export.public_id, actor=cast.auditor, at=NOON)
    assert any(broken.public_id in row[0] and "cannot be read" in row[0] for row in table(content))


def test_people_who_may_view_the_keys_are_told_and_it_is_recorded(cast: Cast, customer: Customer, told: list[Any]) -> None:
    spoil(customer, "mobile")
    for _turn in range(3):
        with pytest.raises(unreadable.Unreadable):
            Customer.objects.get(pk=customer.pk).mobile  # noqa: B018
    entry = Entry.objects.get(event="governance.value.unreadable")
    assert (entry.subject_id, entry.facts) == (customer.pk, {"field": "mobile"})
    notices = Notice.objects.filter(code="keys.unreadable")
    assert {notice.user.role.code for notice in notices if notice.user.role} <= {"compliance", "auditor", "admin"}
    assert notices.count() == len({notice.user_id for notice in notices}) > 0


def test_many_at_once_are_not_a_flood(cast: Cast, customer: Customer, told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreadable, "MOST", 3)
    field = Customer._meta.get_field("mobile")
    for pk in range(1, 9):
        unreadable.tell_later(Customer(pk=pk), field)
    assert len(told) == 3


def test_a_form_that_is_sent_is_refused_and_named(cast: Cast, customer: Customer, told: list[Any]) -> None:
    """Outside of reading nothing stands in for a value: a message is not sent to a marker."""
    spoil(customer, "mobile")
    with pytest.raises(unreadable.Unreadable, match=f"“mobile” of customers.Customer {customer.public_id} cannot be read"):
        Customer.objects.get(pk=customer.pk).masked_mobile  # noqa: B018


def test_a_save_leaves_what_cannot_be_read_as_it_is(customer: Customer, told: list[Any]) -> None:
    spoil(customer, "mobile")
    with connection.cursor() as cursor:
        cursor.execute("SELECT mobile, mobile_key FROM customers_customer WHERE id = %s", [customer.pk])
        before = cursor.fetchone()
        with unreadable.shown():
            row = Customer.objects.get(pk=customer.pk)
            assert row.mobile == row.masked_mobile == "cannot be read"
            row.save()
        cursor.execute("SELECT mobile, mobile_key FROM customers_customer WHERE id = %s", [customer.pk])
        after = cursor.fetchone()
    assert before and after
    assert (bytes(before[0]), before[1]) == (bytes(after[0]), after[1])


@pytest.mark.parametrize("marker", ["cannot be read", unreadable.FOR_PROGRAMS])
def test_a_marker_that_comes_back_is_not_sealed(customer: Customer, marker: str) -> None:
    customer.address = marker
    with pytest.raises(Invalid):
        customer.save()
