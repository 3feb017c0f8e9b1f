"""Treatment of a whole portfolio: cases enter their paths, and the next step of each is planned, as the hourly beat does.

    .venv/bin/python benchmarks/treatment.py [--small | --cases N]

One overdue loan a case, spread over the buckets; a third of the customers has a broken promise's worth of answers, half an e-mail address.
`entering` is the first round over cases that are on no path yet. `planning` is the round that is measured against the aim: every case has taken
its step, so each is asked anew (exits, segment) and gets the next one. `dry_run` holds a draft against the live version over all of them, in one
process, with three contacts of the last month, at moments of their own, in each customer's history. Two processes work parts of 2,000, as a house's worker has. The floor is
the rows alone: as many steps inserted by one statement. The last line of stdout is one JSON object.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

import argparse  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from multiprocessing import get_context  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.common import manage, put_back, rounded, say, set_aside, settings_of, vacuum, with_defaults  # noqa: E402
from benchmarks.reminders import CUSTOMERS, LOANS, found  # noqa: E402
from crm import servers  # noqa: E402

AREA = "bench-treatment"
DAY = date(2026, 6, 15)
MORNING = datetime(2026, 6, 15, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
AIM_SECONDS, WORKERS = 20.0, 2
DRY_AIM_SECONDS = 40.0

LATE = """
UPDATE credit_loan SET dpd = 1 + (id * 7 %% 200)::int, bucket = LEAST(7, 1 + (id * 7 %% 200)::int / 30), oldest_due_on = %(day)s::date - 1 - (id * 7 %% 200)::int
"""
ROWS = """
INSERT INTO credit_installment (loan_id, seq, from_on, due_on, status, principal, interest, fee, penalty, principal_paid, interest_paid,
    fee_paid, penalty_paid, penalty_base, penalty_since, paid_on{more})
SELECT n, k, (%(day)s::date - 40), %(day)s::date - 1 - (n * 7 %% 200)::int + 30 * (k - 1), CASE k WHEN 1 THEN 'overdue' ELSE 'pending' END,
    1000, 100, 0, 0, 0, 0, 0, 0, 0, %(day)s, NULL{values}
FROM generate_series(1, %(loans)s) AS n, generate_series(1, 2) AS k
"""
CASES = """
INSERT INTO collections_case (id, public_id, legal_entity_id, branch_id, channel, customer_id, status, bucket, dpd, overdue_amount, opened_on{more})
SELECT n, 'K-' || lpad(n::text, 9, '0'), l.legal_entity_id, l.branch_id, l.channel, l.customer_id, 'open', l.bucket, l.dpd, 1100, %(day)s{values}
FROM generate_series(1, %(loans)s) AS n JOIN credit_loan AS l ON l.id = n
"""


def main() -> int:
    """Measure and print; the exit code says whether every case got its next step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--cases", type=int, default=200_000)
    options = parser.parse_args()
    cases = 10_000 if options.small else options.cases
    folder = ROOT / "var" / AREA
    servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        manage(environment, "migrate", "--verbosity=0")
        assert joined.superuser_url
        import django

        django.setup()
        entity = found()
        from collection import seeds

        seeds.seed()
        say(f"filling in {cases:,} cases")
        fill(entity, cases, joined.superuser_url)
        entering = measured(MORNING)
        say(f"entered in {entering['seconds']:.1f} s")
        done(joined.superuser_url)
        planning = measured(MORNING + timedelta(hours=3))
        say(f"planned in {planning['seconds']:.1f} s")
        dry = tried(joined.superuser_url, cases)
        say(f"tried in {dry['seconds']:.1f} s")
        floor = alone(joined.superuser_url, cases)
    servers.destroy(folder)
    told = {
        "name": "treatment",
        "sizes": {"cases": cases, "processes": WORKERS},
        "figures": {"entering": entering, "planning": planning, "dry_run": dry},
        "floor": {"rows_seconds": floor},
        "peer": {},
        "ratios": {
            "planning_over_aim_of_20_s": planning["seconds"] / AIM_SECONDS,
            "planning_over_rows_alone": planning["seconds"] / floor,
            "dry_run_over_aim_of_40_s": dry["seconds"] / DRY_AIM_SECONDS,
        },
    }
    print(json.dumps(rounded(told)))
    return 0 if planning["planned"] >= cases * 9 // 10 else 1


def fill(entity: Any, cases: int, superuser_url: str) -> None:
    import psycopg2

    from collection.models import Case
    from credit.models import Installment, Loan, Product
    from customers.models import Customer
    from governance.models import Team

    known = {
        "entity": entity.pk, "branch": Team.objects.get(code="SH").pk, "product": Product.objects.get(legal_entity=entity).pk,
        "customer": Customer.objects.get().pk, "customers": cases, "loans": cases, "day": DAY, "noon": MORNING, "start": date(2026, 1, 1),
    }  # fmt: skip
    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        later = set_aside(cursor, "customers_customer", "credit_loan", "credit_installment")
        cursor.execute(CUSTOMERS, known)
        cursor.execute(with_defaults(LOANS, Loan, cursor), known)
        cursor.execute(LATE, known)
        cursor.execute(with_defaults(ROWS, Installment, cursor), known)
        cursor.execute(with_defaults(CASES, Case, cursor), known)
        cursor.execute("SELECT setval('collections_case_id_seq', %(loans)s + 1)", known)
        put_back(cursor, later)
    link.close()
    vacuum(superuser_url, "customers_customer", "credit_loan", "credit_installment", "collections_case")


def done(superuser_url: str) -> None:
    """Let every planned step be taken, as if its day had come and gone."""
    import psycopg2

    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("UPDATE collections_treatmentstep SET status = 'done', taken_at = now() WHERE status = 'planned'")
    link.close()
    vacuum(superuser_url, "collections_treatmentstep", "collections_treatmententry")


def measured(at: datetime) -> dict[str, Any]:
    """Work every case once, the parts by as many processes as a house's worker has."""
    from django.db import connections

    from collection import treatment_runs
    from collection.treatment_runs import Count

    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        connections.close_all()  # a connection does not survive a fork
        list(pool.map(warm, range(WORKERS)))
        began = time.monotonic()
        parts, last = [], 0
        while ids := treatment_runs.case_ids(after=last):
            parts.append((ids[0], ids[-1], at))
            last = ids[-1]
        connections.close_all()
        total = Count()
        for count in pool.map(part, parts):
            total.add(count)
        seconds = time.monotonic() - began
    return {"seconds": seconds, "parts": len(parts), "cases_per_second": total.cases / seconds, **vars(total)}


def warm(_number: int) -> None:
    from collection import treatment_arms

    treatment_arms.now_running()


def part(given: tuple[int, int, datetime]) -> Any:
    from collection import treatment_runs

    first, last, at = given
    return treatment_runs.work(treatment_runs.case_ids(after=first - 1, last=last), at=at)


ATTEMPTS = """
INSERT INTO customers_contactattempt (customer_id, channel, purpose, at, connected, key{more})
SELECT c.customer_id, CASE n WHEN 1 THEN 'call' ELSE 'sms' END, 'collection',
    %(noon)s::timestamptz - make_interval(days => (c.id * 3 + n * 7)::int %% 28, hours => n, secs => c.id::int %% 2500),
    n = 1 AND c.id %% 3 = 0, 'bench:' || c.id || ':' || n{values}
FROM collections_case AS c CROSS JOIN generate_series(1, 3) AS n
"""


def tried(superuser_url: str, cases: int) -> dict[str, Any]:
    """Hold a draft that puts large debts onto the firm path against the live version, and write down what was found."""
    import copy

    import psycopg2
    from django.db import connections

    from collection import dry_runs, treatment_experiments
    from collection.models import TreatmentDryRun
    from customers.models import ContactAttempt
    from governance import users
    from risk import strategy_versions

    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        cursor.execute(with_defaults(ATTEMPTS, ContactAttempt, cursor), {"noon": MORNING})
    link.close()
    vacuum(superuser_url, "customers_contactattempt")
    connections.close_all()
    live, actor = treatment_experiments.champion(), users.system()
    assert live is not None
    draft = strategy_versions.draft_from(live, note="bench", actor=actor, at=MORNING)
    graph = copy.deepcopy(draft.graph)
    for row in next(raw for raw in graph["nodes"] if raw["id"] == "segment")["content"]["rules"]:
        row["segment-o-path"] = '"firm"' if row["segment-o-path"] == '"gentle"' else row["segment-o-path"]
    draft = strategy_versions.save(draft, revision=draft.revision, graph=graph, actor=actor, at=MORNING)
    at = MORNING + timedelta(hours=4)
    made = dry_runs.start(draft, base=live, actor=actor, at=at)
    began = time.monotonic()
    dry_runs.run(made.pk, clock=lambda: at)
    seconds = time.monotonic() - began
    result = TreatmentDryRun.objects.get(pk=made.pk).result or {"cases": 0, "cells": []}
    return {
        "seconds": seconds, "cases": result["cases"], "cases_per_second": result["cases"] / seconds,
        "moved": sum(one["cases"] for one in result["cells"] if one["from"] != one["to"]),
    }  # fmt: skip


def alone(superuser_url: str, cases: int) -> float:
    """Return what as many rows take by one statement."""
    import psycopg2

    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        began = time.monotonic()
        cursor.execute(
            "INSERT INTO collections_treatmentstep (entry_id, name, day, action, due_at, planned_at)"
            " SELECT id, 'floor', 1, 'wait', now(), now() FROM collections_treatmententry ORDER BY id LIMIT %s",
            (cases,),
        )
        link.commit()
        seconds = time.monotonic() - began
    link.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
