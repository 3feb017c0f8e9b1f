"""Entries cannot be changed: not through the ORM, not by SQL, not by the application's role, and not by the owner."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger import log
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

APP_ROLE = "crm_app"


@contextmanager
def as_application() -> Iterator[None]:
    """Run SQL with the rights that web and workers have, whoever runs the tests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone()[0] == APP_ROLE:
            yield
            return
        cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def entry(cast: Cast) -> Entry:
    return Entry.objects.get(pk=log.record("test.happened", cast.east, actor=cast.system, at=NOON, amount=1))


CHANGES = [
    "UPDATE ledger_entry SET facts = '{}' WHERE id = %s",
    "UPDATE ledger_entry SET at = now(), position = 7 WHERE id = %s",
    "DELETE FROM ledger_entry WHERE id = %s",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_an_entry_is_not_changed_by_anybody(entry: Entry, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [entry.pk])
    assert Entry.objects.get(pk=entry.pk).facts == {"amount": 1}


@pytest.mark.parametrize("statement", [*CHANGES, "UPDATE ledger_entry SET position = 7 WHERE id = %s"])
def test_the_application_lacks_even_the_right(entry: Entry, statement: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), as_application(), connection.cursor() as cursor:
        cursor.execute(statement, [entry.pk])


def test_the_table_is_not_emptied(entry: Entry) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_entry CASCADE")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), as_application(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_entry CASCADE")
    assert Entry.objects.filter(pk=entry.pk).exists()


def test_the_orm_is_refused_like_anybody(entry: Entry) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Entry.objects.filter(pk=entry.pk).update(event="test.other")
    with pytest.raises(DatabaseError), transaction.atomic():
        entry.delete()
    entry.event = "test.other"
    with pytest.raises(DatabaseError), transaction.atomic():
        entry.save()


def test_the_sealer_gives_a_position_once_and_changes_nothing_else(entry: Entry) -> None:
    """The trigger's rule, tried on a table of its own, because the application may not update entries at all."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE sealed_once (LIKE ledger_entry INCLUDING ALL) ON COMMIT DROP")
        cursor.execute(
            "CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON sealed_once FOR EACH ROW EXECUTE FUNCTION refuse_change_but_position()"
        )
        cursor.execute("INSERT INTO sealed_once SELECT * FROM ledger_entry WHERE id = %s", [entry.pk])
        cursor.execute("UPDATE sealed_once SET position = 1")
        cursor.execute("SELECT position FROM sealed_once")
        assert cursor.fetchone() == (1,)
        for change in ("position = 2", "position = NULL", "position = position", "event = 'other'"):
            with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
                cursor.execute(f"UPDATE sealed_once SET {change}")


def test_the_real_table_wears_that_trigger(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = 'ledger_entry'::regclass AND NOT t.tgisinternal AND t.tgenabled = 'O' ORDER BY 1"
        )
        assert cursor.fetchall() == [
            ("ledger_entry_insert_only", "refuse_change_but_position"),
            ("ledger_entry_no_truncate", "refuse_change"),
        ]


def test_two_entries_never_share_a_position(entry: Entry) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.bulk_create(
            [Entry(event="test.sealed", subject_type="test.thing", subject_id=n, at=NOON, request_id="", position=7) for n in range(2)]
        )


def guarded_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = tgrelid::regclass::text || '_insert_only' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_every_insert_only_table_is_guarded_twice(db: None) -> None:
    """By a trigger, and by the right to change it being gone; money and decisions are among them."""
    tables = guarded_tables()
    assert {"ledger_entry", "risk_decision", "credit_transaction", "credit_posting"} <= set(tables)
    open_still = []
    with connection.cursor() as cursor:
        for table in tables:
            for right in ("UPDATE", "DELETE", "TRUNCATE"):
                cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [APP_ROLE, table, right])
                if cursor.fetchone()[0]:
                    open_still.append((table, right))
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'", [table])
            if cursor.fetchone()[0] < 2:
                open_still.append((table, "trigger"))
    assert open_still == []


def test_the_application_is_nobody_special(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (APP_ROLE, False, False, False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND pg_get_userbyid(relowner) = current_user")
        assert cursor.fetchone() == (0,), "it owns no table, so it can drop no trigger"


@pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"])
def test_nothing_waits_for_ever(db: None, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone()[0] not in ("0", "")
