"""What the benchmarks share: a database of their own, waiting for processes, order statistics, how figures are told."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from crm import children

ROOT = Path(__file__).resolve().parent.parent


def manage(environment: dict[str, str], *command: str) -> None:
    """Run `manage.py`; migrations as the owner of the tables. What it says goes to stderr."""
    role = {"CRM_DB_ROLE": "owner"} if command[0] == "migrate" else {}
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment | role, check=True, stdout=sys.stderr)


def settings_of(joined_environment: dict[str, str], area: str) -> dict[str, str]:
    """Return the environment of processes that use the servers of `area`, and take it over for this process."""
    environment = dict(os.environ) | joined_environment | {"CRM_AREA": area, "CRM_LOG_LEVEL": "WARNING"}
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="crm.settings")
    return environment


def wait_until_healthy(team: list[children.Child]) -> None:
    until = time.monotonic() + 120
    for child in team:
        while not child.healthy():
            if not child.running() or time.monotonic() > until:
                raise SystemExit(f"{child.name} is not healthy; see {child.log}")
            time.sleep(0.2)


def at_share(ordered: list[Any], share: float) -> float:
    """Return the value below which `share` of the ordered values lie, by nearest rank."""
    return float(ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))])


def rounded(value: Any) -> Any:
    """Return the same figures with at most three decimals."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- rows by SQL ---------------------------------------------------------------------------------------------------
def with_defaults(statement: str, model: Any, cursor: Any) -> str:
    """Return the statement with what later migrations added: columns that are needed get their field's default."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO'",
        [model._meta.db_table],
    )
    needed = {name for (name,) in cursor.fetchall()}
    listed = statement.split("(", 1)[1].split(")", 1)[0]
    missing = sorted(needed - {name.strip() for name in listed.replace("{more}", "").split(",")})
    values = [cursor.mogrify("%s", [model._meta.get_field(name.removesuffix("_id")).get_default()]).decode() for name in missing]
    more = "".join(f", {name}" for name in missing)
    return statement.format(more=more, values="".join(f", {value}" for value in values))


def set_aside(cursor: Any, *tables: str) -> list[str]:
    """Drop the indexes of tables that are about to be filled and return what makes them again; those of constraints stay."""
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i WHERE i.indrelid::regclass::text = ANY (%s)"
        " AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid) AND NOT i.indisunique",
        [list(tables)],
    )
    found = cursor.fetchall()
    for name, _made in found:
        cursor.execute(f"DROP INDEX {name}")
    return [made for _name, made in found]


def put_back(cursor: Any, indexes: list[str]) -> None:
    """Make the indexes again, each at once over all rows."""
    for made in indexes:
        cursor.execute(made)


def vacuum(superuser_url: str, *tables: str) -> None:
    """Do what a running installation's autovacuum has done long ago."""
    import psycopg2

    link = psycopg2.connect(superuser_url)  # no `with`: that would open a transaction, in which nothing can be vacuumed
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE " + ", ".join(tables))
    link.close()
