"""The embedded servers on data of their own: started once, shared, started again, adopted, stopped after the last user."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from crm import keeper, places, processes, servers
from crm.processes import Identity

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """Give a `var/` of its own; pytest's folders are closed to others, so as root this is also the case of a closed clone."""
    yield tmp_path / "clone" / "var"
    for folder in (tmp_path / "clone" / "var").glob("*"):
        state = servers.ready_state(folder)
        if state:
            processes.end(Identity(**state["keeper"]), patience=30)
        places.remove(folder)


def state_of(var: Path) -> dict[str, Any]:
    state = servers.ready_state(var / "test")
    assert state
    return state


def server(var: Path, name: str) -> Identity:
    return Identity(**state_of(var)["servers"][name])


def answer(joined: servers.Joined, query: str = "SELECT 1") -> Any:
    connection = psycopg2.connect(joined.environment["DATABASE_URL"], connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def written(joined: servers.Joined) -> None:
    connection = psycopg2.connect(joined.environment["DATABASE_OWNER_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')")
    connection.close()


def until_answers(joined: servers.Joined) -> None:
    state = {**joined.environment}
    assert processes.wait(lambda: servers.answers(state), 40), "the servers did not come back"


def test_they_are_shared_and_stop_after_the_last_user(var: Path) -> None:
    with servers.joined("test", var=var, external=False) as first:
        written(first)
        postgres = server(var, "postgres")
        with servers.joined("test", var=var, external=False) as second:
            assert answer(second, "SELECT word FROM kept") == ("still here",)
            assert server(var, "postgres") == postgres
        time.sleep(keeper.LINGER + 1)
        assert answer(first) == (1,)
    assert servers.wait_until_stopped(var / "test", 30)
    assert not postgres.alive()
    with servers.joined("test", var=var, external=False) as again:
        assert answer(again, "SELECT word FROM kept") == ("still here",)


def test_no_port_is_open_and_no_file_readable_by_others(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    for name in ("CRM_SECRET_KEY", "CRM_VAULT_KEYS", "CRM_VAULT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with servers.joined("test", var=var, external=False) as joined:
        for name in ("postgres", "valkey"):
            process = psutil.Process(server(var, name).pid)
            assert not [connection for connection in process.net_connections("inet") if connection.status == psutil.CONN_LISTEN]
            assert process.uids().real != 0
            assert os.getsid(process.pid) == process.pid, "a Ctrl-C at the terminal must not reach it"
        cluster = (joined.folder / "cluster").resolve()
        for path in (cluster / "passwords.json", cluster / "state.json", joined.folder / "secret.key", joined.folder / "vault.key"):
            assert path.stat().st_mode & 0o077 == 0, path
        assert (cluster / "sockets").stat().st_mode & 0o077 == 0
        passwords = json.loads((cluster / "passwords.json").read_text()).values()
        seen = " ".join(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
        assert not [password for password in passwords if password in seen], "a password is in a command line"


def test_a_wrong_password_is_refused(var: Path) -> None:
    with servers.joined("test", var=var, external=False) as joined:
        url = joined.environment["DATABASE_URL"]
        user, rest = url.split("@", 1)
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(user.rsplit(":", 1)[0] + ":guess@" + rest)


def test_kill_9_of_each_server_and_of_the_keeper(var: Path) -> None:
    with servers.joined("test", var=var, external=False) as joined:
        written(joined)
        for name in ("postgres", "valkey"):
            before = server(var, name)
            before.send(signal.SIGKILL)
            assert processes.wait(lambda before=before: not before.alive(), 5)
            until_answers(joined)
            assert processes.wait(lambda before=before, name=name: server(var, name) != before, 5)
        assert answer(joined, "SELECT word FROM kept") == ("still here",)

        postgres = server(var, "postgres")
        first_keeper = Identity(**state_of(var)["keeper"])
        first_keeper.send(signal.SIGKILL)
        assert processes.wait(lambda: not first_keeper.alive(), 5)
        assert answer(joined) == (1,), "the servers live on without their keeper"
        with servers.joined("test", var=var, external=False) as newcomer:
            assert answer(newcomer, "SELECT word FROM kept") == ("still here",)
            assert server(var, "postgres") == postgres, "the new keeper adopts what runs"
    assert servers.wait_until_stopped(var / "test", 30)
    assert not postgres.alive()


def test_kill_9_of_everything_and_a_lock_file_of_a_stranger(var: Path) -> None:
    with servers.joined("test", var=var, external=False) as joined:
        written(joined)
        everything = [Identity(**state_of(var)["keeper"]), server(var, "postgres"), server(var, "valkey")]
        for identity in everything:
            identity.send(signal.SIGKILL)
        assert processes.wait(lambda: not any(identity.alive() for identity in everything), 5)
    lock = (var / "test" / "cluster").resolve() / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")  # the id was given to somebody else meanwhile
        with servers.joined("test", var=var, external=False) as again:
            assert answer(again, "SELECT word FROM kept") == ("still here",)
        assert stranger.poll() is None, "a stranger's process must not be touched"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_user_that_is_killed_keeps_nothing_up(var: Path) -> None:
    code = f"import time; from pathlib import Path; from crm import servers\nwith servers.joined('test', var=Path({str(var)!r}), external=False): time.sleep(60)"
    user = subprocess.Popen([sys.executable, "-c", code], cwd=servers.ROOT)
    try:
        assert processes.wait(lambda: (var / "test").exists() and servers.ready_state(var / "test") is not None, 40)
        identity = Identity(**state_of(var)["keeper"])
        time.sleep(0.5)
    finally:
        user.kill()
        user.wait()
    assert processes.wait(lambda: not identity.alive(), 20)


@pytest.mark.parametrize("name", ["a-very-long-folder-name-" * 4, "a folder of 用户"])
def test_a_path_that_does_not_serve_for_a_socket(var: Path, name: str) -> None:
    long = var / name
    with servers.joined("test", var=long, external=False) as joined:
        assert answer(joined) == (1,)
    assert servers.wait_until_stopped(long / "test", 30)
    places.remove(long / "test")


def test_servers_named_in_the_environment_are_used_and_none_started(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app@db/crm")
    monkeypatch.setenv("REDIS_URL", "redis://broker/0")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    with servers.joined("main", var=var) as joined:
        assert joined.environment["DATABASE_OWNER_URL"] == "postgres://app@db/crm"
        assert joined.lock is None
        assert not (var / "main" / "cluster").exists()


def test_an_area_is_removed_wherever_it_lies(var: Path) -> None:
    with servers.joined("test", var=var, external=False) as joined:
        place = (joined.folder / "cluster").resolve()
    servers.destroy(var / "test")
    assert not place.exists()
    assert not (var / "test").exists()


def test_throwaway_data_of_a_deleted_clone_are_forgotten_and_no_others(tmp_path: Path) -> None:
    kept = {"gone-main": tmp_path / "gone" / "main", "here-test": tmp_path}
    for name, folder in {**kept, "gone-test": tmp_path / "gone" / "test"}.items():
        (tmp_path / "outside" / name).mkdir(parents=True)
        (tmp_path / "outside" / name / "clone").write_text(f"{folder}\n")
    places.forget_deleted_clones(tmp_path / "outside")
    assert {path.name for path in (tmp_path / "outside").iterdir()} == kept.keys()


def test_this_worker_has_a_valkey_database_of_its_own() -> None:
    """Two workers on one database would empty each other's sessions in the middle of a test."""
    from django.conf import settings

    assert os.environ["REDIS_URL"] == settings.REDIS_URL == settings.CACHES["default"]["LOCATION"]


@pytest.mark.parametrize(
    ("gigabytes", "buffers", "cached"),
    [(1, "256MB", "512MB"), (6, "512MB", "3072MB"), (24, "2048MB", "12288MB"), (256, "2048MB", "131072MB")],
)
def test_the_database_takes_its_share_of_the_machine(gigabytes: int, buffers: str, cached: str) -> None:
    assert keeper.room(gigabytes * 2**30) == {"shared_buffers": buffers, "effective_cache_size": cached}
