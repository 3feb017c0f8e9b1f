"""What is sealed for a person opens with their own secret only; destroyed, nothing of them opens, wherever a copy lies."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Customer, Note
from governance import key_ring, person_keys, persons, rotation, sealed_places, unreadable, users, vault
from governance.fields import SealedTextField
from governance.models import PersonKey
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
AAD = "customers.customer.name|4c1f"

# Sealed columns of models that say of nobody whose they are: staff's own words, files of many people, and what is erased where it lies.
OUTSIDE = {
    "credit.BankFile": "many people's",
    "credit.ImportBatch": "many people's",
    "credit.Receipt": "erased where it lies, once it is known whose it is",
    "customers.Handover": "staff's",
    "governance.BreakGlass": "staff's",
    "governance.ChangeRequest": "staff's",
    "governance.Delegation": "staff's",
    "governance.Export": "staff's",
    "governance.Offboarding": "staff's",
    "governance.ReviewedGrant": "staff's",
    "governance.StaffSession": "staff's",
    "risk.ListEntry": "of a value nobody may be a customer by: it is known by a fingerprint",
}


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_key_of_a_person_is_hkdf_of_rfc_5869(data_key: bytes, secret: bytes) -> None:
    header = key_ring.header("C2", 3)
    known = HKDF(algorithm=SHA256(), length=32, salt=secret, info=person_keys.INFO + header).derive(data_key)
    assert person_keys.derived(data_key, secret, header) == known


def test_each_persons_values_have_a_key_of_their_own(make_customer: Callable[..., Customer]) -> None:
    one, two = make_customer(name="王小明"), make_customer(name="李小红")
    token = vault.seal("王小明", aad=AAD, person=one.pk)
    assert person_keys.person_of(token) == one.pk
    assert vault.unseal(token, aad=AAD) == "王小明"
    moved = token[:4] + two.pk.to_bytes(8, "big") + token[12:]
    with pytest.raises(vault.CannotOpen, match="altered or moved"):
        vault.unseal(moved, aad=AAD)


def test_every_sealed_value_belongs_to_a_person_or_says_why_not() -> None:
    from django.apps import apps

    found = {
        model._meta.label
        for model in apps.get_models()
        if any(isinstance(one, SealedTextField) for one in model._meta.concrete_fields) and not persons.path(model)
    }
    assert found == set(OUTSIDE)


def test_a_list_reads_the_secrets_of_all_its_persons_at_once(
    make_customer: Callable[..., Customer], django_assert_num_queries: Any
) -> None:
    for number in range(6):
        make_customer(name=f"张三{number}")
    key_ring.read()
    for wanted in (2, 6):
        person_keys.forget()
        with django_assert_num_queries(2):
            names = [one.name for one in Customer.objects.order_by("pk")[:wanted]]
        assert len(set(names)) == wanted


def test_rows_reached_by_a_join_cost_no_more(make_customer: Callable[..., Customer], django_assert_num_queries: Any) -> None:
    for number in range(4):
        customer = make_customer(name=f"张三{number}")
        Note.objects.create(customer=customer, author_id=customer.owner_id, text=f"words {number}", at=NOON)
    person_keys.forget()
    with django_assert_num_queries(2):
        assert len({(one.text, one.customer.name) for one in Note.objects.select_related("customer")}) == 4


def test_many_are_made_with_two_statements_more(make_customer: Callable[..., Customer], django_assert_num_queries: Any) -> None:
    pattern = make_customer()
    people = [
        Customer(
            legal_entity_id=pattern.legal_entity_id, branch_id=pattern.branch_id, owner_id=pattern.owner_id, name=f"张三{n}",
            id_number=f"{n:018}", mobile=f"139{n:08}", created_at=NOON, updated_at=NOON,
        )
        for n in range(20)
    ]  # fmt: skip
    with django_assert_num_queries(3):  # the numbers, the secrets, the rows
        Customer.objects.bulk_create(people)
    person_keys.forget()
    assert {one.name for one in Customer.objects.filter(pk__in=[one.pk for one in people])} == {f"张三{n}" for n in range(20)}


def test_nothing_is_sealed_under_a_secret_that_was_rolled_back(make_customer: Callable[..., Customer]) -> None:
    customer = make_customer(name="张三")
    PersonKey.objects.all().delete()
    person_keys.forget()
    with transaction.atomic():
        Note.objects.create(customer=customer, author_id=customer.owner_id, text="lost", at=NOON)
        assert PersonKey.objects.filter(pk=customer.pk).exists()
        transaction.set_rollback(True)
    assert not PersonKey.objects.filter(pk=customer.pk).exists()
    note = Note.objects.create(customer=customer, author_id=customer.owner_id, text="kept", at=NOON)
    assert PersonKey.objects.filter(pk=customer.pk).exists()
    person_keys.forget()
    assert Note.objects.get(pk=note.pk).text == "kept"


def test_values_from_before_open_and_are_sealed_for_their_person_by_a_rotation(
    make_customer: Callable[..., Customer], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAULT_FRESH = 0
    monkeypatch.setattr(key_ring, "_committed", connection.cursor)
    customer = make_customer(name="欧阳小明")
    older = vault.seal("欧阳小明", aad=f"customers.customer.name|{customer.seal_key}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET name = %s WHERE id = %s", [older, customer.pk])
    person_keys.forget()
    assert Customer.objects.get(pk=customer.pk).name == "欧阳小明"
    job = rotation.begin(["C2"], actor=users.system(), at=NOON)
    rotation.run(job.pk, clock=lambda: NOON)
    key_ring.forget()
    token = bytes(Customer.objects.get(pk=customer.pk).__dict__["name"])
    assert token[:12] == person_keys.bound(key_ring.header("C2", 2), customer.pk)
    assert Customer.objects.get(pk=customer.pk).name == "欧阳小明"
    place = next(one for one in sealed_places.places() if one.model is Customer)
    condition, parameters = sealed_places.outdated(place, {"C2": key_ring.header("C2", 2)})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM customers_customer AS kept WHERE {condition}", parameters)
        assert cursor.fetchone() == (0,)
    key_ring.forget()


def test_a_destroyed_secret_ends_every_copy(make_customer: Callable[..., Customer]) -> None:
    customer, other = make_customer(name="欧阳小明"), make_customer(name="李小红")
    copy = bytes(Customer.objects.get(pk=customer.pk).__dict__["name"])  # as a backup or the write-ahead log holds it
    person_keys.destroy(customer.pk, at=NOON)
    with pytest.raises(vault.Erased):
        vault.unseal(copy, aad=f"customers.customer.name|{customer.seal_key}")
    with unreadable.shown():
        assert Customer.objects.get(pk=customer.pk).masked_name == "erased"
    with pytest.raises(person_keys.PersonErased), transaction.atomic():
        Note.objects.create(customer=customer, author_id=customer.owner_id, text="new", at=NOON)
    assert Customer.objects.get(pk=other.pk).name == "李小红"
