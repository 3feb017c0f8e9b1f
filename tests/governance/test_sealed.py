"""Personal values lie sealed in their row and column, open on first use, and are found by fingerprint only."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Concat, Upper
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Customer, Note
from governance import vault
from governance.fields import SealedTextField
from governance.unreadable import Unreadable
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
PLACE = "customers.customer.name|4c1f"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the places that were opened since."""
    found: list[str] = []
    unseal = vault.unseal

    def spy(token: bytes, *, aad: str) -> str:
        found.append(aad.split("|", maxsplit=1)[0].rsplit(".", 1)[-1])
        return unseal(token, aad=aad)

    monkeypatch.setattr(vault, "unseal", spy)
    return found


@given(st.text(max_size=300))
def test_what_is_sealed_opens_again_and_shows_nothing(text: str) -> None:
    token = vault.seal(text, aad=PLACE)
    assert vault.unseal(token, aad=PLACE) == text
    assert len(token) == 4 + 12 + len(text.encode()) + 16
    assert len(text.encode()) < 4 or text.encode() not in token


def test_the_same_text_is_never_sealed_alike() -> None:
    assert len({vault.seal("张三", aad=PLACE) for _ in range(50)}) == 50


def test_a_token_moved_to_another_place_does_not_open() -> None:
    token = vault.seal("张三", aad=PLACE)
    for elsewhere in ("customers.customer.name|4c20", "customers.customer.employer|4c1f", ""):
        with pytest.raises(vault.CannotOpen, match="altered or moved"):
            vault.unseal(token, aad=elsewhere)


def test_any_flipped_bit_is_noticed() -> None:
    token = vault.seal("110101199003071233", aad=PLACE)
    for position in range(len(token) * 8):
        altered = bytearray(token)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(vault.CannotOpen):
            vault.unseal(bytes(altered), aad=PLACE)


def test_any_truncation_is_noticed() -> None:
    token = vault.seal("13800001234", aad=PLACE)
    for length in range(len(token)):
        with pytest.raises(vault.CannotOpen):
            vault.unseal(token[:length], aad=PLACE)


def test_fingerprints_are_keyed_by_label_and_full_length() -> None:
    mobile, card = (vault.fingerprint("13800001234", label=label) for label in ("mobile", "card"))
    assert mobile != card
    assert len(mobile) == 64


def test_fingerprints_do_not_mind_width_and_case() -> None:
    assert vault.fingerprint("１１０１０１x ", label="id") == vault.fingerprint("110101X", label="id")


# --- in a row ----------------------------------------------------------------------------------------------------
def raw(customer: Customer) -> dict[str, bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, id_number, mobile, bank_card, address, employer FROM customers_customer WHERE id = %s", [customer.pk])
        return dict(zip(("name", "id_number", "mobile", "bank_card", "address", "employer"), map(bytes, cursor.fetchone()), strict=True))


def test_the_table_holds_no_personal_value_in_clear(customer: Customer) -> None:
    for field, stored in raw(customer).items():
        assert getattr(customer, field).encode() not in stored


def test_a_row_gives_back_what_was_sealed(customer: Customer) -> None:
    fresh = Customer.objects.get(pk=customer.pk)
    for field in raw(customer):
        assert getattr(fresh, field) == getattr(customer, field)


def test_a_value_copied_into_another_column_does_not_open(customer: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET employer = name WHERE id = %s", [customer.pk])
    with pytest.raises(Unreadable, match=f"“employer” of customers.Customer {customer.public_id} cannot be read") as raised:
        Customer.objects.get(pk=customer.pk).employer  # noqa: B018  opening is the point
    assert raised.value.extra == {"model": "customers.Customer", "record": customer.public_id, "field": "employer"}


def test_a_value_copied_from_another_row_does_not_open(customer: Customer, make_customer: Callable[..., Customer]) -> None:
    other = make_customer(name="李四")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_customer SET name = (SELECT name FROM customers_customer WHERE id = %s) WHERE id = %s",
            [other.pk, customer.pk],
        )
    with pytest.raises(vault.CannotOpen):
        Customer.objects.get(pk=customer.pk).name  # noqa: B018


def test_nothing_is_opened_that_is_not_used(customer: Customer, opened: list[str]) -> None:
    row = Customer.objects.get(pk=customer.pk)
    row.income = None
    row.save(update_fields=["income"])
    assert opened == []
    assert row.mobile == customer.mobile
    assert row.mobile == customer.mobile
    assert opened == ["mobile"], "opened once"


def test_saving_a_row_leaves_what_was_not_opened_as_it_was(customer: Customer, opened: list[str]) -> None:
    before = raw(customer)
    keys = Customer.objects.values_list("name_key", "mobile_key").get(pk=customer.pk)
    Customer.objects.get(pk=customer.pk).save()
    assert raw(customer) == before
    assert opened == []
    assert Customer.objects.values_list("name_key", "mobile_key").get(pk=customer.pk) == keys


def test_a_deferred_value_is_fetched_when_it_is_used(customer: Customer, opened: list[str], django_assert_num_queries: Any) -> None:
    row = Customer.objects.defer("name", "mobile").get(pk=customer.pk)
    with django_assert_num_queries(1):
        assert row.name == customer.name
    assert opened == ["name"]


@pytest.mark.parametrize("lookup", ["name", "name__contains", "name__in", "name__gt", "mobile__startswith", "name__length"])
def test_filters_on_a_sealed_field_are_refused(db: None, lookup: str) -> None:
    with pytest.raises(TypeError, match="sealed"):
        list(Customer.objects.filter(**{lookup: ["x"] if lookup.endswith("in") else "x"}))
    with pytest.raises(TypeError, match="sealed"):
        list(Customer.objects.exclude(**{lookup: ["x"] if lookup.endswith("in") else "x"}))


@pytest.mark.parametrize(
    "ask",
    [
        lambda rows: rows.order_by("name"),
        lambda rows: rows.order_by("-mobile"),
        lambda rows: rows.filter(Q(name="x") | Q(pk=1)),
        lambda rows: rows.filter(name=F("employer")),
        lambda rows: rows.annotate(big=Upper("name")),
        lambda rows: rows.annotate(both=Concat("name", "employer")),
        lambda rows: rows.annotate(same=F("name")).filter(same="x"),
        lambda rows: rows.annotate(most=Max("name")),
        lambda rows: rows.filter(notes__text="x"),
    ],
)
def test_what_else_could_be_asked_of_a_sealed_field_is_refused(db: None, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="is sealed"):
        list(ask(Customer.objects.all()))


def test_the_refusal_says_what_to_use_instead(db: None) -> None:
    with pytest.raises(
        TypeError, match=r'customers\.Customer\.mobile is sealed: .*mobile_key=Model\._meta\.get_field\("mobile_key"\)\.of\(value\)'
    ):
        Customer.objects.filter(mobile="13800001234")
    with pytest.raises(TypeError, match=r"customers\.Customer\.address is sealed: .*declare a FingerprintField"):
        Customer.objects.filter(address="here")


def test_asking_whether_there_is_a_value_is_allowed(customer: Customer) -> None:
    known = Customer.objects.filter(employer__isnull=False, pk=customer.pk)
    assert known.exists()
    assert Note.objects.filter(customer__in=known).count() == Note.objects.filter(customer=customer).count()
    assert Customer.objects.filter(pk__in=known.values("pk")).distinct().order_by("pk").get() == customer


def test_update_is_refused_because_it_would_store_clear_text(customer: Customer) -> None:
    with pytest.raises(TypeError, match="sealed"), transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(employer="somewhere")
    row = Customer.objects.get(pk=customer.pk)
    row.employer = "somewhere"
    with pytest.raises(TypeError, match="sealed"), transaction.atomic():
        Customer.objects.bulk_update([row], ["employer"])


def test_bulk_create_seals_like_save(customer: Customer) -> None:
    notes = Note.objects.bulk_create([Note(customer=customer, author_id=customer.owner_id, text=f"note {n}", at=NOON) for n in range(3)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM customers_note WHERE id = ANY(%s)", [[note.pk for note in notes]])
        assert all(b"note" not in bytes(row[0]) for row in cursor.fetchall())
    assert {note.text for note in Note.objects.filter(pk__in=[note.pk for note in notes])} == {"note 0", "note 1", "note 2"}


def test_a_changed_value_changes_its_fingerprint(customer: Customer) -> None:
    row = Customer.objects.get(pk=customer.pk)
    was = row.mobile_key
    row.mobile = "13912345678"
    row.save()
    row.refresh_from_db()
    assert row.mobile_key != was
    assert row.mobile_key == Customer._meta.get_field("mobile_key").of("13912345678")  # type: ignore[union-attr]


def test_an_empty_value_has_no_fingerprint(make_customer: Callable[..., Customer]) -> None:
    assert make_customer(bank_card=None).bank_card_key is None
    assert make_customer(bank_card="").bank_card_key is None


def test_a_sealed_value_is_not_written_to_fixtures(customer: Customer) -> None:
    from django.core import serializers

    with pytest.raises(TypeError, match="not written to fixtures"):
        serializers.serialize("json", [customer])


def test_the_place_names_label_and_row(db: None) -> None:
    field = SealedTextField("some.label")
    field.name = field.attname = "text"
    row = Note(seal_key=uuid.UUID(int=5))
    assert field.aad(row) == f"some.label|{uuid.UUID(int=5)}"
