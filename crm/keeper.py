"""The keeper of one area's PostgreSQL and Valkey (`python -m crm.keeper var/main`); `crm/servers.py` starts it.

It starts both servers or adopts what a killed keeper left running, makes roles and database once, starts a server again
when it dies, and stops both when nobody has held the users' lock for LINGER seconds.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg2
from psycopg2 import sql

from crm import places, processes
from crm.processes import Identity

LINGER = 2.0
LOOK_EVERY = 0.2
DATABASE = "crm"
# crm_ledger is no login: it holds the right to append to the ledger, and the application is its member
LOGINS = ("crm_owner", "crm_app", "crm_read")
PRIVILEGES = (
    "ALTER DEFAULT PRIVILEGES FOR ROLE crm_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO crm_app;"
    "ALTER DEFAULT PRIVILEGES FOR ROLE crm_owner GRANT USAGE, SELECT ON SEQUENCES TO crm_app;"
    "ALTER DEFAULT PRIVILEGES FOR ROLE crm_owner GRANT SELECT ON TABLES TO crm_read;"
)
EXTENSIONS = ("pg_trgm", "btree_gist", "btree_gin")

POSTGRES = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # A close of a million loans writes some gigabytes: fewer checkpoints in between, each of which has whole pages logged anew.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "1s",
    "shared_preload_libraries": "pg_stat_statements",
}
# Test data is made anew whenever it is missing, so nothing in it has to survive a power cut.
POSTGRES_THROWAWAY = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
MEGABYTE = 2**20
LEAST_BUFFERS, MOST_BUFFERS = 256, 2048  # MB


def room(memory: int) -> dict[str, str]:
    """Return PostgreSQL's settings that follow a machine's memory (bytes): a twelfth is its own, half is what files may be cached in."""
    whole = memory // MEGABYTE
    buffers = min(max(whole // 12, LEAST_BUFFERS), MOST_BUFFERS)
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{max(whole // 2, buffers)}MB"}


VALKEY = """
port 0
databases 256
dir "{folder}"
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy noeviction
daemonize no
supervised no
"""


class WillNotStart(Exception):
    """A server does not come up; the message is for keeper.log and the person who reads it."""


class Server:
    """What the two servers have in common: a folder, a log, and a process started by us or adopted."""

    name: str

    def __init__(self, cluster: Path, user: places.Account | None, passwords: dict[str, str]):
        self.cluster, self.user, self.passwords = cluster, user, passwords
        self.sockets = places.socket_folder(cluster, user)
        self.process: Identity | None = None
        self.popen: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.next_try = 0.0

    def alive(self) -> bool:
        """Say whether the process runs, and collect it if it ended."""
        if self.popen and self.popen.poll() is not None:
            return False
        return bool(self.process and self.process.alive())

    def launch(self, command: list[str], stdin: str = "") -> None:
        """Start the server in its own session, so that a Ctrl-C at the terminal does not reach it."""
        path = self.cluster / f"{self.name}.log"
        if path.exists() and path.stat().st_size > 10_000_000:
            path.replace(path.with_suffix(".log.1"))
        with open(path, "ab") as log:
            self.popen = subprocess.Popen(  # type: ignore[call-overload]
                command,
                cwd=self.cluster / self.name,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                **(self.user.popen() if self.user else {}),
            )
        assert self.popen and self.popen.stdin
        self.popen.stdin.write(stdin.encode())
        self.popen.stdin.close()
        self.process = Identity.of(self.popen.pid)

    def tend(self) -> bool:
        """Start the server again if it has died, each time with more patience; True if it had to be."""
        if self.alive() or time.monotonic() < self.next_try:
            return False
        say(f"{self.name} has ended; starting it again")
        try:
            self.start()
            self.failures = 0
        except WillNotStart as problem:
            self.failures += 1
            self.next_try = time.monotonic() + min(30.0, 2.0**self.failures)
            say(str(problem))
        return True

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def wait_for(self, ready: Any, seconds: float) -> None:
        """Wait until `ready()`; it is called again and again.

        :raises WillNotStart: if the process ends first or the time is over
        """
        processes.wait(lambda: not self.alive() or ready(), seconds, every=0.02)
        if not self.alive():
            log = (self.cluster / f"{self.name}.log").read_text(errors="replace").splitlines()
            raise WillNotStart(f"{self.name} ended while starting; its log ends:\n  " + "\n  ".join(log[-6:]))
        if not ready():
            self.stop()
            raise WillNotStart(f"{self.name} did not answer within {seconds:.0f} seconds")


class Postgres(Server):
    name = "postgres"

    def __init__(self, cluster: Path, user: places.Account | None, passwords: dict[str, str], bin_folder: Path, throwaway: bool):
        super().__init__(cluster, user, passwords)
        self.bin, self.throwaway = bin_folder, throwaway
        self.data = cluster / self.name

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgres://{role}:{self.passwords[role]}@/{database}?host={self.sockets}"

    def start(self) -> None:
        if not self.data.exists():
            self._init()
        self._check_version()
        if not self._adopt():
            self._forget_dead_postmaster()
            options = POSTGRES | (POSTGRES_THROWAWAY if self.throwaway else room(psutil.virtual_memory().total))
            settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
            self.launch([str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *settings])
        self.wait_for(self._answers, 60.0)

    def stop(self) -> None:
        """Stop with a checkpoint; sessions that linger are cut."""
        if self.process:
            processes.end(self.process, first=signal.SIGINT, patience=60.0)

    def settle(self) -> None:
        """Make roles, database and extensions; done once, and harmless when done again."""
        done = self.cluster / "settled.2"
        if done.exists():
            return
        with self._session("postgres") as cursor:
            for role in LOGINS:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                verb = "ALTER" if cursor.fetchone() else "CREATE"
                statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
                cursor.execute(statement.format(sql.Identifier(role), sql.Literal(self.passwords[role])))
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'crm_ledger'")
            if not cursor.fetchone():
                cursor.execute("CREATE ROLE crm_ledger NOLOGIN")
            cursor.execute("GRANT crm_ledger TO crm_app; ALTER ROLE crm_read SET default_transaction_read_only = on")
        # In template1, so that every database made later has the same: the one of the tests and of each journey too.
        with self._session("template1") as cursor:
            for extension in EXTENSIONS:
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            cursor.execute(PRIVILEGES)
        with self._session("postgres") as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            there = cursor.fetchone()
            if not there:
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER crm_owner")
        if there:  # of a version that knew fewer roles
            with self._session(DATABASE) as cursor:
                cursor.execute(PRIVILEGES + "GRANT SELECT ON ALL TABLES IN SCHEMA public TO crm_read;")
        done.touch()

    def _session(self, database: str) -> "Session":
        return Session(self.url("postgres", database))

    def _init(self) -> None:
        """Make the cluster under another name first: a cluster cut off half-way is not taken for one."""
        new = places.own_folder(self.cluster / "postgres.new", self.user)
        shutil.rmtree(new)
        places.own_folder(new, self.user)
        password = self.sockets / "password"
        processes.write(password, self.passwords["postgres"] + "\n")
        if self.user:
            os.chown(password, self.user.uid, self.user.gid)
        command = [str(self.bin / "initdb"), "-D", str(new), "-U", "postgres", f"--pwfile={password}", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--auth=scram-sha-256"] + (["--no-sync"] if self.throwaway else [])
        become = self.user.popen() if self.user else {}
        done = subprocess.run(command, cwd=new, capture_output=True, text=True, check=False, env={"PATH": os.defpath}, **become)  # type: ignore[call-overload]
        password.unlink()
        if done.returncode:
            raise WillNotStart("initdb failed:\n" + done.stdout[-1000:] + done.stderr[-2000:])
        new.rename(self.data)

    def _check_version(self) -> None:
        have = (self.data / "PG_VERSION").read_text().strip()
        done = subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True, check=True)
        if f" {have}." not in done.stdout:
            raise WillNotStart(f"The data in {self.data} are of PostgreSQL {have}, the programs are {done.stdout.strip()}.")

    def _running(self) -> list[psutil.Process]:
        """Return every server process of this cluster: they all stand in its folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and Path(process.cwd()) == self.data:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def _postmaster(self) -> psutil.Process | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return next((process for process in self._running() if process.pid == pid), None)

    def _adopt(self) -> bool:
        postmaster = self._postmaster()
        if postmaster is None:
            return False
        self.process, self.popen = Identity(postmaster.pid, postmaster.create_time()), None
        return True

    def _forget_dead_postmaster(self) -> None:
        """After `kill -9` the sessions end by themselves soon; only then is the lock file a dead one's."""
        if not processes.wait(lambda: not self._running(), 10.0):
            for process in self._running():
                process.kill()
            processes.wait(lambda: not self._running(), 5.0)
        # A dead postmaster that nobody has collected yet still has its process id, and PostgreSQL would believe the locks.
        for lock in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock", self.sockets / ".s.PGSQL.5432"):
            lock.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url("postgres", "postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


class Session:
    """A superuser's session without a transaction around it."""

    def __init__(self, url: str):
        self.url = url

    def __enter__(self) -> Any:
        self.connection = psycopg2.connect(self.url)
        self.connection.autocommit = True
        return self.connection.cursor()

    def __exit__(self, *_: object) -> None:
        self.connection.close()


class Valkey(Server):
    name = "valkey"

    def __init__(self, cluster: Path, user: places.Account | None, passwords: dict[str, str], program: Path):
        super().__init__(cluster, user, passwords)
        self.program, self.socket = program, self.sockets / "valkey.sock"
        self.known = cluster / "valkey.json"

    def url(self, *, celery: bool = False) -> str:
        scheme, database = ("redis+socket", "virtual_host") if celery else ("unix", "db")
        return f"{scheme}://:{self.passwords['valkey']}@{self.socket}?{database}=0"

    def start(self) -> None:
        places.own_folder(self.cluster / self.name, self.user)
        known = processes.load(self.known).get(self.name)
        if known and known.alive():
            self.process, self.popen = known, None
        else:
            self.socket.unlink(missing_ok=True)
            settings = VALKEY.format(folder=self.cluster / self.name, socket=self.socket, password=self.passwords["valkey"])
            self.launch([str(self.program), "-"], stdin=settings)
            assert self.process
            processes.save(self.known, {self.name: self.process})
        self.wait_for(self._answers, 30.0)

    def stop(self) -> None:
        if self.process:
            processes.end(self.process, patience=30.0)
        self.known.unlink(missing_ok=True)

    def _answers(self) -> bool:
        import redis

        try:
            return bool(redis.Redis.from_url(self.url(), socket_timeout=5).ping())
        except (redis.RedisError, OSError):
            return False


def say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()), text, flush=True)


def kept_passwords(cluster: Path) -> dict[str, str]:
    """Return the passwords of this cluster, made on first use."""
    path = cluster / "passwords.json"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [name for name in ("postgres", *LOGINS, "valkey") if name not in found]:
        found |= {name: secrets.token_hex(24) for name in missing}
        processes.write(path, json.dumps(found))
    return found


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep(folder: Path) -> int:
    """Keep the servers of the area `folder` until nobody uses them; 0 also if another keeper is there already."""
    cluster = (folder / "cluster").resolve()
    keeper_lock = open(cluster / "keeper.lock", "a")  # noqa: SIM115  held until this process ends
    if not processes.wait(lambda: _taken(keeper_lock), 0.5):  # who looks whether there is a keeper holds it for an instant
        return 0
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    state_file = cluster / "state.json"
    state_file.unlink(missing_ok=True)
    try:
        user = places.account()
        bin_folder, valkey_program = places.programs(cluster, user)
        passwords = kept_passwords(cluster)
        postgres = Postgres(cluster, user, passwords, bin_folder, throwaway=folder.name in ("test", "check"))
        valkey = Valkey(cluster, user, passwords, valkey_program)
        postgres.start()
        valkey.start()
        postgres.settle()
    except (WillNotStart, places.NoPlace, OSError, psycopg2.Error) as problem:
        say(str(problem))
        return 1
    state = {
        "keeper": asdict(Identity.of(os.getpid())),
        "DATABASE_URL": postgres.url("crm_app"),
        "DATABASE_OWNER_URL": postgres.url("crm_owner"),
        "DATABASE_READ_URL": postgres.url("crm_read"),
        "SUPERUSER_URL": postgres.url("postgres"),
        "REDIS_URL": valkey.url(),
        "CELERY_BROKER_URL": valkey.url(celery=True),
    }

    def tell() -> None:
        servers = {server.name: asdict(server.process) for server in (postgres, valkey) if server.process}
        processes.write(state_file, json.dumps(state | {"servers": servers}))

    tell()
    say("ready")
    with open(cluster / "users.lock", "a") as users:
        idle_since: float | None = None
        while not told:
            time.sleep(LOOK_EVERY)
            if any([postgres.tend(), valkey.tend()]):
                tell()
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                idle_since = None
                continue
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since >= LINGER:
                break  # with the users' lock in hand: who comes now waits until the servers have stopped
            fcntl.flock(users, fcntl.LOCK_UN)
        say("stopping: " + ("told to" if told else "nobody uses the servers"))
        state_file.unlink(missing_ok=True)
        valkey.stop()
        postgres.stop()
        keeper_lock.close()
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1])))
