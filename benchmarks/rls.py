"""Row-level security as a second wall: what the list pages of customers and loans cost with a policy in the database, and without.

    .venv/bin/python benchmarks/rls.py [--small | --customers N] [--keep]

A database of its own is filled with customers and as many loans. A policy on both tables compares each row with variables of the session
(who sees all, whose branches, whose own), which the house would set once a request: that statement is measured with the page. Policy on and
off take turns in blocks, on one connection, for who sees all and for a branch of a hundredth of the book. `queries` are the rows and the
capped count of a list alone. The last line of stdout is one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks import search  # noqa: E402
from benchmarks.common import at_share, manage, put_back, rounded, say, set_aside, settings_of, vacuum, with_defaults  # noqa: E402
from crm import servers  # noqa: E402
from tests.fixtures.support import entrance  # noqa: E402

AREA = "bench-rls"
AIM = 1.10
TABLES = ("customers_customer", "credit_loan")
PAGES = {"customers": "/customers/", "loans": "/loans/"}
BLOCKS, TURNS = 4, 12
POOL = 5_000  # names and numbers that are sealed; rows share them, a policy does not look at them

# Sub-selects without a row of the table are asked once a statement, not once a row.
POLICY = """
CREATE POLICY reach ON {table} USING (
    (SELECT current_setting('crm.reach', true)) = 'all'
    OR branch_id = ANY ((SELECT string_to_array(nullif(current_setting('crm.teams', true), ''), ',')::bigint[])::bigint[])
    OR owner_id = (SELECT nullif(current_setting('crm.person', true), '')::bigint))
"""
SAY = "SELECT set_config('crm.reach', %s, false), set_config('crm.teams', %s, false), set_config('crm.person', %s, false)"
LOANS = """
INSERT INTO credit_loan (id, public_id, legal_entity_id, branch_id, owner_id, channel, customer_id, product_id, application_id, offer_id,
    status, principal, annual_rate, penalty_rate, term, day_count, month_end, rounding, grace_days, allocation_order, starts_on,
    matures_on, principal_outstanding, overpayment, closed_on, booked_at, version{more})
SELECT c.id, 'L-' || lpad(c.id::text, 9, '0'), c.legal_entity_id, c.branch_id, c.owner_id, 'branch', c.id, %(product)s, c.id, c.id,
    'open', 12000, 0.18, 0.27, 12, '30/360', 'last_day', 'HALF_UP', 3, ARRAY['fee','penalty','interest','principal'], '2026-03-01',
    '2027-03-01', 12000, 0, '2026-03-02', %(at)s, 1{values}
FROM customers_customer AS c
"""


def main() -> int:
    """Measure and print; the exit code says whether the list pages stay under ten per cent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="10,000 customers")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="use the rows that are there, and leave them")
    options = parser.parse_args()
    count = 10_000 if options.small else options.customers
    folder = ROOT / "var" / AREA
    if not options.keep:
        servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        if not options.keep:
            manage(environment, "migrate", "--verbosity=0")
            manage(environment, "seed")
            manage(environment, "collectstatic", "--noinput", "--verbosity=0")
        assert joined.superuser_url
        import django

        django.setup()
        if not options.keep:
            search.POOL = search.NUMBERS = POOL
            search.fill(count, joined.superuser_url)
            lend(joined.superuser_url)
        told = measure(joined.superuser_url)
    if not options.keep:
        servers.destroy(folder)
    print(json.dumps(rounded(told)))
    return 1 if told["ratios"]["worst_page_p50"] > AIM else 0


def lend(superuser_url: str) -> None:
    """Give each customer a loan, and both tables their policy, switched off."""
    import psycopg2

    from credit import seeds
    from credit.models import Loan, Product

    seeds.seed()
    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        later = set_aside(cursor, "credit_loan")
        cursor.execute(with_defaults(LOANS, Loan, cursor), {"product": Product.objects.order_by("pk")[0].pk, "at": search.AT})
        put_back(cursor, later)
        for table in TABLES:
            cursor.execute(POLICY.format(table=table))
    link.close()
    vacuum(superuser_url, *TABLES)


def switch(superuser_url: str, *, on: bool) -> None:
    import psycopg2

    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} {'ENABLE' if on else 'DISABLE'} ROW LEVEL SECURITY")
    link.close()


def tell(user: Any) -> None:
    """Tell the session whose rows it may read, as the house would at the beginning of a request."""
    from django.db import connection

    from governance.models.identity import Scope

    teams = "" if user.root is None else ",".join(str(team) for team in user.root.subtree_ids)
    with connection.cursor() as cursor:
        cursor.execute(SAY, ["all" if user.scope == Scope.ALL else "", teams, str(user.pk)])


def measure(superuser_url: str) -> dict[str, Any]:
    """Return what pages and queries take with and without the policy, in milliseconds, and their ratios."""
    from django.db import connection
    from django.test import Client

    from credit.lists import LOANS as LOAN_LIST
    from credit.models import Loan
    from crm.lib import pages
    from customers.lists import CUSTOMERS
    from customers.models import Customer

    people = {name: user for name, user in search.users_by_name().items() if name in ("all", "branch")}
    clients = {name: Client(SERVER_NAME="localhost") for name in people}
    for name, user in people.items():
        entrance.sign_in(clients[name], user)
    lists = {"customers": CUSTOMERS, "loans": LOAN_LIST}

    def page(who: str, what: str) -> None:
        answer = clients[who].get(PAGES[what])
        if answer.status_code != 200:
            raise SystemExit(f"{what} answered {answer.status_code} to {who}")

    def rows(who: str, what: str) -> None:
        found = lists[what].rows(people[who]).order_by("-pk")
        list(found[:51])
        pages.capped(found)

    switch(superuser_url, on=True)
    with connection.cursor() as cursor:
        cursor.execute(SAY, ["", "", ""])
    hidden = Customer.objects.count() + Loan.objects.count()
    if hidden:
        raise SystemExit(f"{hidden} rows are seen by a session that says nothing: the policy does not hold for this role")
    with connection.cursor() as cursor:
        cursor.execute(SAY, ["all", "", ""])
    sizes = {"customers": Customer.objects.count(), "loans": Loan.objects.count(), "requests_each": BLOCKS * TURNS}
    times: dict[tuple[str, str, str, bool], list[float]] = {}
    for block in range(2 * BLOCKS):
        on = block % 2 == 1
        switch(superuser_url, on=on)
        for who, user in people.items():
            for what in lists:
                for kind, call in (("page", page), ("queries", rows)):
                    for turn in range(TURNS + 2):  # the first two warm up: plans are made anew after a switch
                        began = time.perf_counter()
                        if on and (kind == "page" or turn < 2):
                            tell(user)
                        call(who, what)
                        if turn >= 2:
                            times.setdefault((who, what, kind, on), []).append((time.perf_counter() - began) * 1000)
        say(f"block {block + 1} of {2 * BLOCKS}")
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for who in people:
        for what in lists:
            for kind in ("page", "queries"):
                off, on_times = (sorted(times[who, what, kind, on]) for on in (False, True))
                name = f"{kind} of {what}, {who}"
                figures[name] = {
                    "without_p50_ms": statistics.median(off),
                    "with_p50_ms": statistics.median(on_times),
                    "without_p95_ms": at_share(off, 0.95),
                    "with_p95_ms": at_share(on_times, 0.95),
                }
                ratios[name] = statistics.median(on_times) / statistics.median(off)
    return {
        "name": "rls",
        "sizes": sizes,
        "figures": figures,
        "floor": {},
        "peer": {},
        "ratios": ratios | {"worst_page_p50": max(ratio for name, ratio in ratios.items() if name.startswith("page")), "aim": AIM},
    }


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main())
