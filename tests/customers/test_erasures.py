"""Erasing a person: two persons, never against a duty, and no copy of anything sealed for them opens again."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.timezone import now

from crm.lib.ports.storage import NotKept
from customers import activities, consents, documents, erasures, index, notes
from customers.models import Activity, Customer, Document, Note, Purpose, SearchKeys
from governance import changes, person_keys, unreadable, users, vault
from governance.models import ChangeRequest, PersonKey
from ledger.models import Entry
from tests.fixtures.papers import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(make_customer: Callable[..., Customer]) -> Customer:
    return make_customer(name="欧阳小明", mobile="13812345678", income=Decimal("9000.00"))


def erased(person: Customer, cast: Any) -> ChangeRequest:
    made = erasures.propose(person, reason="asked for it", actor=cast.compliance, at=now())
    return changes.confirm(made, actor=cast.admin, at=now())


def test_it_takes_two_and_one_entry_says_so(person: Customer, cast: Any, storage: Path) -> None:
    made = erasures.propose(person, reason="asked for it", actor=cast.compliance, at=now())
    assert Customer.objects.get(pk=person.pk).erased_at is None
    with pytest.raises(changes.OwnChange):
        changes.confirm(made, actor=cast.compliance, at=now())
    changes.confirm(made, actor=cast.admin, at=now())
    assert Customer.objects.get(pk=person.pk).erased_at is not None
    entry = Entry.objects.get(event=erasures.EVENT)
    assert entry.customer_id == person.pk
    assert "欧阳" not in str(entry.facts)
    with pytest.raises(erasures.AlreadyErased):
        erasures.propose(person, reason="again", actor=cast.compliance, at=now())


def test_nothing_of_the_person_is_left(
    person: Customer, cast: Any, storage: Path, django_capture_on_commit_callbacks: Any, client: Any
) -> None:
    notes.add(person, text="his sister called", actor=cast.loan_officer, at=now())
    document = documents.add(
        person, kind=Document.Kind.OTHER, stored=documents.keep(pdf("x")), file_name="x.pdf", actor=cast.loan_officer, at=now()
    )
    copies = Customer.objects.get(pk=person.pk).__dict__
    tokens = {name: bytes(copies[name]) for name in ("name", "id_number", "mobile")}
    assert index.find(cast.compliance, "13812345678", 5) == [person]
    with django_capture_on_commit_callbacks(execute=True):
        erased(person, cast)
    for name, token in tokens.items():  # as a backup without the persons' keys holds them
        with pytest.raises(vault.Erased):
            vault.unseal(token, aad=f"customers.customer.{name}|{person.seal_key}")
    row = Customer.objects.get(pk=person.pk)
    assert (row.name_key, row.mobile_key, row.id_number_key, row.born_key, row.income) == (None, None, None, None, None)
    assert not SearchKeys.objects.filter(customer=person).exists()
    for text in ("13812345678", "欧阳小明", "5678"):
        assert index.find(cast.compliance, text, 5) == []
    assert bytes(Note.objects.get().__dict__["text"]) == person_keys.ERASED
    with pytest.raises(NotKept):
        documents.opened(Document.objects.get(pk=document.pk), actor=cast.loan_officer, at=now())
    assert not [path for path in storage.rglob("*") if path.is_file() and not path.is_relative_to(storage / "erased")]
    client.force_login(cast.compliance)
    for url in (reverse("customer", args=[person.public_id]), reverse("customer-list")):
        page = client.get(url)
        assert page.status_code == 200
        assert "erased" in page.content.decode()
        assert "欧*" not in page.content.decode()
    assert index.unfiled().count() == 0


def test_a_program_reads_that_it_is_erased(person: Customer, cast: Any, storage: Path) -> None:
    erased(person, cast)
    with unreadable.shown(to_programs=True):
        assert Customer.objects.get(pk=person.pk).masked_mobile == "[erased]"


def test_open_business_and_the_years_of_the_law_keep_a_person(
    person: Customer, cast: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = now().date()
    for name, said, words in (
        ("DUTIES", lambda customer, day: ["1 loan is open."], "1 loan is open"),
        ("ENDED", lambda customer: on - timedelta(days=400), "10 years"),
    ):
        registry = getattr(erasures, name)
        with monkeypatch.context() as patch:
            patch.setattr(registry, "values", lambda said=said: [said])
            with pytest.raises(erasures.MustBeKept, match=words):
                erasures.propose(person, reason="asked", actor=cast.compliance, at=now())
            client.force_login(cast.compliance)
            assert "may not be erased yet" in client.get(reverse("customer-erase", args=[person.public_id])).content.decode()
    assert erasures.duties(person, on=on) == []


def test_a_restored_backup_is_erased_anew(person: Customer, cast: Any, storage: Path, django_capture_on_commit_callbacks: Any) -> None:
    """The drill: backup, erasure, restore of rows and keys of before, and what the command does then."""
    tables = {"customers_customer": person.pk, "governance_personkey": person.pk}
    with connection.cursor() as cursor:
        for table, pk in tables.items():
            cursor.execute(f"CREATE TEMPORARY TABLE backup_{table} AS SELECT * FROM {table} WHERE id = %s", [pk])
        with django_capture_on_commit_callbacks(execute=True):
            erased(person, cast)
        for table in tables:
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'",
                [table],
            )
            columns = cursor.fetchone()[0]  # type: ignore[index]
            cursor.execute(f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM backup_{table}) WHERE id = %s", [person.pk])
    person_keys.forget()
    assert Customer.objects.get(pk=person.pk).name == "欧阳小明", "the backup brought the person back"
    assert erasures.marked(at=now()) == {person.seal_key}
    with django_capture_on_commit_callbacks(execute=True):
        assert erasures.reapply(actor=users.system(), at=now()) == (1, 0)
    assert PersonKey.objects.get(pk=person.pk).token is None
    row = Customer.objects.get(pk=person.pk)
    assert bytes(row.__dict__["name"]) == person_keys.ERASED
    assert row.mobile_key is None
    assert erasures.reapply(actor=users.system(), at=now()) == (0, 0)


def test_only_who_may_proposes(person: Customer, cast: Any, client: Any) -> None:
    url = reverse("customer-erase", args=[person.public_id])
    client.force_login(cast.loan_officer)
    assert client.get(url).status_code == 403
    client.force_login(cast.compliance)
    assert client.get(url).status_code == 200
    page = client.post(url, {"reason": "asked for it", "form_key": "k" * 32})
    assert page.status_code == 303, page.content
    assert ChangeRequest.objects.filter(kind=erasures.KIND).count() == 1


def test_what_would_go_on_ends_and_nothing_new_begins(person: Customer, cast: Any, storage: Path, page_of: Any) -> None:
    officer = cast.loan_officer
    task = activities.plan(person, kind="call", text="call again", due_at=now() + timedelta(days=3), actor=officer, at=now())
    given = consents.give(person, purpose=Purpose.CONTACT, actor=officer, at=now())
    notes.add(person, text="his sister called", actor=officer, at=now())
    shown = page_of(officer).get(f"/customers/{person.public_id}/").text
    assert "Save note" in shown and f"/customers/{person.public_id}/edit/" in shown and "/reveal/" in shown
    erased(person, cast)
    given.refresh_from_db()
    assert Activity.objects.get(pk=task.pk).status == "cancelled" and given.withdrawn_at is not None
    assert Entry.objects.get(event=erasures.EVENT).facts["given_up"] == 2
    row = Customer.objects.get(pk=person.pk)
    with pytest.raises(person_keys.PersonErased):
        consents.give(row, purpose=Purpose.CONTACT, actor=officer, at=now())
    with pytest.raises(person_keys.PersonErased):
        notes.add(row, text="again", actor=officer, at=now())
    shown = page_of(officer).get(f"/customers/{person.public_id}/").text
    assert "Erased person" in shown and "What was known of this person is gone for good." in shown
    for door in ("Save note", f"/customers/{person.public_id}/edit/", "/reveal/", f"/customers/{person.public_id}/consents/marketing/"):
        assert door not in shown, door
    for panel in ("activities", "relations", "documents"):
        part = page_of(officer).get(f"/customers/{person.public_id}/{panel}/", headers={"HX-Request": "true"})
        assert part.status_code != 200 or ("/add/" not in part.text and "/plan/" not in part.text)
