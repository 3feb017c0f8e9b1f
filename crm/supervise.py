"""What ./run does once its packages are there: servers, database, demo, then web, worker, beat and sandbox until told to stop.

`--check` does the same on fresh data of its own, drives the main job through it once, and stops.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import IO

import psycopg2

from crm import children, places, processes, servers, stamps
from crm.children import Child
from crm.processes import Identity

HEALTHY_WITHIN = 120.0


class Failed(Exception):
    """The house does not stand; the message is for the person at the terminal."""


class Stop(BaseException):
    """Somebody asked us to stop; passes every handler on its way up."""


def main(arguments: list[str]) -> int:
    """Run the house, or its check, and return the exit code."""
    parser = argparse.ArgumentParser(prog="./run", description="Start the whole house on this machine.")
    parser.add_argument("--check", action="store_true", help="prove the main job on fresh data of its own, then stop")
    parser.add_argument("--port", type=int, default=children.FIRST_WEB_PORT, help="first port to try (8000)")
    parser.add_argument("--no-demo", action="store_true", help="leave the database empty of customers")
    options = parser.parse_args(arguments)
    area = "check" if options.check else "main"
    folder = servers.VAR / area
    places.make_folder(folder.parent)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _asked_to_stop)
    try:
        with open(folder.parent / f"{area}.lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _tell_who_runs(folder, check=options.check)
            return Run(area, folder, options).run()
    except (Failed, servers.ServersFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    except Stop:
        return 130


def _asked_to_stop(number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL if each == signal.SIGINT else signal.SIG_IGN)  # a second Ctrl-C is taken at its word
    raise Stop


def _tell_who_runs(folder: Path, *, check: bool) -> int:
    if check:
        print("A check is running in this clone already.", file=sys.stderr)
        return 1
    try:
        known = json.loads((folder / "run.json").read_text())
        url = known["url"] if Identity(**known["supervisor"]).alive() else None
    except (OSError, ValueError, KeyError, TypeError):
        url = None
    print(f"The house of this clone runs already: {url}" if url else "Another ./run of this clone is starting; it will print its address.")
    return 0


class Run:
    """One run of the house, from the first server to the last child."""

    def __init__(self, area: str, folder: Path, options: argparse.Namespace):
        self.area, self.folder, self.options = area, folder, options
        self.children: list[Child] = []

    def run(self) -> int:
        """Bring everything up, stay, bring everything down."""
        began = time.monotonic()
        self._end_leftovers()
        if self.options.check:
            servers.destroy(self.folder)
        try:
            with servers.joined(self.area) as joined:
                self.environment = dict(os.environ) | joined.environment | {"CRM_AREA": self.area}
                self.environment.setdefault("CRM_STATIC_ROOT", str(servers.VAR / "static"))
                self.superuser_url = joined.superuser_url or ""
                if self.area != "main":
                    self.environment["CRM_COOKIE_PREFIX"] = f"crm_{self.area}"
                self._prepare(joined)
                with children.listen(self.options.port) as web, self._house(joined, web) as url:
                    say(f"healthy after {time.monotonic() - began:.0f} s")
                    code = self._check(url) if self.options.check else self._stay(url)
        except Stop:
            code = 130 if self.options.check else 0
        if (self.folder / "cluster").exists():
            servers.wait_until_stopped(self.folder)
        say("stopped")
        return code

    def _end_leftovers(self) -> None:
        """End what a killed supervisor left; usually the kernel has done it."""
        for name, identity in processes.load(self.folder / "children.json").items():
            if identity.alive():
                say(f"ending {name} of a run that was cut off")
                processes.end(identity, patience=15.0)

    def _prepare(self, joined: servers.Joined) -> None:
        """Bring database, words and static files up to this code."""
        code = stamps.digest(stamps.files(servers.ROOT, stamps.is_code))
        if not joined.superuser_url or _comment(joined.environment["DATABASE_OWNER_URL"]) != code:
            self._manage("bringing the database up to date", "migrate", "--skip-checks", "--verbosity=0", owner=True)
            self._manage("", "seed")
            if joined.superuser_url:
                _comment(joined.environment["DATABASE_OWNER_URL"], code)
        loaded = self.folder / "demo.done"
        if not self.options.no_demo and not loaded.exists() and os.environ.get("CRM_ENV") != "production":
            small = ["--small"] if self.options.check else []
            self._manage("loading the demonstration", "load_demo", *small, show=True)
            loaded.touch()  # one transaction: a load that was cut off has left nothing, and this line was not reached
        words = list((servers.ROOT / "locale").rglob("*.po"))
        catalogues, compiled = stamps.digest(words), all(path.with_suffix(".mo").exists() for path in words)
        var = servers.VAR
        with open(var / "prepare.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if words and not (compiled and stamps.done(var / "messages.stamp", catalogues)):
                self._manage("", "messages", "--compile")
                stamps.mark(var / "messages.stamp", catalogues)
            built = stamps.files(servers.ROOT / "static_built", Path.is_file)
            static = stamps.digest([*built, servers.ROOT / "requirements.txt"])
            target = Path(self.environment["CRM_STATIC_ROOT"])
            if not target.exists() or not stamps.done(var / "static.stamp", static):
                self._manage("collecting static files", "collectstatic", "--noinput", "--clear", "--verbosity=0")
                stamps.mark(var / "static.stamp", static)

    def _manage(self, what: str, *command: str, owner: bool = False, show: bool = False) -> None:
        if what:
            say(what)
        env = self.environment | ({"CRM_DB_ROLE": "owner"} if owner else {})
        args = [sys.executable, "manage.py", *command]
        done = subprocess.Popen(
            args,
            cwd=servers.ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=None if show else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=processes.die_with_parent(),  # noqa: PLW1509  this process has no threads
        )
        output, _ = done.communicate()
        if done.returncode:
            raise Failed(f"{(output or b'').decode(errors='replace')[-4000:]}\nmanage.py {' '.join(command)} failed.")

    @contextlib.contextmanager
    def _house(self, joined: servers.Joined, web: socket.socket) -> Iterator[str]:
        url = f"http://127.0.0.1:{web.getsockname()[1]}"
        sandbox = children.free_port(children.FIRST_SANDBOX_PORT)
        self.children = children.household(self.environment, web=web, sandbox_port=sandbox, folder=self.folder, lock=joined.lock)
        try:
            for child in self.children:
                child.start()
            self._remember(url)
            self._wait_until_healthy()
            yield url
        finally:
            say("stopping")
            children.stop_all(self.children)
            for name in ("run.json", "children.json"):
                (self.folder / name).unlink(missing_ok=True)

    def _remember(self, url: str) -> None:
        processes.save(self.folder / "children.json", {child.name: child.identity for child in self.children if child.identity})
        supervisor = asdict(Identity.of(os.getpid()))
        processes.write(self.folder / "run.json", json.dumps({"url": url, "supervisor": supervisor}), mode=0o644)

    def _wait_until_healthy(self) -> None:
        waiting = list(self.children)
        until = time.monotonic() + HEALTHY_WITHIN
        while waiting:
            waiting = [child for child in waiting if not child.healthy()]
            dead = next((child for child in waiting if not child.running()), None)
            if dead or time.monotonic() > until:
                child = dead or waiting[0]
                raise Failed(f"{_tail(child.log)}\n{child.name} {'ended' if dead else 'does not answer'} (log: {child.log}).")
            time.sleep(0.1)

    def _check(self, url: str) -> int:
        known = {"CRM_SANDBOX_URL": self.children[0].environment["CRM_SANDBOX_URL"], "CRM_SUPERUSER_URL": self.superuser_url}
        environment = self.environment | known | {"CRM_LOG_FOLDER": str(self.folder)}
        # The path first: what it wrote is then searched too.
        commands = [["check_path", "--url", url], ["prove_encryption"]]
        codes = [
            subprocess.run([sys.executable, "manage.py", *command], cwd=servers.ROOT, env=environment, check=False).returncode
            for command in commands
        ]
        return 1 if any(codes) else 0

    def _stay(self, url: str) -> int:
        port = int(url.rsplit(":", 1)[1])
        if port != self.options.port:
            say(f"port {self.options.port} is taken")
        print(f"\n  The house stands: {url}\n")
        logins = subprocess.run(
            [sys.executable, "manage.py", "demo_logins"],
            cwd=servers.ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for line in logins.stdout.splitlines():
            role, *login = line.split("\t")
            print("  " + "  ".join([role.ljust(36), *(part.ljust(18) for part in login)]))
        begin = subprocess.run(
            [sys.executable, "manage.py", "begin", "--quiet", "--url", url],
            cwd=servers.ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if begin.stdout.strip():
            print(f"  Nobody is in it yet. Begin here, within a day: {begin.stdout.strip()}")
        print("\n  Ctrl-C stops everything; the data stay in var/.\n", flush=True)
        while True:
            time.sleep(0.5)
            for child in self.children:
                before = child.identity
                if news := child.tend():
                    say(news)
                if child.identity != before:
                    self._remember(url)
            if self.folder.joinpath("cluster").exists() and not servers.in_use(self.folder / "cluster" / "keeper.lock"):
                say("the keeper of the servers has ended; starting another")
                servers.start_keeper(self.folder)
                processes.wait(lambda: servers.ready_state(self.folder) is not None, 60.0)


def _comment(owner_url: str, value: str | None = None) -> str | None:
    """Read or write the database's comment: which code's migrations and seeds it has. It goes with the data, as no file would."""
    connection = psycopg2.connect(owner_url)
    with connection, connection.cursor() as cursor:
        if value is not None:
            cursor.execute("COMMENT ON DATABASE crm IS %s", [value])
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()")
        row = cursor.fetchone()
    connection.close()
    return row[0] if row else None


def _tail(path: Path, lines: int = 25) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def say(text: str, file: IO[str] | None = None) -> None:
    print(f"· {text}", flush=True, file=file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
