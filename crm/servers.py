"""The embedded PostgreSQL and Valkey: who uses them, where they lie, and how a program joins them.

Servers of one area (`main`, `check`, `test`) belong to a *keeper* process (`crm/keeper.py`) in its own session, which starts
them, starts them again when they die and stops them after their last user. Users hold a shared `flock` on one file: the
kernel frees it even on `kill -9`, so nobody has to be trusted to say good-bye. Of two keepers one gets the exclusive
`flock` and the other leaves. If the keeper itself is killed, the next user starts another one, which adopts the servers.

Where `DATABASE_URL` and `REDIS_URL` are set, those servers are used and nothing here is started.
"""

import contextlib
import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from crm import places, processes

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("CRM_VAR", ROOT / "var")).resolve()  # data, logs and secrets of this clone
START_SECONDS = 90.0


class ServersFailed(Exception):
    """The servers cannot be had; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Joined:
    """What a user of the servers has: the environment for Django, and the lock that keeps the servers up.

    `lock` may be handed to child processes (`pass_fds`): the servers then stay until the last of them is gone.
    It is None where the servers are not ours.
    """

    area: str
    folder: Path
    environment: dict[str, str]
    lock: int | None
    superuser_url: str | None = None


@contextlib.contextmanager
def joined(area: str = "main", *, var: Path | None = None, external: bool = True) -> Iterator[Joined]:
    """Use the servers of `area`, starting them if nobody has; they stop after their last user.

    :param var: the folder of all areas, `var/` of this clone unless told otherwise
    :param external: False to use the embedded servers even where the environment names others (tests)
    :raises ServersFailed: if they cannot be started; the message says why
    """
    folder = (var or VAR) / area
    own_urls = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if external and own_urls:
        if len(own_urls) == 1:
            raise ServersFailed(f"{own_urls[0]} is set and the other one is not: set DATABASE_URL and REDIS_URL, or neither.")
        places.make_folder(folder)
        yield Joined(area, folder, environment(folder, {}), None)
        return
    try:
        places.settle(folder)
    except places.NoPlace as problem:
        raise ServersFailed(str(problem)) from problem
    with open(folder / "cluster" / "users.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits while a keeper stops the servers
        state = _started(folder)
        urls = {name: state[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_READ_URL", "REDIS_URL", "CELERY_BROKER_URL")}
        yield Joined(area, folder, environment(folder, urls), lock.fileno(), state["SUPERUSER_URL"])


def environment(folder: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that `crm.settings` reads; what the person has set is left alone."""
    found = dict(urls)
    if os.environ.get("CRM_ENV", "local") != "production":  # production names its own secrets or does not start
        found["CRM_ENV"] = os.environ.get("CRM_ENV", "local")
        if "CRM_MEDIA_ROOT" not in os.environ:
            found["CRM_MEDIA_ROOT"] = str(folder / "media")
        if "CRM_SECRET_KEY" not in os.environ:
            found["CRM_SECRET_KEY"] = _kept(folder / "secret.key", lambda: secrets.token_urlsafe(50))
        if not {"CRM_VAULT_KEYS", "CRM_VAULT_FILE"} & os.environ.keys():
            _kept(folder / "vault.key", lambda: "v1:" + b64encode(secrets.token_bytes(32)).decode())
            found["CRM_VAULT_FILE"] = str(folder / "vault.key")
    if "DATABASE_URL" in os.environ and not urls:
        found["DATABASE_OWNER_URL"] = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    return found


def _kept(path: Path, make: Any) -> str:
    """Return the secret in `path`, made on first use; of two makers the first one wins."""
    if not path.exists():
        new = path.with_name(f".{path.name}.{os.getpid()}")
        processes.write(new, make() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


def in_use(lock_file: Path) -> bool:
    """Say whether somebody holds a lock on `lock_file`."""
    try:
        with open(lock_file, "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def ready_state(folder: Path) -> dict[str, Any] | None:
    """Return what the living keeper wrote when its servers answered; None if there is none yet."""
    try:
        state = json.loads((folder / "cluster" / "state.json").read_text())
        keeper = processes.Identity(**state["keeper"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if keeper.alive() else None


def answers(state: Mapping[str, Any]) -> bool:
    """Say whether both servers of `state` answer now."""
    import psycopg2
    import redis

    try:
        psycopg2.connect(state["DATABASE_URL"], connect_timeout=3).close()
        client = redis.Redis.from_url(state["REDIS_URL"], socket_timeout=3)
        client.ping()
        client.close()
    except (psycopg2.OperationalError, redis.RedisError, OSError):
        return False
    return True


def start_keeper(folder: Path) -> "subprocess.Popen[bytes]":
    """Start a keeper for `folder` in its own session; if there is one already, the new one leaves at once."""
    log: IO[bytes]
    path = folder / "cluster" / "keeper.log"
    with open(path, "ab" if not path.exists() or path.stat().st_size < 1_000_000 else "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "crm.keeper", str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _started(folder: Path) -> dict[str, Any]:
    until = time.monotonic() + START_SECONDS
    keeper, tries = None, 0
    while time.monotonic() < until:
        state = ready_state(folder)
        if state and answers(state):
            return state
        if not in_use(folder / "cluster" / "keeper.lock") and (keeper is None or keeper.poll() is not None):
            if tries == 2:
                break
            keeper, tries = start_keeper(folder), tries + 1
        time.sleep(0.03)
    log = (folder / "cluster" / "keeper.log").read_text(errors="replace").splitlines()
    raise ServersFailed(f"The database servers in {folder} did not start. The end of cluster/keeper.log:\n" + "\n".join(log[-12:]))


def wait_until_stopped(folder: Path, seconds: float = 60.0) -> bool:
    """Wait until the servers have stopped, or it is clear that somebody else uses them; True if they stopped."""
    cluster = folder / "cluster"
    until, shared = time.monotonic() + seconds, 0
    while in_use(cluster / "keeper.lock"):
        if shared == 3 or time.monotonic() > until:
            return False
        if processes.wait(lambda: not in_use(cluster / "keeper.lock"), 1.0):
            return True
        shared = shared + 1 if _shared(cluster / "users.lock") else 0
    return True


def _shared(lock_file: Path) -> bool:
    """Say whether users hold the lock; the keeper, which takes it for itself now and then, is none."""
    if not in_use(lock_file):
        return False
    with open(lock_file, "a") as lock, contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False


def destroy(folder: Path) -> None:
    """Remove the data of an area that nobody uses, logs and secrets included.

    :raises ServersFailed: if somebody uses it
    """
    if (folder / "cluster").exists() and not wait_until_stopped(folder):
        raise ServersFailed(f"The servers in {folder} are in use.")
    places.remove(folder)
