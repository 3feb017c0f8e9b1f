"""The ground under every test: servers of their own, a fresh copy of the seeded database, nothing left behind.

Tests connect as the application's role, as the running system does. Shared fixtures lie in `tests/fixtures/*.py`, each of
which is loaded as a plugin.
"""

import atexit
import contextlib
import fcntl
import gc
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crm import servers
from tests import databases
from tests.fixtures.support import entrance

# --- before Django is there: which servers -----------------------------------------------------------------------
_OPEN = contextlib.ExitStack()
atexit.register(_OPEN.close)


def _join_servers() -> None:
    """Join the servers of `var/test`; the workers of pytest-xdist inherit the environment of the process that did."""
    for name in (
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "REDIS_URL",
        "CELERY_BROKER_URL",
        "CRM_SECRET_KEY",
        "CRM_VAULT_FILE",
        "CRM_VAULT_KEYS",
    ):
        os.environ.pop(name, None)
    os.environ["CRM_ENV"] = "test"
    joined = _OPEN.enter_context(servers.joined("test", external=False))
    os.environ.update(joined.environment, CRM_AREA="test")
    assert joined.superuser_url
    os.environ[databases.SUPERUSER] = joined.superuser_url
    databases.drop_abandoned()


def valkey_urls(number: int) -> dict[str, str]:
    """Return the addresses of one of Valkey's numbered databases."""
    names = {"REDIS_URL": "db", "CELERY_BROKER_URL": "virtual_host"}
    return {name: re.sub(rf"{key}=\d+", f"{key}={number}", os.environ[name]) for name, key in names.items()}


def claim_valkey_database() -> int:
    """Take one of Valkey's numbered databases for this process, emptied; freed by the kernel when the process ends."""
    import redis

    folder = servers.VAR / "test" / "valkey-databases"
    folder.mkdir(exist_ok=True)
    for number in range(1, 256):
        lock = _OPEN.enter_context(open(folder / str(number), "w"))  # noqa: SIM115
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            redis.Redis.from_url(valkey_urls(number)["REDIS_URL"]).flushdb()
            return number
    raise RuntimeError("All of Valkey's databases are taken.")


if "PYTEST_XDIST_WORKER" not in os.environ:
    _join_servers()
os.environ.update(valkey_urls(claim_valkey_database()))

import django  # noqa: E402  the environment comes first

# Named for this moment only: a worker that inherited the name would have its settings read by pytest-django before the line
# above, and share the Valkey database of the process that started it.
os.environ["CRM_VAULT_FRESH"] = "86400"  # a test that counts queries must not meet the moment when keys are read anew
os.environ["DJANGO_SETTINGS_MODULE"] = "crm.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]

from django.db import connections  # noqa: E402
from django.test import Client, TransactionTestCase  # noqa: E402

# --- shared fixtures ---------------------------------------------------------------------------------------------
_FILES = sorted((Path(__file__).parent / "fixtures").glob("*.py"))
pytest_plugins = [f"tests.fixtures.{path.stem}" for path in _FILES if "@pytest.fixture" in path.read_text()]


# --- a database for each worker ----------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Give this worker its own copy of the seeded database with the cast in it, in place of pytest-django's own making of one."""
    from tests.fixtures.cast import Cast

    name, source = databases.own_name("worker"), databases.own_name("cast")
    with django_db_blocker.unblock():
        databases.copy(source)
        connections["default"].settings_dict["NAME"] = source
        connections["default"].close()
        Cast.populate()
        connections.close_all()
        databases.copy(name, source)
        connections["default"].settings_dict["NAME"] = name
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        databases.drop(name)
        databases.drop(source)


def _start_over(self: TransactionTestCase) -> None:
    """Replace this worker's database by a fresh copy, in place of Django's flush: insert-only tables refuse TRUNCATE."""
    connections.close_all()
    databases.copy(connections["default"].settings_dict["NAME"], databases.own_name("cast"))


TransactionTestCase._fixture_teardown = _start_over  # type: ignore[method-assign]


Client._login = entrance.sign_in  # type: ignore[attr-defined]  # what `force_login` calls


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget cached pages, sessions and counted sign-ins after each test that may have made some."""
    yield
    if {"db", "transactional_db", "client"} & set(request.fixturenames):
        from django.core.cache import cache

        cache.clear()
    if request.node.get_closest_marker("django_db"):
        from collection import windows
        from governance import person_keys

        person_keys.forget()  # the next test's database counts persons from the same number
        windows.forget()


# --- which tests run, and where ----------------------------------------------------------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", dest="all_kinds", help="run the slow kinds too")


def pytest_configure(config: pytest.Config) -> None:
    """Let properties try the same cases in every run, so that a change is what turns it red; `--all` looks for new ones."""
    from hypothesis import HealthCheck, settings

    # how fast a busy machine draws its first case says nothing of the code
    settings.register_profile("same", derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("default" if config.getoption("all_kinds") else "same")
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        # While the workers read the tests, the process that only waits for them has the database made that both will ask for.
        threading.Thread(target=databases.template, daemon=True).start()


@pytest.fixture(scope="session")
def all_kinds(request: pytest.FixtureRequest) -> bool:
    """Say whether `--all` asks for every combination; without it tests of combinations take a share of them, the same in each run."""
    return bool(request.config.getoption("all_kinds"))


# Places whose tests need the same processes, or read all sources: one worker runs each group, so that one house serves all journeys.
GROUPS = {
    "tests/test_architecture.py": "sources",
    "tests/journeys/": "house",
    "tests/setup/test_house.py": "house",
    "tests/setup/": "servers",
}


def group_of(nodeid: str) -> str:
    """Return the group a test belongs to; most are a group of their own."""
    return next((group for place, group in GROUPS.items() if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread tests by `GROUPS`, in place of `--dist loadgroup`: pytest 9 computes a node's id and pytest-xdist 3.8 cannot add to it."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow kinds out unless asked for or named; see that whoever needs the house is in its group."""
    named = any("::" in argument for argument in config.args)
    left_out = []
    for item in items:
        if item.get_closest_marker("slow") and not (config.getoption("all_kinds") or named or "slow" in (config.option.markexpr or "")):
            left_out.append(item)
        if "live_house" in getattr(item, "fixturenames", ()) and group_of(item.nodeid) != "house":
            raise pytest.UsageError(f"{item.nodeid} needs `live_house`: put it under tests/journeys/, where one worker runs it.")
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays to the end: Django, the models and thousands of tests, a second each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many combinations the generated tests tried."""
    for report in terminalreporter.stats.get("passed", []):
        for name, number in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.rsplit('::', 1)[-1]}: {number} combinations of {name}")
