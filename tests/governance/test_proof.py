"""The proof of encryption: what it looks for, where it looks, and that it would find a leak in each of these places."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.ports import storage as files
from customers import documents
from customers.models import Customer
from governance import proof
from governance.models import Job
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.papers import pdf

ID = "11010519491231002X"


def places(found: proof.Found) -> set[str]:
    return {hit.place for hit in found.hits}


# --- needles -------------------------------------------------------------------------------------------------------
@given(before=st.binary(max_size=300), after=st.binary(max_size=300), value=st.text(min_size=proof.SHORTEST, max_size=60))
def test_a_needle_is_found_wherever_it_lies(before: bytes, after: bytes, value: str) -> None:
    value = value.strip()
    if len(value) < proof.SHORTEST or value.encode("utf-8", "ignore").decode() != value:
        return
    edge = b"|" if value.encode().isdigit() else b""  # digits count alone
    wanted = proof.Needles([("label", value)])
    assert value.encode() in wanted.within(before + edge + value.encode() + edge + after)
    assert json.dumps(value)[1:-1].encode() in wanted.within(before + edge + json.dumps(value)[1:-1].encode() + edge + after)


@pytest.mark.parametrize("at", [0, 1, proof.PIECE - 20, proof.PIECE - 3, proof.PIECE, 2 * proof.PIECE - 18])
def test_a_needle_on_the_edge_of_a_piece_is_found(at: int) -> None:
    data = b"." * at + ID.encode() + b"." * 10
    assert proof.Needles([("id", ID)]).within(data.ljust(2 * proof.PIECE, b".")) == [ID.encode()]


def test_digits_inside_a_longer_number_are_another_number() -> None:
    wanted = proof.Needles([("mobile", "17638000000")])
    assert wanted.within(b"1763800000012") == wanted.within(b"0017638000000") == []
    assert wanted.within(b"tel:17638000000,") == wanted.within(b"17638000000") == [b"17638000000"]


def test_short_values_are_not_looked_for() -> None:
    assert proof.Needles([("name", "张伟"), ("name", "     ")]).count == 0


# --- the whole house -----------------------------------------------------------------------------------------------
@pytest.fixture
def wanted(customer: Customer) -> proof.Needles:
    """What is known of one customer, whose papers are all sealed."""
    assert len(customer.mobile) == 11
    return proof.needles()


def search(wanted: proof.Needles, **more: Any) -> proof.Found:
    return proof.search(wanted, **more)


def test_nothing_of_a_customer_lies_in_clear(wanted: proof.Needles, customer: Customer) -> None:
    cache.set("something", 1)
    found = search(wanted)
    assert (found.hits, found.values >= 3) == ([], True)
    assert {"database", "valkey"} <= set(found.searched)
    assert [line.split(":")[0] for line in found.not_searched] == ["write-ahead log"]


def leak_into_a_column(customer: Customer, folder: Path) -> None:
    Job.objects.create(kind="k", title=f"for {customer.mobile}", created_at=NOON, updated_at=NOON)


def leak_as_bytes(customer: Customer, folder: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET address = %s WHERE id = %s", [customer.id_number.encode(), customer.pk])


def leak_as_a_number(customer: Customer, folder: Path) -> None:
    Customer.objects.filter(pk=customer.pk).update(income=Decimal(customer.mobile))


def leak_into_json(customer: Customer, folder: Path) -> None:
    Job.objects.create(kind="k", title="t", result={"a": [customer.id_number]}, created_at=NOON, updated_at=NOON)


def leak_into_a_session(customer: Customer, folder: Path) -> None:
    session = SessionStore()
    session["draft"] = {"id": customer.id_number}
    session.save()


def leak_into_the_cache(customer: Customer, folder: Path) -> None:
    cache.set("last", {"mobile": customer.mobile})


def leak_into_a_queue(customer: Customer, folder: Path) -> None:
    import redis

    body = base64.b64encode(json.dumps([[], {"mobile": customer.mobile}, {}]).encode()).decode()
    redis.Redis.from_url(settings.REDIS_URL).lpush("celery", json.dumps({"body": body, "content-type": "application/json"}))


def leak_into_a_log(customer: Customer, folder: Path) -> None:
    (folder / "log").mkdir()
    (folder / "log" / "web.log").write_text(f'{{"event": "saved", "mobile": "{customer.mobile}"}}\n')


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        (leak_into_a_column, "database:governance_job"),
        (leak_as_bytes, "database:customers_customer"),
        (leak_as_a_number, "database:customers_customer"),
        (leak_into_json, "database:governance_job"),
        (leak_into_a_session, "sessions:"),
        (leak_into_the_cache, "valkey:"),
        (leak_into_a_queue, "valkey:"),
        (leak_into_a_log, "logs:web.log"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_leak_is_found(
    wanted: proof.Needles, customer: Customer, tmp_path: Path, leak: Callable[[Customer, Path], None], place: str
) -> None:
    leak(customer, tmp_path)
    found = search(wanted, folders=[tmp_path])
    assert place in places(found)
    assert {hit.label for hit in found.hits} <= {"customers.customer.mobile", "customers.customer.id_number"}


def test_a_file_that_is_not_sealed_is_a_hit(cast: Cast, customer: Customer, storage: Path) -> None:
    kept = documents.keep(pdf("x"))
    document = documents.add(customer, kind="id_card", stored=kept, file_name="x", actor=cast.service, at=NOON)
    assert search(proof.needles()).hits == []
    files.put(document.storage_key, pdf("x"))
    assert places(search(proof.needles())) == {f"files:{document.storage_key}"}
    files.delete(document.storage_key)
    lost = search(proof.needles())
    assert lost.hits == [] and any(document.storage_key in line for line in lost.not_searched)
