"""`kill -9` in the middle of a close, of the worker and of the database, and again: the same final state."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from credit import end_of_day
from credit.models import Installment, Loan
from crm import places, processes, servers
from crm.processes import Identity
from ledger.models import Entry
from tests import databases
from tests.credit import kill_house
from tests.credit.portfolio import multiply
from tests.fixtures.cast import NOON

FIRST_DUE = date(2026, 4, 2)
DAY = FIRST_DUE + timedelta(days=10)
BEHIND = 3  # days, so that catching up is killed too
LOANS, SIZE = 600, 20
KILLS = 22


def close_in_its_own_process():
    name = connection.settings_dict["NAME"]
    urls = {key: databases.with_name(os.environ[key], name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return subprocess.Popen(
        [sys.executable, "manage.py", "close_day", "--to", str(DAY), "--entity", "TEST", "--inline"], env=os.environ | urls
    )


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_and_again_is_the_same(desk):
    loan = desk.loan()
    multiply(loan, LOANS - 1)
    Loan.objects.update(closed_on=DAY - timedelta(days=BEHIND))
    type(desk.cast.entity).objects.update(business_date=DAY)
    run = end_of_day.plan(desk.cast.entity, DAY, at=NOON, size=SIZE)
    total, killed = run.partitions.count(), 0
    for share in (0.03, 0.3, 0.7):
        process = close_in_its_own_process()
        while process.poll() is None and total - len(end_of_day.pending(run)) < total * share:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        left = end_of_day.pending(run)
        # What a killed transaction began is as if it had never been.
        assert Loan.objects.filter(closed_on=DAY).count() == (total - len(left)) * SIZE
        assert Entry.objects.filter(event="credit.loan.overdue").count() == (total - len(left)) * SIZE
    assert killed >= 2
    assert close_in_its_own_process().wait() == 0
    assert list(Loan.objects.values_list("dpd", "bucket", "closed_on", "oldest_due_on").distinct()) == [(10, 1, DAY, FIRST_DUE)]
    assert Entry.objects.filter(event="credit.loan.overdue").count() == LOANS
    assert Entry.objects.filter(event="credit.day.closed").count() == 1
    assert set(Installment.objects.filter(seq=1).values_list("penalty", "status")) == {
        (Installment.objects.get(loan=loan, seq=1).penalty, "overdue")
    }
    desk.cast.entity.refresh_from_db()
    assert desk.cast.entity.business_date == DAY + timedelta(days=1)


# --- worker and database, on a cluster of its own ------------------------------------------------------------------
class House:
    """A cluster whose databases may be killed: nobody else uses it."""

    def __init__(self, joined: servers.Joined) -> None:
        self.joined, self.url = joined, joined.superuser_url or ""

    def environment(self, name: str) -> dict[str, str]:
        urls = {key: databases.with_name(value, name) for key, value in self.joined.environment.items() if key.startswith("DATABASE")}
        own = {"SUPERUSER_URL": databases.with_name(self.url, name), "DJANGO_SETTINGS_MODULE": "crm.settings"}
        return os.environ | self.joined.environment | urls | own

    def run(self, name: str, *command: str, **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *command], cwd=servers.ROOT, env=self.environment(name) | more, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def cursor(self, name: str) -> Iterator[Any]:
        """Yield a cursor; a database that recovers from a crash is waited for."""
        until = time.monotonic() + 60
        while True:
            try:
                link = psycopg2.connect(databases.with_name(self.url, name))
                break
            except psycopg2.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        link.autocommit = True
        try:
            with link.cursor() as cursor:
                yield cursor
        finally:
            link.close()

    def copy(self, name: str, source: str) -> None:
        with self.cursor("postgres") as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {source}")

    def done(self, name: str) -> int:
        try:
            with self.cursor(name) as cursor:
                cursor.execute("SELECT count(*) FROM credit_closepartition WHERE status = 'done'")
                return int(cursor.fetchone()[0])
        except psycopg2.Error:
            return -1

    def digest(self, name: str) -> dict[str, Any]:
        """Return what every row a close writes comes to."""
        found = {}
        with self.cursor(name) as cursor:
            for table, rows in (
                ("loans", "SELECT t::text AS row FROM credit_loan AS t"),
                ("instalments", "SELECT t::text AS row FROM credit_installment AS t"),
                ("snapshots", "SELECT t::text AS row FROM credit_loansnapshot AS t"),
                ("runs", "SELECT business_date || status AS row FROM credit_closerun"),
                ("told", "SELECT event || subject_type || subject_id || facts AS row FROM ledger_entry WHERE event LIKE 'credit.loan.%'"),
                ("ranges", "SELECT loan_id || ' ' || business_date || was || '>' || now || treatment_dpd AS row FROM credit_rangemove"),
                (
                    "journals",
                    """
                    SELECT j.business_date || j.source || j.product_code || l.purpose || l.amount AS row
                    FROM credit_journal AS j JOIN credit_journalline AS l ON l.journal_id = j.id
                """,
                ),
                ("closed", "SELECT event || facts AS row FROM ledger_entry WHERE event = 'credit.day.closed'"),
            ):
                cursor.execute(f"SELECT count(*), md5(string_agg(row, '|' ORDER BY row)) FROM ({rows}) AS r")
                found[table] = cursor.fetchone()
        return found

    def kill_a_session(self, name: str) -> bool:
        """Kill the process of a session that works: the whole database restarts and recovers."""
        with self.cursor("postgres") as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC", [name]
            )
            row = cursor.fetchone()
        if row:
            with contextlib.suppress(ProcessLookupError):
                os.kill(row[0], signal.SIGKILL)
        return bool(row)


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    var = tmp_path / "clone" / "var"
    with servers.joined("kills", var=var, external=False) as joined:
        yield House(joined)
    state = servers.ready_state(var / "kills")
    if state:
        processes.end(Identity(**state["keeper"]), patience=30)
    places.remove(var / "kills")


@pytest.mark.slow
@pytest.mark.timeout(1_500)  # some thirty processes start, most of them to be killed
def test_worker_and_database_killed_at_many_moments_end_where_nobody_was_killed(own_house):
    close, rng = ("-m", "tests.credit.kill_house", "close"), random.Random(20260615)
    assert own_house.run("crm", "manage.py", "migrate", "--skip-checks", "--verbosity=0", CRM_DB_ROLE="owner").wait() == 0
    assert own_house.run("crm", "-m", "tests.credit.kill_house", "fill").wait() == 0
    own_house.copy("whole", "crm")
    own_house.copy("killed", "crm")
    assert own_house.run("whole", *close).wait() == 0
    expected = own_house.digest("whole")
    assert expected["loans"][0] == expected["snapshots"][0] == kill_house.LOANS
    total, kills = own_house.done("whole"), {"worker": 0, "database": 0}
    for number in range(2 * KILLS):
        if sum(kills.values()) >= KILLS:
            break
        until = own_house.done("killed") + rng.randint(0, total // KILLS // 2)  # waits for a database that recovers
        workers = [own_house.run("killed", *close) for _ in range(1 + (number % 4 == 0))]
        while own_house.done("killed") < until + 1 and any(each.poll() is None for each in workers):
            time.sleep(rng.random() * 0.02)
        if number % 3 == 2:
            kills["database"] += own_house.kill_a_session("killed")
        elif workers[0].poll() is None:
            workers[0].kill()
            kills["worker"] += 1
        for each in workers:
            each.kill()
            each.wait()
    assert sum(kills.values()) >= 20 and kills["database"] >= 5, kills
    for _ in range(2):
        own_house.run("killed", *close).wait()
    assert own_house.digest("killed") == expected
