"""Claims of the next case from a long queue: at a steady pace, and many at once.

    .venv/bin/python benchmarks/queue.py [--small | --cases N] [--seconds N] [--keep]

A database of its own is filled with customers and an open case each, spread over branches, places and amounts. Fifty collectors whose team
sees all of them take the next case by the desk's own door (`queues.take_next`: rights, clocks, skips, complaints, claim, ledger). First at 50
a second in fixed steps, however slow the answers are: a claim's time counts from the moment it was due, waiting included. Then all
fifty at one moment, several times. A case that two of them got is counted and fails the run. `floor` is the bare statement that finds the
first row. The last line of stdout is one JSON object; the exit code says whether the aims are met.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder: its `queue` would stand before Python's own

import argparse  # noqa: E402
import json  # noqa: E402
import multiprocessing  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks import search  # noqa: E402
from benchmarks.common import at_share, manage, put_back, rounded, say, set_aside, settings_of, vacuum, with_defaults  # noqa: E402
from crm import servers  # noqa: E402

AREA = "bench-queue"
PACE, PEOPLE, BURSTS = 50, 50, 5
PROCESSES = 2  # as many web processes as the measured machine has processors
AIM_P99_MS, AIM_BURST_MS = 50, 500
POOL = 2_000  # names and numbers that are sealed; rows share them, the queue does not look at them
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)  # noon by the lender's clock

CASES = """
INSERT INTO collections_case (public_id, legal_entity_id, branch_id, owner_id, channel, customer_id, status, bucket, dpd, overdue_amount,
    place, expected_recovery, opened_on, version{more})
SELECT 'K-' || lpad(c.id::text, 9, '0'), c.legal_entity_id, c.branch_id, c.owner_id, 'branch', c.id, 'open', 1 + b, 1 + 30 * b + h %% 30,
    500 + h %% 9500, CASE WHEN h %% 100 < 2 THEN 1 WHEN h %% 100 < 12 THEN 2 WHEN h %% 100 < 20 THEN 3 ELSE 4 END,
    round((500 + h %% 9500) * (ARRAY[0.60, 0.40, 0.25, 0.15, 0.10, 0.07, 0.04])[1 + b], 2), '2026-02-01', 1{values}
FROM customers_customer AS c CROSS JOIN LATERAL (SELECT abs(hashint8(c.id + 3)::bigint) AS h) AS r
    CROSS JOIN LATERAL (SELECT (h / 100 %% 7)::int AS b) AS s
"""


def main() -> int:
    """Measure and print; the exit code says whether the aims are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="10,000 cases for five seconds")
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--keep", action="store_true", help="use the rows that are there, and leave them")
    options = parser.parse_args()
    count, seconds = (10_000, 5) if options.small else (options.cases, options.seconds)
    folder = ROOT / "var" / AREA
    if not options.keep:
        servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        if not options.keep:
            manage(environment, "migrate", "--verbosity=0")
            manage(environment, "seed")
        assert joined.superuser_url
        import django

        django.setup()
        if not options.keep:
            search.POOL = search.NUMBERS = POOL
            search.fill(count, joined.superuser_url)
            open_cases(joined.superuser_url)
            hire()
        told = measure(seconds)
    if not options.keep:
        servers.destroy(folder)
    print(json.dumps(rounded(told)))
    figures = told["figures"]
    met = figures["claim_p99_ms"] < AIM_P99_MS and figures["burst_worst_ms"] < AIM_BURST_MS and not figures["double_claims"]
    return 0 if met else 1


def open_cases(superuser_url: str) -> None:
    """Give each customer an open case."""
    import psycopg2

    from collection.models import Case

    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        later = set_aside(cursor, "collections_case")
        cursor.execute(with_defaults(CASES, Case, cursor), {})
        put_back(cursor, later)
    link.close()
    vacuum(superuser_url, "collections_case", "customers_customer")


def hire() -> None:
    """Make the collectors, in the team above all branches."""
    from governance import users
    from governance.models import Role, Team

    head, role, system = Team.objects.get(code="HEAD"), Role.objects.get(code="collector"), users.system()
    for number in range(PEOPLE):
        users.create(
            username=name_of(number), name=name_of(number), role=role, team=head, actor=system, at=AT, password="a-long-bench-password-1"
        )


def name_of(number: int) -> str:
    return f"bench{number}"


# --- one web process -------------------------------------------------------------------------------------------------
def process(place: int, orders: Any, answers: Any) -> None:
    """Be one web process: take cases when the orders say so, and answer with what each got and how long it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()
    from django.db import connection

    from collection import queues
    from governance.models import User

    people = [User.objects.select_related("role", "team__legal_entity").get(username=name_of(n)) for n in range(place, PEOPLE, PROCESSES)]

    def take(order: tuple[int, float]) -> tuple[float, int]:
        number, due = order
        time.sleep(max(0.0, due - time.time()))
        began = min(due, time.time())
        case = queues.take_next(people[number % len(people)], at=AT)
        took = (time.time() - began) * 1000
        return took, case.pk if case else 0

    with ThreadPoolExecutor(len(people), initializer=connection.ensure_connection) as pool:
        while True:
            due = orders.get()
            if due is None:
                return
            answers.put(list(pool.map(take, enumerate(due))))


def measure(seconds: int) -> dict[str, Any]:
    """Return what claims took at the pace and in bursts, and how many cases were given twice."""
    from django.db import connections

    from collection.models import Case

    context = multiprocessing.get_context("spawn")
    answers, orders = context.Queue(), [context.Queue() for _ in range(PROCESSES)]
    team = [context.Process(target=process, args=(place, orders[place], answers)) for place in range(PROCESSES)]
    sizes = {"open_cases": Case.objects.in_work().count(), "a_second": PACE, "seconds": seconds, "people": PEOPLE, "processes": PROCESSES}
    floor = bare()
    connections.close_all()
    for one in team:
        one.start()

    def run(due: list[float]) -> list[tuple[float, int]]:
        for place in range(PROCESSES):
            orders[place].put(due[place::PROCESSES])
        return [row for _ in team for row in answers.get()]

    run([time.time() + 5.0] * PEOPLE)  # warms processes, plans and connections
    start = time.time() + 1.0
    paced = run([start + n / PACE for n in range(PACE * seconds)])
    bursts = [run([time.time() + 1.0] * PEOPLE) for _ in range(BURSTS)]
    for place in range(PROCESSES):
        orders[place].put(None)
    for one in team:
        one.join()
    times = sorted(took for took, _case in paced)
    worst = [max(took for took, _case in burst) for burst in bursts]
    got = [case for rows in (paced, *bursts) for _took, case in rows]
    figures = {
        "claim_p50_ms": statistics.median(times),
        "claim_p95_ms": at_share(times, 0.95),
        "claim_p99_ms": at_share(times, 0.99),
        "claim_worst_ms": times[-1],
        "burst_worst_ms": max(worst),
        "burst_median_ms": statistics.median(worst),
        "claims": len(got),
        "without_a_case": got.count(0),
        "double_claims": len([case for case in got if case]) - len({case for case in got if case}),
    }
    say(f"{len(got)} claims")
    return {
        "name": "queue", "sizes": sizes, "figures": figures, "floor": floor, "peer": {},
        "ratios": {"p99_to_aim": figures["claim_p99_ms"] / AIM_P99_MS, "burst_to_aim": figures["burst_worst_ms"] / AIM_BURST_MS},
    }  # fmt: skip


def bare() -> dict[str, float]:
    """Return what the statement that finds the first free row of the pool takes by itself, in milliseconds."""
    from collection import queues
    from governance.models import User

    user = User.objects.select_related("role", "team__legal_entity").get(username=name_of(0))
    pool = next(iter(queues.strands(user, at=AT, where=("pool",))))
    times = []
    for _turn in range(50):
        began = time.perf_counter()
        list(pool[:1])
        times.append((time.perf_counter() - began) * 1000)
    return {"first_row_p50_ms": statistics.median(times)}


if __name__ == "__main__":
    sys.exit(main())
