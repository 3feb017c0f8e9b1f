"""The processes of a running house: web, worker, beat and the sandbox; how each is started and known to be healthy."""

import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crm import processes, servers
from crm.processes import Identity

FIRST_WEB_PORT, FIRST_SANDBOX_PORT = 8000, 8100
HEARTBEAT_SECONDS = 60.0


@dataclass
class Child:
    """One long-running process, started again when it dies."""

    name: str
    command: list[str]
    healthy: Callable[[], bool]
    environment: Mapping[str, str]
    log: Path
    keep_open: tuple[int, ...] = ()  # descriptors it inherits: the listening socket, the servers' lock
    patience: float = 20.0  # seconds from being asked to stop to being killed
    popen: "subprocess.Popen[bytes] | None" = None
    identity: Identity | None = None
    falls: int = 0
    next_start: float = field(default=0.0)

    def start(self) -> None:
        """Start it as leader of its own session, so that a Ctrl-C reaches only us and we stop things in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                cwd=servers.ROOT,
                env=dict(self.environment) | {"CRM_PROCESS": f"crm-{self.name}"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.keep_open,
                preexec_fn=processes.die_with_parent(),  # noqa: PLW1509  this process has no threads
            )
        self.identity = Identity.of(self.popen.pid)

    def running(self) -> bool:
        """Say whether the process is there."""
        return self.popen is not None and self.popen.poll() is None

    def stop(self) -> None:
        """Stop it kindly, then not."""
        if self.identity and self.popen:
            if self.running():
                self.identity.send(signal.SIGTERM)
                processes.wait(lambda: not self.running(), self.patience)
            if self.running():
                self.popen.kill()
                self.popen.wait()
            processes.sweep_group(self.identity)

    def tend(self) -> str:
        """Start it again if it has died, waiting longer each time; return what there is to tell."""
        if self.running():
            return ""
        if not self.next_start:
            assert self.popen and self.identity
            processes.sweep_group(self.identity)
            pause = min(30.0, 0.5 * 2**self.falls)
            self.falls, self.next_start = self.falls + 1, time.monotonic() + pause
            return f"{self.name} has ended ({self.popen.returncode}); starting it again in {pause:.0f} s (log: {self.log})"
        if time.monotonic() >= self.next_start:
            self.next_start = 0.0
            self.start()
        return ""


def listen(first: int, tries: int = 200) -> socket.socket:
    """Return a socket that listens on the first free port from `first` on, of this machine only.

    :raises OSError: if none of the ports is free
    """
    for port in range(first, first + tries):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((os.environ.get("CRM_LISTEN", "127.0.0.1"), port))
            found.listen(256)
            return found
        except OSError:
            found.close()
    raise OSError(f"No port from {first} to {first + tries - 1} is free.")


def free_port(first: int) -> int:
    """Return the first free port from `first` on; for a program that binds by itself."""
    with listen(first) as found:
        return int(found.getsockname()[1])


def household(
    environment: Mapping[str, str],
    *,
    web: socket.socket,
    sandbox_port: int,
    folder: Path,
    lock: int | None,
    workers: int = 2,
    concurrency: int = 4,
) -> list[Child]:
    """Return the children of one house, in the order they are started.

    :param web: the listening socket; it outlives a web server that dies, so the address stays
    :param lock: the servers' lock, handed on so that the servers outlive the children
    :param folder: where logs, the beat schedule and heartbeats lie
    """
    port = web.getsockname()[1]
    smtp_port = free_port(sandbox_port + 1)
    heartbeat = folder / "beat.heartbeat"
    heartbeat.unlink(missing_ok=True)
    env = dict(environment) | {
        "CRM_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
        "CRM_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "CRM_RECEIPT_SECRET": environment.get("CRM_RECEIPT_SECRET") or secrets.token_urlsafe(32),
        "CRM_BUREAU_KEY": environment.get("CRM_BUREAU_KEY") or base64.b64encode(secrets.token_bytes(32)).decode(),
        "CRM_BASE_URL": environment.get("CRM_BASE_URL") or f"http://127.0.0.1:{port}",
        "CRM_BEAT_HEARTBEAT": str(heartbeat),
        "CRM_LOG_FOLDER": environment.get("CRM_LOG_FOLDER") or str(folder),
        "WEB_CONCURRENCY": environment.get("WEB_CONCURRENCY") or str(workers),
        "PYTHONUNBUFFERED": "1",
    }
    locks = (lock,) if lock is not None else ()
    celery = [sys.executable, "-m", "celery", "-A", "crm.celery"]
    schedule = str(folder / "beat.schedule")

    def child(name: str, command: list[str], healthy: Callable[[], bool], *fds: int, patience: float = 20.0) -> Child:
        return Child(name, command, healthy, env, folder / "log" / f"{name}.log", (*locks, *fds), patience)

    return [
        child(
            "sandbox",
            # Its state outlives it: a bank that forgot a key would pay a second time.
            [
                *(sys.executable, "-m", "sandbox", "--port", str(sandbox_port), "--state", str(folder / "sandbox.payouts")),
                *("--smtp-port", str(smtp_port), "--receipts", f"http://127.0.0.1:{port}/api/receipts/sms/"),
                *("--replies", f"http://127.0.0.1:{port}/api/replies/sms/"),
                *("--payments", f"http://127.0.0.1:{port}/api/receipts/payments/"),
                *("--call-events", f"http://127.0.0.1:{port}/api/receipts/calls/"),
            ],
            lambda: answers(f"http://127.0.0.1:{sandbox_port}/health"),
            patience=5.0,
        ),
        child(
            "web",
            [sys.executable, "-m", "gunicorn", "crm.wsgi", "--bind", f"fd://{web.fileno()}"],
            lambda: answers(f"http://127.0.0.1:{port}/healthz"),
            web.fileno(),
        ),
        child(
            "worker",
            [*celery, "worker", "--loglevel=INFO", f"--concurrency={concurrency}", "--without-gossip", "--without-mingle"],
            lambda: worker_answers(env),
            patience=60.0,
        ),
        child(
            "beat",
            [
                *celery,
                "beat",
                "--loglevel=WARNING",
                "--scheduler=crm.beat:Scheduler",
                f"--schedule={schedule}",
                "--pidfile=",
                "--max-interval=5",
            ],
            lambda: heartbeat.exists() and time.time() - heartbeat.stat().st_mtime < HEARTBEAT_SECONDS,
            patience=5.0,
        ),
    ]


def answers(url: str) -> bool:
    """Say whether `url` answers 200 within a few seconds."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def worker_answers(environment: Mapping[str, str]) -> bool:
    """Say whether a Celery worker answers a ping through the broker."""
    import redis
    from celery import Celery
    from kombu.exceptions import OperationalError

    app = Celery(set_as_current=False)
    # Not `broker_url`: Celery prefers the variable CELERY_BROKER_URL of this very process to it.
    app.conf.broker_read_url = app.conf.broker_write_url = environment.get("CELERY_BROKER_URL") or environment["REDIS_URL"]
    app.conf.broker_transport_options = {"global_keyprefix": environment.get("CRM_CACHE_PREFIX", "crm") + ":"}
    try:
        return bool(app.control.ping(timeout=1.0, limit=1))
    except (OSError, OperationalError, redis.RedisError):
        return False
    finally:
        app.close()


def stop_all(children: Iterable[Child]) -> None:
    """Stop beat and the worker first (it finishes what it has begun), then web and the sandbox."""
    order = {"beat": 0, "worker": 1, "web": 2, "sandbox": 3}
    queue = sorted(children, key=lambda child: order[child.name])
    for child in queue:
        if child.name in ("beat", "worker") and child.identity:
            child.identity.send(signal.SIGTERM)
    for child in queue:
        child.stop()
