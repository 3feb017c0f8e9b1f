"""The customer's pages as a person meets them: masked, in their language, refused where it is not theirs."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from customers import consents, notes, profiles, reveals, timeline
from customers.models import Consent, Customer, Note, Purpose
from ledger.models import Entry
from tests.fixtures.cast import NOON
from tests.fixtures.support import identities

HTMX = {"HX-Request": "true"}
PageOf = Callable[[Any], Client]


def text(response: Any) -> str:
    return response.content.decode()


def answers(cast: Any, **changes: Any) -> dict[str, Any]:
    values = {
        "name": "李小红", "id_number": identities.id_number(901, born=date(1991, 4, 5)), "mobile": "13912345678", "income": "1.2万",
        "monthly_debt": "300", "branch": cast.east.pk, "form_key": str(uuid4()),
    }  # fmt: skip
    return values | changes


def test_the_list_shows_masked_values_only(cast: Any, customer: Customer, page_of: PageOf) -> None:
    page = text(page_of(cast.loan_officer).get("/customers/"))
    assert "王*" in page and customer.masked_mobile in page
    for secret in (customer.name, customer.id_number, customer.mobile, customer.bank_card, customer.address):
        assert secret not in page


def test_a_part_is_answered_to_htmx_and_a_page_to_everybody_else(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client = page_of(cast.loan_officer)
    whole, part = client.get("/customers/"), client.get("/customers/", headers=HTMX)
    assert "<html" in text(whole) and "<html" not in text(part)
    assert "HX-Request" in whole["Vary"] and "no-store" in whole["Cache-Control"]


def test_reading_the_list_costs_the_same_for_one_and_for_many(
    cast: Any, make_customer: Callable[..., Any], page_of: PageOf, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_customer()
    client = page_of(cast.loan_officer)
    client.get("/customers/")
    with django_assert_max_num_queries(9):
        client.get("/customers/")


@pytest.mark.parametrize("field", ["id_number", "mobile", "bank_card", "name", "public_id"])
def test_an_exact_search_opens_the_only_hit(cast: Any, customer: Customer, page_of: PageOf, field: str) -> None:
    answer = page_of(cast.loan_officer).post("/customers/find/", {"text": getattr(customer, field)})
    assert (answer.status_code, answer["Location"]) == (303, f"/customers/{customer.public_id}/")


def test_a_search_finds_nothing_of_another_branch(cast: Any, customer: Customer, page_of: PageOf) -> None:
    answer = page_of(cast.outsider).post("/customers/find/", {"text": customer.mobile})
    assert answer.status_code == 200 and customer.public_id not in text(answer)


@pytest.mark.parametrize("path", ["", "edit/", "reveal/mobile/", "masked/mobile/", "consents/bureau_query/", "timeline/?before=9"])
def test_another_branch_looks_like_nobody(cast: Any, customer: Customer, page_of: PageOf, path: str) -> None:
    client = page_of(cast.outsider)
    assert client.get(f"/customers/{customer.public_id}/{path}").status_code == 404
    assert client.get(f"/customers/C-NOSUCH/{path}").status_code == 404


def test_a_new_file_is_opened_once_however_often_the_button_is_pressed(cast: Any, page_of: PageOf) -> None:
    client, typed = page_of(cast.loan_officer), answers(cast)
    first, second = client.post("/customers/new/", typed), client.post("/customers/new/", typed)
    assert first.status_code == second.status_code == 303
    assert first["Location"] == second["Location"]
    made = Customer.objects.get()
    assert (made.income, made.monthly_debt, made.owner, made.branch) == (12000, 300, cast.loan_officer, cast.east)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Name is needed."),
        ("id_number", "110101199003074", "Enter the id number as 18 characters: 17 digits and a digit or X."),
        ("mobile", "12345", "Enter the mobile as 11 digits, such as 13800001234."),
        ("bank_card", "6222021234567890", "The card number does not pass its check digit: check for a typing error."),
        ("income", "viel", "Income a month (CNY) must be an amount such as 12,000 or 12000.50."),
        ("income", "-1", "Income a month (CNY) must be 0.00 or more."),
        ("branch", "999999", ""),
    ],
)
def test_a_wrong_value_is_named_and_what_was_typed_stays(cast: Any, page_of: PageOf, field: str, value: str, sentence: str) -> None:
    answer = page_of(cast.loan_officer).post("/customers/new/", answers(cast, **{field: value}))
    page = text(answer)
    assert answer.status_code == 422
    assert page.count(sentence) >= 2 or not sentence  # in the summary and at the field
    assert "13912345678" in page or field == "mobile"
    assert not Customer.objects.exists()


def test_a_second_file_for_the_same_person_is_refused_at_the_field(cast: Any, customer: Customer, page_of: PageOf) -> None:
    answer = page_of(cast.loan_officer).post("/customers/new/", answers(cast, id_number=customer.id_number))
    assert answer.status_code == 422 and "A customer with this id number already exists." in text(answer)


def test_a_file_is_changed_without_being_opened(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client = page_of(cast.loan_officer)
    url = f"/customers/{customer.public_id}/edit/"
    assert customer.mobile not in text(client.get(url))
    answer = client.post(url, {"version": customer.version, "mobile": "13700001111", "income": "9,000", "monthly_debt": "0"})
    assert answer.status_code == 303
    row = Customer.objects.get()
    assert (row.mobile, row.name, row.income) == ("13700001111", customer.name, 9000)


def test_a_stale_change_says_what_is_there_now_and_keeps_mine(cast: Any, customer: Customer, page_of: PageOf) -> None:
    profiles.update(customer, actor=cast.colleague, at=NOON, version=customer.version, income=Decimal("7000.00"))
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/edit/"
    typed = {"version": customer.version, "income": "9000", "monthly_debt": "500"}
    answer = client.post(url, typed)
    page = text(answer)
    assert answer.status_code == 409 and "7000" in page and 'value="9000"' in page
    assert Customer.objects.get().income == 7000
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    assert client.post(url, typed | {"version": version.group(1)}).status_code == 303
    assert Customer.objects.get().income == 9000


def test_a_value_opens_for_a_purpose_and_a_reason_on_the_record(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/reveal/mobile/"
    refused = client.post(url, {"purpose": "service", "reason": "x"}, headers=HTMX)
    assert refused.status_code == 422 and refused["HX-Retarget"] == "#dialog" and customer.mobile not in text(refused)
    opened = client.post(url, {"purpose": "service", "reason": "call back today"}, headers=HTMX)
    assert opened.status_code == 200 and customer.mobile in text(opened) and 'data-seconds="60"' in text(opened)
    entry = Entry.objects.get(event="customers.customer.revealed")
    assert entry.actor_id == cast.loan_officer.pk and customer.mobile not in str(entry.facts)
    back = client.get(f"/customers/{customer.public_id}/masked/mobile/", headers=HTMX)
    assert customer.mobile not in text(back) and customer.masked_mobile in text(back)


def test_nobody_opens_a_value_without_the_permission(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client = page_of(cast.auditor)
    assert client.get(f"/customers/{customer.public_id}/").status_code == 200
    assert "/reveal/" not in text(client.get(f"/customers/{customer.public_id}/"))
    assert client.get(f"/customers/{customer.public_id}/reveal/mobile/").status_code == 403


def test_a_consent_is_recorded_after_its_text_was_shown_and_withdrawn(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/consents/{Purpose.BUREAU}/"
    text_now = consents.text_for(Purpose.BUREAU, on=NOON.date())
    assert text_now.text_en in text(client.get(url))
    assert client.post(url, {"purpose": Purpose.BUREAU, "channel": "branch"}).status_code == 422
    assert client.post(url, {"purpose": Purpose.BUREAU, "channel": "branch", "agreed": "on"}).status_code == 303
    assert Consent.objects.get().text_version == text_now.version
    assert client.post(url + "withdraw/").status_code == 303
    assert Consent.objects.get().withdrawn_at is not None
    assert client.post(url + "withdraw/").status_code == 409


def test_a_note_is_written_once_and_shown(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client, url = page_of(cast.loan_officer), f"/customers/{customer.public_id}/notes/"
    assert client.post(url, {"text": " "}, headers=HTMX).status_code == 422
    typed = {"text": "calls back on Monday", "form_key": str(uuid4())}
    for _ in range(2):
        assert "calls back on Monday" in text(client.post(url, typed, headers=HTMX))
    assert Note.objects.count() == 1


def test_the_timeline_tells_and_counts_what_one_may_not_read(cast: Any, customer: Customer, page_of: PageOf) -> None:
    reveals.reveal(customer, field="mobile", purpose="service", reason="call back", actor=cast.loan_officer, at=NOON)
    page = text(page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/"))
    assert "File opened" in page and "Value opened: Mobile" in page


def test_the_timeline_goes_back_in_the_order_of_what_happened(cast: Any, customer: Customer) -> None:
    for n in (5, 40, 3, *range(41, 75), 4):
        notes.add(customer, text=f"note {n}", actor=cast.loan_officer, at=NOON + timedelta(minutes=n))
    first = timeline.of(customer.pk, cast.loan_officer)
    rest = timeline.of(customer.pk, cast.loan_officer, before=first.earlier)
    moments = [item["at"] for item in first.items + rest.items]
    assert len(moments) == 39 and moments == sorted(moments, reverse=True) and rest.earlier is None


def test_the_page_speaks_chinese(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client = page_of(cast.loan_officer)
    client.cookies["crm_language"] = "zh-hans"
    page = text(client.get(f"/customers/{customer.public_id}/"))
    assert '<html lang="zh-Hans"' in page and "授权同意" in page and "时间线" in page
