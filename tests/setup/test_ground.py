"""The ground the other tests stand on: roles, the seeded copy, and how a transactional test starts over."""

import fcntl
import os

import pytest
from django.core.cache import cache
from django.db import connection

from crm import servers

pytestmark = pytest.mark.django_db


def one(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_the_application_is_neither_superuser_nor_owner() -> None:
    assert one("SELECT current_user") == "crm_app"
    assert one("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user") is False
    assert one("SELECT count(*) FROM pg_tables WHERE tableowner = 'crm_app'") == 0


def test_the_application_may_use_every_table() -> None:
    refused = one(
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT'))"
    )
    assert refused == 0


def test_the_extensions_are_there() -> None:
    assert one("SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gist', 'btree_gin')") == 3


def test_the_database_is_postgresql_18() -> None:
    assert str(one("SHOW server_version")).startswith("18.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_a_transactional_test_starts_from_the_seeds(time: str) -> None:
    from governance.models import Role

    seeded = Role.objects.count()
    assert seeded
    Role.objects.create(code="left-behind", name_en="Left behind", name_zh="留下", scope="own")
    assert Role.objects.count() == seeded + 1
    assert seeded == Role.objects.exclude(code="left-behind").count()


def test_the_cache_is_valkey_and_our_own() -> None:
    cache.set("here", "yes", 30)
    assert cache.get("here") == "yes"


def test_no_open_browser_lets_asynchronous_code_at_the_orm() -> None:
    assert "DJANGO_ALLOW_ASYNC_UNSAFE" not in os.environ


def test_this_process_has_a_numbered_valkey_database_of_its_own() -> None:
    from django.conf import settings

    number = settings.REDIS_URL.rsplit("db=", 1)[1]
    assert number != "0"
    assert settings.CELERY_BROKER_URL.endswith(f"virtual_host={number}")
    with open(servers.VAR / "test" / "valkey-databases" / number) as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert cache.set("ours", number) is None
    assert cache.get("ours") == number
