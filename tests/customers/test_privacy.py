"""What is personal is opened on the record only, and shows up nowhere that it should not."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.utils.timezone import now

from customers import consents, notes, profiles, reveals
from customers.models import Customer, Note
from ledger import log
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

SECRET_NOTE = "Called the wife, Mrs Zhang, at 021-5555"


def test_a_reveal_is_recorded_without_the_value_and_without_the_reason(cast: Cast, customer: Customer) -> None:
    value = reveals.reveal(
        customer, field="mobile", purpose="service", reason="  The customer asked to be called back ", actor=cast.service_agent, at=NOON
    )
    assert value == customer.mobile
    entry = log.history(customer).first()
    note = Note.objects.get()
    assert entry is not None
    assert (entry.event, entry.actor_id) == ("customers.customer.revealed", cast.service_agent.pk)
    assert entry.facts == {"field": "mobile", "purpose": "service", "note_id": note.pk}
    assert note.text == "The customer asked to be called back"


@pytest.mark.parametrize("field", reveals.Field.values)
def test_every_masked_value_can_be_opened(cast: Cast, make_customer: Callable[..., Customer], field: str) -> None:
    customer = make_customer(email="xiaoming.wang@example.org")
    opened = reveals.reveal(customer, field=field, purpose="service", reason="asked for it", actor=cast.service_agent, at=NOON)
    assert opened == getattr(customer, field)


def test_an_absent_value_opens_as_nothing(cast: Cast, make_customer: Any) -> None:
    customer = make_customer(bank_card=None)
    assert reveals.reveal(customer, field="bank_card", purpose="service", reason="asked for it", actor=cast.service_agent, at=NOON) == ""


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"field": "income"}, {"field"}),
        ({"field": "seal_key"}, {"field"}),
        ({"purpose": "curiosity"}, {"purpose"}),
        ({"reason": " abc "}, {"reason"}),
        ({"field": "", "purpose": "", "reason": ""}, {"field", "purpose", "reason"}),
    ],
)
def test_nothing_is_opened_without_field_purpose_and_reason(
    cast: Cast, customer: Customer, changes: dict[str, str], wrong: set[str]
) -> None:
    asked = {"field": "mobile", "purpose": "service", "reason": "asked for it"} | changes
    with pytest.raises(reveals.NoReason) as refusal:
        reveals.reveal(customer, **asked, actor=cast.service_agent, at=NOON)
    assert set(refusal.value.fields) == wrong
    assert log.history(customer).count() == 1


def test_a_note_is_sealed_and_recorded_without_its_words(cast: Cast, customer: Customer) -> None:
    note = notes.add(customer, text=f"  {SECRET_NOTE}  ", actor=cast.service_agent, at=NOON)
    assert Note.objects.get().text == SECRET_NOTE
    entry = Entry.objects.get(event="customers.note.added")
    assert (entry.subject_id, entry.customer_id, entry.facts) == (note.pk, customer.pk, {})


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_a_note_says_something_and_not_too_much(cast: Cast, customer: Customer, text: str) -> None:
    with pytest.raises(notes.EmptyNote):
        notes.add(customer, text=text, actor=cast.service_agent, at=NOON)


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__}")


@pytest.fixture
def log_lines() -> Any:
    """Return every line that any logger writes, down to the finest level."""
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def everywhere(log_lines: list[str]) -> dict[str, str]:
    """Return as text what may be read without opening a seal: every table, the cache and broker, the log."""
    import redis

    places = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" AS t')
            places[f"table {table}"] = "\n".join(row[0] for row in cursor.fetchall())
    places["sessions, opened"] = "\n".join(str(session.get_decoded()) for session in Session.objects.all())
    server = redis.Redis.from_url(settings.REDIS_URL)
    found = []
    for key in server.scan_iter("*"):
        kind = server.type(key)
        if kind == b"string":
            found.append((key, server.get(key)))
        elif kind == b"list":
            found.append((key, server.lrange(key, 0, -1)))
        elif kind == b"hash":
            found.append((key, server.hgetall(key)))
    places["cache and broker"] = str(found)
    places["log"] = "\n".join(line for line in log_lines if "django.db.backends" not in line)
    return places


def test_no_personal_value_lies_anywhere_in_clear(
    cast: Cast, api_of: Callable[..., Any], page_of: Callable[..., Any], deliver: Callable[[], int], log_lines: list[str]
) -> None:
    """A customer is created, searched for, changed, revealed, noted about and shown; then every place is read."""
    person = {
        "name": "欧阳修远", "id_number": "110101199003071233", "mobile": "18612349876", "bank_card": "6222021234567894",
        "address": "成都市锦江区青年大街77号", "employer": "蓝鲸航运", "income": "8000.00",
    }  # fmt: skip
    changed = {"mobile": "18712340001", "employer": "白鲸航运"}
    cache.set("alive", 1)
    api = api_of()
    url = "/api/v1/customers/"
    created = api.post(url, person, format="json", headers={"Idempotency-Key": "p-1"})
    assert created.status_code == 201, created.content
    row = Customer.objects.get(public_id=created.json()["id"])
    assert api.post(f"{url}search/", {"text": person["mobile"]}, format="json", headers={"Idempotency-Key": "p-2"}).json()
    api.post(url, person, format="json", headers={"Idempotency-Key": "p-3"})  # refused: there is a file already
    assert api.patch(f"{url}{row.public_id}/", {"version": 1} | changed, format="json").status_code == 200
    assert api.patch(f"{url}{row.public_id}/", {"version": 1, "mobile": person["mobile"]}, format="json").status_code == 409
    assert api.post(f"{url}{row.public_id}/consents/", {"purpose": "bureau_query"}, format="json").status_code == 201
    notes.add(row, text=SECRET_NOTE, actor=cast.service_agent, at=NOON)
    reveals.reveal(row, field="mobile", purpose="service", reason=f"asked by {person['name']}", actor=cast.service_agent, at=NOON)
    browser = page_of(cast.loan_officer)
    for address in ("/customers/", f"/customers/{row.public_id}/", f"/customers/?q={person['mobile']}"):
        browser.get(address)
    deliver()

    secrets = [*(value for key, value in person.items() if key != "income"), *changed.values(), SECRET_NOTE]
    places = everywhere(log_lines)
    assert places["table ledger_entry"]
    assert row.public_id in places["table customers_customer"]
    found = [
        (place, secret)
        for place, text in places.items()
        for secret in secrets
        if secret in text or secret.encode("unicode_escape").decode() in text
    ]
    assert found == []


def test_answers_over_the_api_are_masked(api_of: Callable[..., Any], cast: Cast, make_customer: Any) -> None:
    row = make_customer(actor=cast.service)
    api = api_of()
    for answer in (
        api.get("/api/v1/customers/"), api.get(f"/api/v1/customers/{row.public_id}/"),
        api.post("/api/v1/customers/search/", {"text": row.id_number}, format="json"),
    ):  # fmt: skip
        text = answer.content.decode()
        assert row.public_id in text
        for value in (row.name, row.id_number, row.mobile, row.bank_card, row.address, row.employer, "19900307", "1990-03-07"):
            assert value not in text
        assert "35-39" in text or "40-44" in text or "age_band" in text


def test_the_errors_of_a_door_carry_no_value(cast: Cast, customer: Customer) -> None:
    with pytest.raises(profiles.AlreadyCustomer) as refusal:
        profiles.create(
            name="张三", id_number=customer.id_number, mobile=customer.mobile, branch=cast.east, actor=cast.loan_officer, at=NOON
        )
    for value in (customer.id_number, customer.mobile, "张三"):
        assert value not in str(refusal.value) + str(refusal.value.fields) + str(refusal.value.extra)


def test_consent_facts_name_the_text_not_the_person(cast: Cast, customer: Customer) -> None:
    consents.give(customer, purpose="bureau_query", actor=cast.loan_officer, at=now() - timedelta(days=1))
    facts = str(list(Entry.objects.filter(customer_id=customer.pk).values_list("facts", flat=True)))
    for value in (customer.id_number, customer.mobile, customer.name):
        assert value not in facts
