"""What each role of the database may do: the table of docs/operations.md, held against the server."""

from collections.abc import Iterator

import psycopg2
import pytest
from django.db import connection

from ledger import log
from tests import databases
from tests.fixtures.cast import NOON, Cast

SECRET = ("django_session", "governance_apiclient", "customers_onetimecode", "oauth2_provider_accesstoken")


@pytest.fixture
def server(db: None) -> Iterator[psycopg2.extensions.cursor]:
    """A superuser's cursor in the database of the test, which takes on the roles; everything is rolled back."""
    name = connection.settings_dict["NAME"]
    with databases.superuser(name) as cursor:
        cursor.execute("BEGIN")
        yield cursor
        cursor.execute("ROLLBACK")


def refused(cursor: psycopg2.extensions.cursor, role: str, statement: str) -> bool:
    cursor.execute("SAVEPOINT before")
    cursor.execute(f"SET LOCAL ROLE {role}")
    try:
        cursor.execute(statement)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    finally:
        cursor.execute("ROLLBACK TO before")
    return False


ENTRY = (
    "INSERT INTO ledger_entry (event, subject_type, subject_id, actor_id, at, request_id, facts) VALUES ('x', 'x', 1, 1, now(), '', '{}')"
)
TABLE = [
    # role, statement, allowed
    ("crm_read", "SELECT count(*) FROM customers_customer", True),
    ("crm_read", "SELECT name, role_id FROM governance_user", True),
    ("crm_read", "SELECT password FROM governance_user", False),
    *(("crm_read", f"SELECT * FROM {table}", False) for table in SECRET),
    ("crm_read", "UPDATE customers_customer SET version = 2", False),
    ("crm_read", ENTRY, False),
    ("crm_ledger", "SELECT count(*) FROM ledger_entry", True),
    ("crm_ledger", ENTRY, True),
    ("crm_ledger", "UPDATE ledger_entry SET facts = '{}'", False),
    ("crm_ledger", "DELETE FROM ledger_entry", False),
    ("crm_ledger", "SELECT count(*) FROM customers_customer", False),
    ("crm_app", ENTRY, True),
    ("crm_app", "CREATE TABLE mine (id int)", False),
    ("crm_app", "DROP TABLE ledger_entry", False),
    ("crm_app", "ALTER TABLE ledger_entry DISABLE TRIGGER ALL", False),
]


@pytest.mark.parametrize(("role", "statement", "allowed"), TABLE)
def test_what_a_role_of_the_database_may(server: psycopg2.extensions.cursor, role: str, statement: str, allowed: bool) -> None:
    assert refused(server, role, statement) is not allowed


def test_the_application_appends_through_the_role_of_the_ledger_alone(cast: Cast) -> None:
    def holds(role: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) > 0 FROM information_schema.role_table_grants"
                " WHERE table_name = 'ledger_entry' AND privilege_type = 'INSERT' AND grantee = %s",
                [role],
            )
            return bool(cursor.fetchone()[0])

    assert (holds("crm_ledger"), holds("crm_app")) == (True, False)
    assert log.record("test.appended", cast.east, actor=cast.system, at=NOON)


def test_the_reading_role_begins_read_only(server: psycopg2.extensions.cursor) -> None:
    server.execute("SELECT setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE rolname = 'crm_read'")
    assert server.fetchone() == (["default_transaction_read_only=on"],)
