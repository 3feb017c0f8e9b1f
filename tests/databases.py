"""Databases for tests: one migrated database per set of migrations, one seeded template per schema, and copies of it (0.2 s each).

Several runs may share the cluster of `var/test`: what a run makes carries its process id, and what dead runs left is dropped.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg2
from psycopg2 import sql

from crm import servers, stamps

SUPERUSER = "CRM_TEST_SUPERUSER_URL"
KEPT_TEMPLATES = 3


@contextlib.contextmanager
def superuser(database: str = "postgres") -> Iterator[Any]:
    """Yield a cursor of the superuser in `database`, without a transaction."""
    connection = psycopg2.connect(with_name(os.environ[SUPERUSER], database))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def with_name(url: str, database: str) -> str:
    """Return `url` with another database."""
    return re.sub(r"@([^/]*)/\w+", rf"@\1/{database}", url, count=1)


def template() -> str:
    """Return the name of the template for today's schema, making it if it is missing."""
    name = "tpl_" + stamps.digest(stamps.files(servers.ROOT, stamps.is_schema))[:16]
    with superuser() as cursor:
        cursor.execute("SELECT pg_advisory_lock(815)")  # of several runs one makes it, the others wait
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            migrated = _migrated(cursor)
            _drop_old(cursor, "tpl")
            new = copy(f"{name}_new", migrated)
            manage("seed", **_urls(new))
            _keep(cursor, new, name)
    return name


def _migrated(cursor: Any) -> str:
    """Return the name of an empty database with today's tables, making it if it is missing: that takes a minute, first rows seconds.

    One that lacks only the newest migrations is copied and brought up to date; where any other file differs it is made from nothing.
    """
    files = {path.relative_to(servers.ROOT).as_posix(): path for path in stamps.files(servers.ROOT, stamps.is_migration)}
    today = {place: stamps.digest([path])[:16] for place, path in files.items()}
    name = "mig_" + stamps.digest(files.values())[:16]
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if not cursor.fetchone():
        earlier = _earlier(cursor, today)
        new = f"{name}_new"
        if earlier:
            copy(new, earlier)
        else:
            drop(new)
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER crm_owner").format(sql.Identifier(new)))
        manage("migrate", "--skip-checks", "--verbosity=0", **_urls(new), CRM_DB_ROLE="owner")
        cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(new), sql.Literal(json.dumps(today))))
        _keep(cursor, new, name)
        _drop_old(cursor, "mig")
    return name


def _earlier(cursor: Any, today: dict[str, str]) -> str:
    """Return the kept database whose migrations are all among today's, the one with most of them; empty when there is none."""
    cursor.execute("SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ~ '^mig_[0-9a-f]{16}$'")
    made = {name: json.loads(said) for name, said in cursor.fetchall() if said}
    fitting = [(len(known), name) for name, known in made.items() if known.items() <= today.items()]
    return max(fitting)[1] if fitting else ""


def _urls(name: str) -> dict[str, str]:
    return {key: with_name(os.environ[key], name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}


def _keep(cursor: Any, made: str, name: str) -> None:
    """Give a database that was made its name; nobody writes into it any more."""
    cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(made), sql.Identifier(name)))
    cursor.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))


def manage(*command: str, **environment: str) -> str:
    """Run `manage.py` in a process of its own and return what it said.

    :raises RuntimeError: if it fails
    """
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=servers.ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(command)} failed ({done.returncode}):\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done.stdout


def copy(name: str, source: str | None = None) -> str:
    """Make the database `name` as a copy of the template (or of `source`) and return its name; what had that name is dropped."""
    source = source or template()
    drop(name)
    with superuser() as cursor:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER crm_owner STRATEGY file_copy")
        cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))
    return name


def drop(name: str) -> None:
    """Drop a database with whoever is in it."""
    with superuser() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def own_name(purpose: str) -> str:
    """Return a database name that tells which process it belongs to."""
    return f"t_{os.getpid()}_{purpose}"


def drop_abandoned() -> None:
    """Drop the databases of runs that are over."""
    with superuser() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ '^t_[0-9]+_'")
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        try:
            os.kill(int(name.split("_")[1]), 0)
        except ProcessLookupError:
            drop(name)


def _drop_old(cursor: Any, kind: str) -> None:
    order = "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid DESC OFFSET %s"
    cursor.execute(order, [rf"{kind}\_%", KEPT_TEMPLATES - 1])
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
