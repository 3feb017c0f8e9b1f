"""Keys rotate while the house runs on: nothing is lost, the old version retires at zero use, an older backup still opens."""

import hashlib
import hmac
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection, transaction
from django.utils.timezone import now

from customers.models import Customer, Note
from governance import file_keys, files, kek, key_ring, person_keys, rotation, sealed_places, users, vault
from governance.models import DataKey, FileKey, Job
from ledger.models import Entry
from tests.fixtures.cast import NOON
from tests.fixtures.papers import pdf

pytestmark = pytest.mark.django_db
COMMITTED = pytest.mark.django_db(transaction=True)  # with a database of its own: where two threads meet, or a rollback
FIELDS = ("name", "id_number", "mobile", "bank_card", "address", "employer")


@pytest.fixture(autouse=True)
def _own_keys(settings: Any, request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every process is this one, which knows new keys at once, and where nothing is committed reads those of the test's transaction."""
    settings.VAULT_FRESH = 0
    if not request.node.get_closest_marker("django_db").kwargs.get("transaction"):
        monkeypatch.setattr(key_ring, "_committed", connection.cursor)
    key_ring.forget()
    yield
    key_ring.forget()


@pytest.fixture
def people(make_customer: Callable[..., Customer]) -> list[Customer]:
    return [make_customer(name=f"张三{n}", mobile=f"1380000{n:04}") for n in range(7)]


def read(people: list[Customer]) -> list[tuple[str, ...]]:
    return [tuple(getattr(Customer.objects.get(pk=one.pk), field) or "" for field in FIELDS) for one in people]


def begin(*purposes: str) -> Job:
    return rotation.begin(purposes or key_ring.SEALING, actor=users.system(), at=now())


def run(job: Job, **more: Any) -> Any:
    return rotation.run(job.pk, clock=now, **more)


def raw(customer: Customer, field: str = "mobile") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {field} FROM customers_customer WHERE id = %s", [customer.pk])
        return bytes(cursor.fetchone()[0])


def put(customer: Customer, field: str, token: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE customers_customer SET {field} = %s WHERE id = %s", [token, customer.pk])


def older(value: str, aad: str) -> bytes:
    """Seal as the house did before data keys: version of the master key, nonce, ciphertext."""
    version = max(kek.masters())
    return bytes([version]) + b"n" * 12 + vault.older(version).encrypt(b"n" * 12, value.encode(), aad.encode())


def test_every_value_is_sealed_anew_and_the_old_version_retires(people: list[Customer]) -> None:
    values, prints = read(people), list(Customer.objects.order_by("pk").values_list("mobile_key", "name_key"))
    before = raw(people[0])
    assert before[:12] == person_keys.bound(key_ring.header("C2", 1), people[0].pk)
    done = run(begin(), chunk=3)
    assert (done.status, done.failed, done.done) == ("done", 0, done.total)
    assert raw(people[0])[:12] == person_keys.bound(key_ring.header("C2", 2), people[0].pk)
    assert raw(people[0]) != before
    assert read(people) == values
    assert list(Customer.objects.order_by("pk").values_list("mobile_key", "name_key")) == prints, "fingerprints keep their key"
    assert Customer.objects.filter(mobile_key=Customer._meta.get_field("mobile_key").of("13800000003")).get() == people[3]  # type: ignore[union-attr]
    counted = sealed_places.counted()
    assert not [use for use in counted if use[1] == 1], "nothing lies under an old version"
    assert set(DataKey.objects.filter(version=1).exclude(purpose="fingerprint").values_list("status", "in_use")) == {("retired", 0)}
    assert DataKey.objects.get(purpose="C2", version=2).in_use == counted[("C2", 2)] > 0
    assert Entry.objects.filter(event="governance.key.retired").count() == len(key_ring.SEALING)


def test_a_value_is_found_by_class_of_its_field(people: list[Customer]) -> None:
    classes = key_ring.classes()
    assert classes["customers.customer.mobile"] == Customer.POLICY.personal["mobile"]
    assert set(classes.values()) <= set(key_ring.SEALING)
    run(begin("C1"))
    assert raw(people[0])[:12] == person_keys.bound(key_ring.header("C2", 1), people[0].pk), "another class stays as it is"


def test_a_killed_rotation_goes_on_where_it_was(people: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    job, real, calls = begin(), rotation.reseal, 0

    def killed(place: Any, low: int, high: int, live: Any) -> Any:
        nonlocal calls
        calls += place.table == "customers_customer"
        if calls == 2:
            raise KeyboardInterrupt
        return real(place, low, high, live)

    monkeypatch.setattr(rotation, "reseal", killed)
    with pytest.raises(KeyboardInterrupt):
        run(job, chunk=3)
    monkeypatch.setattr(rotation, "reseal", real)
    assert {raw(one)[3] for one in people} == {1, 2}, "half way"
    assert run(job) is None, "the worker may still be there"
    Job.objects.filter(pk=job.pk).update(updated_at=now() - rotation.DEAD * 2)
    done = run(job)
    assert (done.status, done.done) == ("done", done.total), done.problems
    assert {raw(one)[3] for one in people} == {2}
    assert run(job) is None, "over is over"


@COMMITTED
def test_an_edit_meanwhile_is_never_lost(people: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    real = vault.seal_bytes

    def slow(value: bytes, **more: Any) -> bytes:
        if value == b"13800000002":  # read by the rotation, not yet written back
            person = Customer.objects.get(pk=people[2].pk)
            person.mobile = "13911112222"
            edit = threading.Thread(target=lambda: (person.save(), connection.close()))
            edit.start()
            edit.join(10)
        return real(value, **more)

    monkeypatch.setattr(vault, "seal_bytes", slow)
    run(begin())
    monkeypatch.undo()
    assert Customer.objects.get(pk=people[2].pk).mobile == "13911112222"
    assert [one[2] for one in read([people[1], people[3]])] == ["13800000001", "13800000003"]


@COMMITTED
def test_people_edit_while_a_rotation_runs(people: list[Customer]) -> None:
    stop = threading.Event()

    def edit() -> int:
        wrote = 0
        try:
            while not stop.is_set():
                person = Customer.objects.get(pk=people[0].pk)
                wrote += 1
                person.employer = f"employer {wrote}"
                person.save(update_fields=["employer"])
        finally:
            connection.close()
        return wrote

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(edit)
        for _turn in range(3):
            run(begin("C2"), chunk=2)
        stop.set()
        wrote = writer.result(10)
    assert Customer.objects.get(pk=people[0].pk).employer == f"employer {wrote}"


def test_what_was_sealed_before_data_keys_opens_and_moves_over(people: list[Customer]) -> None:
    field: Any = Customer._meta.get_field("mobile")
    put(people[0], "mobile", older("13777770000", field.aad(people[0])))
    assert Customer.objects.get(pk=people[0].pk).mobile == "13777770000"
    begin("C1")
    rotation.count(at=now())
    version = max(kek.masters())
    assert DataKey.objects.get(purpose="legacy", version=version).in_use == 1
    run(rotation.unfinished())  # type: ignore[arg-type]
    assert raw(people[0])[:12] == person_keys.bound(key_ring.header("C2", 1), people[0].pk)
    assert Customer.objects.get(pk=people[0].pk).mobile == "13777770000"
    assert DataKey.objects.get(purpose="legacy", version=version).status == "retired"


def test_a_value_that_cannot_be_read_is_named_and_keeps_its_key(people: list[Customer]) -> None:
    token = bytearray(raw(people[1]))
    token[-1] ^= 1
    put(people[1], "mobile", bytes(token))
    done = run(begin("C2"))
    assert (done.status, done.failed) == ("partial", 1)
    assert people[1].public_id in done.problems[0]["message"]
    assert done.problems[0]["field"] == "mobile"
    assert raw(people[1]) == bytes(token), "left as it is"
    assert Customer.objects.get(pk=people[1].pk).name == "张三1", "the row's other values moved"
    assert DataKey.objects.get(purpose="C2", version=1).status == "retiring"


def test_one_rotation_at_a_time_and_only_of_keys_that_seal(db: None) -> None:
    begin("C1")
    with pytest.raises(rotation.RotationRuns):
        begin("C2")
    with pytest.raises(Exception, match="Only keys that seal"):
        begin("fingerprint")


@COMMITTED
def test_a_key_that_is_not_committed_never_seals(db: None) -> None:
    with transaction.atomic():
        begin("C2")
        assert vault.seal("x", aad="customers.customer.mobile|1")[:4] == key_ring.header("C2", 1)
        transaction.set_rollback(True)
    assert vault.seal("x", aad="customers.customer.mobile|1")[:4] == key_ring.header("C2", 1)
    assert not DataKey.objects.filter(version=2).exists()


def test_a_slow_process_is_waited_for(people: list[Customer], settings: Any) -> None:
    """What was superseded a moment ago is not retired: another process may seal with it still."""
    settings.VAULT_FRESH = 60
    run(begin("C2"))
    old = DataKey.objects.get(purpose="C2", version=1)
    assert (old.status, old.in_use) == ("retiring", 0)
    late = AESGCM(key_ring.opened("C2", 1, old.kek, old.wrapped, old.check_value))  # that other process
    first, aad = key_ring.header("C2", 1), f"customers.customer.mobile|{people[0].seal_key}"
    put(people[0], "mobile", first + b"n" * 12 + late.encrypt(b"n" * 12, b"13600001111", first + aad.encode()))
    assert rotation.settle(clock=now) == []
    later = now() + timedelta(minutes=5)
    assert "C2 v1" in [str(one) for one in rotation.settle(clock=lambda: later)]
    assert Customer.objects.get(pk=people[0].pk).mobile == "13600001111"
    assert rotation.settle(clock=lambda: later) == [], "once"


def test_an_older_backup_opens_after_a_rotation(people: list[Customer]) -> None:
    """The drill: a copy of the table, two rotations, the old versions retired, the copy brought back."""
    values = read(people)
    columns = ", ".join(FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE backup AS SELECT id, {columns} FROM customers_customer")
        run(begin())
        run(begin())
        assert set(DataKey.objects.filter(purpose="C2", version__lt=3).values_list("status", flat=True)) == {"retired"}
        sets = ", ".join(f"{field} = backup.{field}" for field in FIELDS)
        cursor.execute(f"UPDATE customers_customer AS kept SET {sets} FROM backup WHERE backup.id = kept.id")
    key_ring.forget()  # a process that starts after the restore
    assert raw(people[0])[:12] == person_keys.bound(key_ring.header("C2", 1), people[0].pk)
    assert read(people) == values
    rotation.count(at=now())
    back = DataKey.objects.get(purpose="C2", version=1)
    assert back.status == "retiring"
    assert back.in_use == len(people) * len(FIELDS)
    run(begin("C2"))
    assert read(people) == values
    assert raw(people[0])[:12] == person_keys.bound(key_ring.header("C2", 4), people[0].pk)
    assert DataKey.objects.get(purpose="C2", version=1).status == "retired"


def test_files_move_by_their_keys_alone(storage: Any) -> None:
    from crm.lib.ports import storage as port

    stored = files.keep(pdf("x"), label="a.paper")
    what = {"storage_key": stored.storage_key, "seal_key": stored.seal_key, "sha256": stored.sha256, "label": "a.paper"}
    lies, token = port.get(stored.storage_key), bytes(FileKey.objects.get(stored_as=stored.storage_key).token)
    run(begin("file"))
    assert bytes(FileKey.objects.get(stored_as=stored.storage_key).token) != token
    assert port.get(stored.storage_key) == lies, "the file itself is not touched"
    assert files.read(**what) == pdf("x")
    file_keys.erase([stored.storage_key])
    with pytest.raises(vault.CannotOpen, match="erased"):
        files.read(**what)


def test_a_file_from_before_gets_a_key_of_its_own(storage: Any, people: list[Customer]) -> None:
    from crm.lib.ports import storage as port
    from customers import documents
    from customers.models import Document

    owner = people[0].owner
    assert owner
    kept = documents.keep(pdf("y"))
    document = documents.add(people[0], kind=Document.Kind.values[0], stored=kept, file_name="y.pdf", actor=owner, at=NOON)
    FileKey.objects.all().delete()
    aad = f"{Document.FILE_LABEL}|{document.seal_key}"
    version = max(kek.masters())
    port.put(document.storage_key, bytes([version]) + b"n" * 12 + vault.older(version).encrypt(b"n" * 12, pdf("y"), aad.encode()))
    assert documents.opened(document, actor=owner, at=NOON) == pdf("y")
    done = run(begin("file"))
    assert done.failed == 0, done.problems
    assert port.get(document.storage_key).startswith(file_keys.OWN)
    assert documents.opened(document, actor=owner, at=NOON) == pdf("y")


def test_the_wrapping_key_changes_and_no_value_is_touched(people: list[Customer], settings: Any) -> None:
    from base64 import b64encode

    values, token, own = read(people), raw(people[0]), kek.masters()
    text = ",".join(f"v{version}:{b64encode(key).decode()}" for version, key in own.items())
    version = max(own) + 1
    settings.VAULT_KEYS = f"{text},v{version}:{b64encode(b'n' * 32).decode()}"
    kek.forget()
    try:
        assert rotation.rewrap(actor=users.system(), at=now()) == len(key_ring.ALL)
        assert rotation.rewrap(actor=users.system(), at=now()) == 0
        settings.VAULT_KEYS = f"v{version}:{b64encode(b'n' * 32).decode()}"  # the old one is gone
        kek.forget()
        key_ring.forget()
        assert read(people) == values
        assert raw(people[0]) == token
        settings.VAULT_KEYS = text
        kek.forget()
        key_ring.forget()
        with pytest.raises(vault.CannotOpen, match="is wrapped by the master key version 2, which is missing"):
            Customer.objects.get(pk=people[0].pk).name  # noqa: B018
        with pytest.raises(kek.CannotUnwrap, match="missing"):
            vault.seal("x", aad="a|1")
    finally:
        settings.VAULT_KEYS = ""
        kek.forget()


def test_every_model_with_sealed_values_may_be_rotated(db: None) -> None:
    """The role of the application may change every table that holds them, and each has what its tokens are bound to."""
    with connection.cursor() as cursor:
        for place in sealed_places.places():
            cursor.execute("SELECT has_table_privilege(%s, 'UPDATE')", [place.table])
            assert cursor.fetchone()[0], place.table  # type: ignore[index]
            assert {place.bound, *(one.name for one in place.columns)} <= {one.column for one in place.model._meta.concrete_fields}
            if place.bound == "seal_key":
                assert isinstance(place.model().seal_key, uuid.UUID | None), place.table
    assert Note in {place.model for place in sealed_places.places()}


def test_an_older_installation_goes_on_with_the_fingerprints_it_has(people: list[Customer]) -> None:
    """Before data keys, fingerprints were made under HKDF of the oldest master key: its rows are found by them still."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_datakey WHERE purpose = 'fingerprint'")
    key_ring.forget()
    info = b"crm|fingerprint|customers.customer.mobile"
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(kek.masters()[min(kek.masters())])
    before = hmac.new(key, b"13800000003", hashlib.sha256).hexdigest()
    assert vault.fingerprint("13800000003", label="customers.customer.mobile") == before
    assert DataKey.objects.get(purpose="fingerprint").status == "live"


def test_a_new_installation_has_fingerprints_of_its_own(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_datakey")
    key_ring.forget()
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"crm|fingerprint|a").derive(kek.masters()[min(kek.masters())])
    assert vault.fingerprint("x", label="a") != hmac.new(key, b"X", hashlib.sha256).hexdigest()
    assert set(DataKey.objects.values_list("purpose", "version", "status")) == {(purpose, 1, "live") for purpose in key_ring.ALL}


def test_wrapped_keys_of_two_rows_do_not_change_places(people: list[Customer]) -> None:
    """Who may write the table cannot make one class open under another's key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_datakey AS kept SET wrapped = other.wrapped, check_value = other.check_value FROM governance_datakey AS other"
            " WHERE kept.purpose = 'C2' AND other.purpose = 'C1'"
        )
    key_ring.forget()
    with pytest.raises(vault.CannotOpen, match="does not open"):
        Customer.objects.get(pk=people[0].pk).name  # noqa: B018
    with pytest.raises(kek.CannotUnwrap):
        vault.seal("x", aad="customers.customer.mobile|1")


def test_a_page_of_rows_without_their_key_asks_for_it_once(people: list[Customer], django_assert_num_queries: Any) -> None:
    vault.seal("x", aad="a|1")
    with django_assert_num_queries(1):
        for _turn in range(50):
            with pytest.raises(vault.CannotOpen, match="Key version 9 for a is missing"):
                vault.unseal_bytes(key_ring.header("C2", 9) + bytes(40), aad="a|1")
