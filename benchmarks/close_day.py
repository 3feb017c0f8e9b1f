"""Closing business dates of a whole portfolio: one ordinary day on which a twentieth of the loans changes state, then thirty days to catch up.

    .venv/bin/python benchmarks/close_day.py [--small | --loans N] [--days N]

Every loan has twelve instalments, filled in by COPY. On the ordinary day 5 % of the loans miss their first due date beyond its grace, 5 % are
late already by up to three months, the rest is paid. Of what falls due in the days after, 30 % of the loans pay nothing. The partitions are worked
by two processes, as a house's worker has; each close takes all its steps: penalties, both counters, bucket, five-class, stage, expected loss, the
ledger's entries of what moved, and at a month's end a snapshot of every loan. The floor is a bare UPDATE of one column of the same rows in the
same ranges by the same two processes. The last line of stdout is one JSON object.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from multiprocessing import get_context  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.common import manage, put_back, rounded, say, set_aside, settings_of, vacuum  # noqa: E402
from crm import servers  # noqa: E402

AREA = "bench-close"
DAY = date(2026, 6, 15)
GRACE = 3
NOON = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
AIM_SECONDS, AIM_RATIO, AIM_MEMORY_MB = 20.0, 8.0, 400.0
WORKERS, INSTALMENTS = 2, 12

# A loan's number says how it does: 0 of 20 misses its first due date on the day, 1 of 20 is late already, six of the rest will not pay.
LOANS = """
SELECT n AS id, 'L-' || lpad(n::text, 9, '0') AS public_id, {entity} AS legal_entity_id, {branch} AS branch_id, 'branch' AS channel,
    {customer} AS customer_id, {product} AS product_id, n AS application_id, n AS offer_id, 'open' AS status, 12000 AS principal,
    0.18 AS annual_rate, 0.27 AS penalty_rate, 12 AS term, '30/360' AS day_count, 'last_day' AS month_end, 'HALF_UP' AS rounding,
    {grace} AS grace_days, '{{fee,penalty,interest,principal}}' AS allocation_order, {first_due} - 30 AS starts_on,
    ({first_due} + interval '11 months')::date AS matures_on, 12000 AS principal_outstanding, 0 AS overpayment,
    chr(65 + (n %% 5)::int) AS grade, late AS dpd, (late + 29) / 30 AS bucket, greatest(late - {grace}, 0) AS treatment_dpd,
    CASE WHEN late > 0 THEN {first_due} END AS oldest_due_on, CASE WHEN late = 0 THEN 1 WHEN late > 90 THEN 3 ELSE 2 END AS risk_class,
    CASE WHEN late > 89 THEN 3 WHEN late > 30 THEN 2 ELSE 1 END AS stage, date '{day}' - 1 AS closed_on, timestamptz '{noon}' AS booked_at, 1 AS version
FROM generate_series({first}::bigint, {last}) AS n,
    LATERAL (SELECT CASE WHEN n %% 20 = 1 THEN date '{day}' - 1 - {first_due} ELSE 0 END AS late) AS standing
"""
ROWS = """
SELECT n AS loan_id, k AS seq, due.d - 30 AS from_on, due.d AS due_on, CASE WHEN paid THEN 'paid' ELSE 'pending' END AS status, 1000 AS principal,
    100 AS interest, 0 AS fee, 0 AS penalty, CASE WHEN paid THEN 1000 ELSE 0 END AS principal_paid, CASE WHEN paid THEN 100 ELSE 0 END AS interest_paid,
    0 AS fee_paid, 0 AS penalty_paid, 0 AS penalty_base, due.d AS penalty_since, CASE WHEN paid THEN due.d END AS paid_on
FROM generate_series({first}::bigint, {last}) AS n, generate_series(1, 12) AS k,
    LATERAL (SELECT ({first_due} + make_interval(months => k - 1))::date AS d) AS due,
    LATERAL (SELECT n %% 20 NOT IN (0, 1) AND due.d < date '{day}' + CASE WHEN n %% 20 < 8 THEN 0 ELSE 60 END AS paid) AS state
"""
FIRST_DUE = f"(CASE n %% 20 WHEN 0 THEN date '{DAY}' - {GRACE + 1} WHEN 1 THEN date '{DAY}' - 10 - (n / 20 %% 80)::int ELSE date '{DAY}' - 27 + (n %% 28)::int END)"


def main() -> int:
    """Measure and print; the exit code says whether every loan was closed for every day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30, help="how many days are caught up")
    options = parser.parse_args()
    loans, days = (20_000, 5) if options.small else (options.loans, options.days)
    folder = ROOT / "var" / AREA
    servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        manage(environment, "migrate", "--verbosity=0")
        assert joined.superuser_url
        import django

        django.setup()
        entity = found()
        say(f"filling in {loans:,} loans")
        began = time.monotonic()
        fill(entity, loans, joined.superuser_url)
        filling = time.monotonic() - began
        opened = open_books(entity)
        say(f"the books' opening {opened:.1f} s")
        bare = bare_update(loans, joined.superuser_url)
        say(f"bare UPDATE {bare:.1f} s")
        day = close(entity, DAY)
        say(f"the ordinary day {day['seconds']:.1f} s, {day['moved']:,} moved")
        caught = [close(entity, DAY + timedelta(days=1 + n)) for n in range(days)]
        from credit.models import Loan, LoanSnapshot

        behind = Loan.objects.open().exclude(closed_on=DAY + timedelta(days=days)).count()
        snapshots = LoanSnapshot.objects.count()
    servers.destroy(folder)
    seconds = sum(each["seconds"] for each in caught)
    third = max(len(caught) // 3, 1)
    told = {
        "name": "close_day",
        "sizes": {"loans": loans, "installments": loans * INSTALMENTS, "days": days, "processes": WORKERS},
        "figures": {
            "ordinary_day": day,
            "catch_up": {
                "seconds": seconds,
                "seconds_a_day": seconds / len(caught),
                "first_third_a_day": sum(each["seconds"] for each in caught[:third]) / third,
                "last_third_a_day": sum(each["seconds"] for each in caught[-third:]) / third,
                "slowest_day": max(each["seconds"] for each in caught),
                "moved_a_day": sum(each["moved"] for each in caught) / len(caught),
                "worker_mb": max(each["worker_mb"] for each in caught),
            },
            "days": [{name: each[name] for name in ("day", "seconds", "books_seconds", "moved")} for each in caught],
            "snapshots": snapshots,
            "loans_left_behind": behind,
            "filling_seconds": filling,
            "opening_the_books_seconds": opened,
        },
        "floor": {"bare_update_seconds": bare},
        "peer": {},
        "ratios": {
            "day_over_aim_of_20_s": day["seconds"] / AIM_SECONDS,
            "day_over_bare_update": day["seconds"] / bare,
            "day_over_aim_of_8_bare_updates": day["seconds"] / bare / AIM_RATIO,
            "worker_memory_over_aim_of_400_mb": day["worker_mb"] / AIM_MEMORY_MB,
        },
    }
    print(json.dumps(rounded(told)))
    return 1 if behind else 0


def found() -> Any:
    """Return a lender with one customer and its rules."""
    from benchmarks.reminders import found as reminded
    from governance.models import LegalEntity

    entity = reminded()
    LegalEntity.objects.filter(pk=entity.pk).update(business_date=DAY)
    entity.refresh_from_db()
    return entity


def fill(entity: Any, loans: int, superuser_url: str) -> None:
    """Fill in loans and instalments by COPY; the superuser leaves the checks of foreign keys out."""
    import psycopg2

    from credit.models import Product
    from customers.models import Customer
    from governance.models import Team

    known = {
        "entity": entity.pk, "branch": Team.objects.get(code="SH").pk, "product": Product.objects.get(legal_entity=entity).pk,
        "customer": Customer.objects.get().pk, "day": DAY, "noon": NOON.isoformat(), "grace": GRACE, "first_due": FIRST_DUE,
    }  # fmt: skip
    with psycopg2.connect(superuser_url) as link, psycopg2.connect(superuser_url) as source:
        cursor = link.cursor()
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        later = set_aside(cursor, "credit_loan", "credit_installment")
        for table, select in (("credit_loan", LOANS), ("credit_installment", ROWS)):
            for first in range(1, loans + 1, 100_000):
                span = known | {"first": first, "last": min(first + 99_999, loans)}
                copy(source.cursor(), cursor, table, select.format(**span).replace("%%", "%"))
                link.commit()
        cursor.execute("SELECT setval('credit_loan_id_seq', %s)", [loans + 1])
        put_back(cursor, later)
    link.close()
    source.close()
    vacuum(superuser_url, "credit_loan", "credit_installment")


def open_books(entity: Any) -> float:
    """Write the books of the day before, which the loans are closed for: an ordinary day is not the first of an installation. Return the seconds."""
    from credit import general_ledger

    began = time.monotonic()
    general_ledger.close(entity, DAY - timedelta(days=1), at=NOON)
    return time.monotonic() - began


def copy(source: Any, target: Any, table: str, select: str) -> None:
    """Pipe the rows of a query into a table."""
    source.execute(f"SELECT * FROM ({select}) AS q LIMIT 0")
    columns = ", ".join(column.name for column in source.description)
    reading, writing = os.pipe()

    def send() -> None:
        with os.fdopen(writing, "wb") as end:
            source.copy_expert(f"COPY ({select}) TO STDOUT", end)

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(reading, "rb") as end:
        target.copy_expert(f"COPY {table} ({columns}) FROM STDIN", end)
    sender.join()


def bare_update(loans: int, superuser_url: str) -> float:
    """Return the seconds of the least a close could do: one column of the same rows, in the same ranges, by as many processes."""
    from credit import end_of_day

    size = end_of_day.PARTITION
    ranges = [(first, min(first + size - 1, loans)) for first in range(1, loans + 1, size)]
    seconds = in_processes(touch, ranges)[0]
    vacuum(superuser_url, "credit_loan")
    return seconds


def touch(span: tuple[int, int]) -> float:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE credit_loan SET dpd = dpd WHERE id BETWEEN %s AND %s", span)
    return 0.0


def close(entity: Any, day: date) -> dict[str, Any]:
    """Close a date as the beat would: the partitions go to as many processes as a house's worker has."""
    from credit import end_of_day

    began = time.monotonic()
    run = end_of_day.plan(entity, day, at=NOON)
    planned = time.monotonic() - began
    working, memory = in_processes(close_partition, end_of_day.pending(run))
    began = time.monotonic()
    assert end_of_day.finish(run, at=NOON)
    finished = time.monotonic() - began
    parts = list(run.partitions.all())
    seconds = planned + working + finished
    return {
        "day": day.isoformat(),
        "seconds": seconds,
        "books_seconds": finished,
        "loans": sum(part.loans for part in parts),
        "moved": sum(part.moved for part in parts),
        "parked": sum(part.parked for part in parts),
        "partitions": len(parts),
        "slowest_partition_ms": max(part.milliseconds for part in parts),
        "loans_per_second": sum(part.loans for part in parts) / seconds,
        "worker_mb": memory,
    }


def in_processes(work: Any, items: list[Any]) -> tuple[float, float]:
    """Return the seconds that processes with open connections take for `items`, and the most memory (MB) one of them reports."""
    from django.db import connections

    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        connections.close_all()  # a connection does not survive a fork
        list(pool.map(warm, range(WORKERS)))
        began = time.monotonic()
        memory = max(pool.map(work, items), default=0.0)
        return time.monotonic() - began, memory


def warm(_number: int) -> None:
    """Open a process's own connection, as a worker has one."""
    from credit.models import CloseRun

    CloseRun.objects.count()


def close_partition(partition_id: int) -> float:
    from credit import end_of_day

    end_of_day.close_partition(partition_id, at=NOON)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
