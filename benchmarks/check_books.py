"""The check of the books over a whole portfolio: every comparison with its seconds, after a day that was closed.

    .venv/bin/python benchmarks/check_books.py [--small | --loans N]

The loans of `close_day.py`, each with its disbursement and a repayment for every instalment that is paid, posted; one day is closed, then all
checks run as after a close. The last line of stdout is one JSON object; the exit code says whether the books agree.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks import close_day  # noqa: E402
from benchmarks.common import manage, put_back, rounded, say, set_aside, settings_of, vacuum  # noqa: E402
from crm import servers  # noqa: E402

AREA = "bench-check"
AIM_SECONDS = 60.0

# What was paid is posted for the day it fell due, or the day before the books open where it was paid in advance.
BALANCES = """
UPDATE credit_loan AS l SET principal_outstanding = 12000 - 1000 * paid.n
FROM (SELECT loan_id, count(*) AS n FROM credit_installment WHERE status = 'paid' GROUP BY 1) AS paid WHERE paid.loan_id = l.id
"""
PAID_OUT = """
INSERT INTO credit_transaction (public_id, loan_id, kind, amount, value_on, booked_on, at, actor_id, key)
SELECT 'X-D' || l.id, l.id, 'disbursement', l.principal, l.starts_on, l.starts_on, '{noon}', {actor}, 'out' FROM credit_loan AS l
"""
PAID_BACK = """
INSERT INTO credit_transaction (public_id, loan_id, kind, amount, value_on, booked_on, at, actor_id, key)
SELECT 'X-R' || i.id, i.loan_id, 'repayment', 1100, least(i.due_on, date '{day}' - 1), least(i.due_on, date '{day}' - 1), '{noon}', {actor},
    'in' || i.seq
FROM credit_installment AS i WHERE i.status = 'paid'
"""
POSTED_OUT = """
INSERT INTO credit_posting (transaction_id, account, amount)
SELECT t.id, side.account, side.amount FROM credit_transaction AS t
CROSS JOIN LATERAL (VALUES ('principal', t.amount), ('cash', -t.amount)) AS side(account, amount) WHERE t.kind = 'disbursement'
"""
POSTED_BACK = """
INSERT INTO credit_posting (transaction_id, account, amount, installment_id)
SELECT t.id, side.account, side.amount, CASE WHEN side.account <> 'cash' THEN i.id END
FROM credit_transaction AS t JOIN credit_installment AS i ON i.loan_id = t.loan_id AND t.key = 'in' || i.seq
CROSS JOIN LATERAL (VALUES ('cash', 1100), ('principal', -1000), ('interest', -100)) AS side(account, amount) WHERE t.kind = 'repayment'
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--loans", type=int, default=200_000)
    options = parser.parse_args()
    loans = 5_000 if options.small else options.loans
    folder = ROOT / "var" / AREA
    servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        manage(environment, "migrate", "--verbosity=0")
        assert joined.superuser_url
        import django

        django.setup()
        from credit import book_check
        from credit.models import Posting

        entity = close_day.found()
        say(f"filling in {loans:,} loans with their movements")
        close_day.fill(entity, loans, joined.superuser_url)
        post(joined.superuser_url)
        day = close_day.close(entity, close_day.DAY)
        say(f"a day closed in {day['seconds']:.1f} s")
        seconds: dict[str, float] = {}
        compared: dict[str, int] = {}
        differences = 0
        for name in book_check.CHECKS:
            began = time.monotonic()
            (finding,) = book_check.run(entity, close_day.DAY, checks=[name])
            seconds[name], compared[name] = time.monotonic() - began, finding.compared
            differences += finding.differences
            say(f"{name}: {finding.compared:,} compared, {finding.differences:,} differ {finding.first[:2]}, {seconds[name]:.1f} s")
        postings = Posting.objects.count()
    servers.destroy(folder)
    whole = sum(seconds.values())
    told = {
        "name": "check_books",
        "sizes": {"loans": loans, "installments": loans * close_day.INSTALMENTS, "postings": postings},
        "figures": {"seconds": whole, "by_check": seconds, "compared": compared, "differences": differences, "day_seconds": day["seconds"]},
        "floor": {},
        "peer": {},
        "ratios": {"check_over_aim_of_60_s": whole / AIM_SECONDS},
    }
    print(json.dumps(rounded(told)))
    return 1 if differences else 0


def post(superuser_url: str) -> None:
    """Post the past of the loans; the superuser leaves triggers and foreign keys out."""
    import psycopg2

    from governance import users

    tables = ("credit_transaction", "credit_posting")
    known: dict[str, Any] = {"actor": users.system().pk, "day": close_day.DAY, "noon": close_day.NOON.isoformat()}
    with psycopg2.connect(superuser_url) as link:
        cursor = link.cursor()
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        later = set_aside(cursor, *tables)
        for statement in (BALANCES, PAID_OUT, PAID_BACK):
            cursor.execute(statement.format(**known))
        for statement in (POSTED_OUT, POSTED_BACK):
            cursor.execute(statement)
        put_back(cursor, later)
    link.close()
    vacuum(superuser_url, "credit_loan", *tables)


if __name__ == "__main__":
    raise SystemExit(main())
