"""Reminders of a whole portfolio: planning one business date, and sending what was planned through the sandbox.

    .venv/bin/python benchmarks/reminders.py [--small | --loans N] [--fill | --keep]

Loans fall due on every day of the month alike, twelve instalments each; a quarter of the customers has two loans, half of them an e-mail
address. Planning is what the beat starts for a business date: T-3, T0, T+1 and T+3 by SMS and e-mail, the partitions by two processes, as
a house's worker has. Sending is one process: claim, gate, text, seal, gateway, ledger. The floor is the gateway and the mail server alone, called
with ready texts by as many threads. `--fill` only makes the book, `--keep` measures what is there. The last line of stdout is one JSON object.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

import argparse  # noqa: E402
import json  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from multiprocessing import get_context  # noqa: E402
from random import Random  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.common import manage, put_back, rounded, say, set_aside, settings_of, vacuum, with_defaults  # noqa: E402
from crm import children, processes, servers  # noqa: E402

AREA = "bench-reminders"
DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)  # noon in Shanghai
AIM_SECONDS, AIM_PER_SECOND = 10.0, 150.0
INSTALMENTS, WORKERS = 12, 2

CUSTOMERS = """
INSERT INTO customers_customer
SELECT (jsonb_populate_record(c, jsonb_build_object(
    'id', c.id + n, 'public_id', 'C-' || lpad(n::text, 9, '0'), 'id_number_key', md5(n::text)
) || CASE WHEN n %% 2 = 0 THEN '{"email": null}'::jsonb ELSE '{}'::jsonb END)).*
FROM customers_customer AS c, generate_series(1, %(customers)s) AS n WHERE c.id = %(customer)s
"""
LOANS = """
INSERT INTO credit_loan (id, public_id, legal_entity_id, branch_id, channel, customer_id, product_id, application_id, offer_id, status,
    principal, annual_rate, penalty_rate, term, day_count, month_end, rounding, grace_days, allocation_order, starts_on, matures_on,
    principal_outstanding, overpayment, closed_on, booked_at, version{more})
SELECT n, 'L-' || lpad(n::text, 9, '0'), %(entity)s, %(branch)s, 'branch', %(customer)s + 1 + n %% %(customers)s, %(product)s, n, n, 'open',
    12000, 0.18, 0.27, 12, '30/360', 'last_day', 'HALF_UP', 3, ARRAY['fee','penalty','interest','principal'], %(start)s + (n %% 28)::int,
    %(start)s + (n %% 28)::int + interval '12 months', 12000, 0, %(day)s - 1, %(noon)s, 1{values}
FROM generate_series(1, %(loans)s) AS n
"""
ROWS = """
INSERT INTO credit_installment (loan_id, seq, from_on, due_on, status, principal, interest, fee, penalty, principal_paid, interest_paid,
    fee_paid, penalty_paid, penalty_base, penalty_since, paid_on{more})
SELECT n, k, (d - interval '1 month')::date, d, CASE WHEN d < %(day)s - 10 THEN 'paid' ELSE 'pending' END, 1000, 100, 0, 0,
    CASE WHEN d < %(day)s - 10 THEN 1000 ELSE 0 END, CASE WHEN d < %(day)s - 10 THEN 100 ELSE 0 END, 0, 0, 0, d,
    CASE WHEN d < %(day)s - 10 THEN d END{values}
FROM generate_series(%(first)s::bigint, %(last)s) AS n, generate_series(1, 12) AS k,
    LATERAL (SELECT (%(start)s + (n %% 28)::int + make_interval(months => k))::date AS d) AS due
"""


@dataclass(frozen=True)
class Sizes:
    """How many loans are planned for, and how many messages of each channel are sent."""

    loans: int
    sent: int

    @property
    def customers(self) -> int:
        return self.loans * 4 // 5


def main() -> int:
    """Measure and print; the exit code says whether every message planned for sending went out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--fill", action="store_true", help="only fill; a later run with --keep measures")
    parser.add_argument("--keep", action="store_true", help="use the rows that are there, and leave them")
    options = parser.parse_args()
    sizes = Sizes(20_000, 400) if options.small else Sizes(options.loans, 2_000)
    folder = ROOT / "var" / AREA
    if not options.keep:
        servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        manage(environment, "migrate", "--verbosity=0")
        assert joined.superuser_url
        import django

        django.setup()
        from governance.models import LegalEntity

        filled = 0.0
        if options.keep:
            entity = LegalEntity.objects.get()
            unplan(joined.superuser_url)
            sizes = Sizes(loans(), sizes.sent)
        else:
            entity = found()
            say(f"filling in {sizes.loans:,} loans")
            began = time.monotonic()
            fill(entity, sizes, joined.superuser_url)
            filled = time.monotonic() - began
        if options.fill:
            print(json.dumps({"filling_seconds": round(filled, 1)}))
            return 0
        planning = plan(entity)
        say(f"planned {planning['messages']:,} messages in {planning['seconds']:.1f} s")
        port = children.free_port(9_800)
        smtp = children.free_port(port + 1)
        sandbox = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", str(port), "--smtp-port", str(smtp)], cwd=ROOT, stdout=sys.stderr
        )
        try:
            if not processes.wait(lambda: children.answers(f"http://127.0.0.1:{port}/health"), 30):
                raise SystemExit("the sandbox does not answer")
            from django.conf import settings

            settings.PORTS |= {"sms": f"http://127.0.0.1:{port}/sms", "mail": f"smtp://127.0.0.1:{smtp}"}
            floor = alone(sizes.sent)
            sending = {channel: send(channel, sizes.sent) for channel in ("sms", "email")}
        finally:
            sandbox.terminate()
            sandbox.wait(10)
    if not options.keep:
        servers.destroy(folder)
    told = {
        "name": "reminders",
        "sizes": {"loans": sizes.loans, "customers": sizes.customers, "installments": sizes.loans * INSTALMENTS, "sent_each": sizes.sent},
        "figures": {"planning": planning, "sending": sending, "filling_seconds": filled},
        "floor": floor,
        "peer": {},
        "ratios": {
            "planning_over_aim_of_10_s": planning["seconds"] / AIM_SECONDS,
            "sms_per_aim_of_150_a_second": sending["sms"]["per_second"] / AIM_PER_SECOND,
            "email_per_aim_of_150_a_second": sending["email"]["per_second"] / AIM_PER_SECOND,
            "sms_per_gateway_alone": sending["sms"]["per_second"] / floor["sms_per_second"],
            "email_per_server_alone": sending["email"]["per_second"] / floor["email_per_second"],
        },
    }
    print(json.dumps(rounded(told)))
    return 0 if all(row["sent"] == sizes.sent for row in sending.values()) else 1


def found() -> Any:
    """Return a lender with one customer, its rules and words."""
    from credit import seeds as credit_seeds
    from crm.demo import people, staff
    from customers import profiles
    from customers import seeds as customer_seeds
    from governance import seeds as governance_seeds
    from governance.models import Team, User

    governance_seeds.seed()
    customer_seeds.seed()
    entity = staff.found(business_date=DAY, at=NOON)
    credit_seeds.seed()
    person = people.identity(1, age=36, branch="SH", on=DAY, rng=Random(1))
    profiles.create(
        name=person.name, id_number=person.id_number, mobile="13800001234", email="wang@example.com", branch=Team.objects.get(code="SH"),
        actor=User.objects.get(username="officer"), at=NOON,
    )  # fmt: skip
    return entity


def fill(entity: Any, sizes: Sizes, superuser_url: str) -> None:
    """Fill in customers, loans and instalments by SQL; the superuser leaves the checks of foreign keys out."""
    import psycopg2

    from credit.models import Installment, Loan, Product
    from customers.models import Customer
    from governance.models import Team

    known = {
        "entity": entity.pk, "branch": Team.objects.get(code="SH").pk, "product": Product.objects.get(legal_entity=entity).pk,
        "customer": Customer.objects.get().pk, "customers": sizes.customers, "loans": sizes.loans, "day": DAY, "noon": NOON,
        "start": date(2026, 1, 1),
    }  # fmt: skip
    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        later = set_aside(cursor, "customers_customer", "credit_loan", "credit_installment")
        cursor.execute(CUSTOMERS, known)
        cursor.execute(with_defaults(LOANS, Loan, cursor), known)
        statement = with_defaults(ROWS, Installment, cursor)
        for first in range(1, sizes.loans + 1, 100_000):
            cursor.execute(statement, known | {"first": first, "last": min(first + 99_999, sizes.loans)})
            link.commit()
            say(f"  {first + 99_999:,}")
        cursor.execute("SELECT setval('credit_loan_id_seq', %(loans)s + 1)", known)
        put_back(cursor, later)
    link.close()
    vacuum(superuser_url, "customers_customer", "credit_loan", "credit_installment")


def unplan(superuser_url: str) -> None:
    """Take back what an earlier run planned and sent."""
    import psycopg2

    tables = ("credit_reminder", "credit_reminderpartition", "credit_reminderrun", "customers_contactattempt", "customers_message")
    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    link.close()
    vacuum(superuser_url, *tables)


def plan(entity: Any) -> dict[str, Any]:
    """Plan the business date as the beat would: the partitions go to as many processes as a house's worker has."""
    from django.db import connections

    from credit import reminders

    at = NOON - timedelta(hours=4)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        connections.close_all()  # a connection does not survive a fork
        list(pool.map(warm, range(WORKERS)))
        began = time.monotonic()
        run = reminders.plan(entity, DAY, at=at)
        waiting = reminders.pending(run)
        connections.close_all()
        list(pool.map(plan_partition, waiting))
        reminders.finish(run, at=at)
        seconds = time.monotonic() - began
    parts = list(run.partitions.order_by("number"))
    return {
        "seconds": seconds,
        "processes": WORKERS,
        "messages": sum(part.messages for part in parts),
        "reminders": sum(part.reminders for part in parts),
        "partitions": len(parts),
        "slowest_partition_ms": max(part.milliseconds for part in parts),
        "loans_per_second": loans() / seconds,
    }


def warm(_number: int) -> None:
    """Open a process's own connection, as a worker has one."""
    loans()


def plan_partition(partition_id: int) -> bool:
    from credit import reminders

    return reminders.plan_partition(partition_id, at=NOON - timedelta(hours=4))


def loans() -> int:
    from credit.models import Loan

    return int(Loan.objects.count())


def send(channel: str, count: int) -> dict[str, Any]:
    """Send `count` of what was planned in one channel, batch after batch, in this one process."""
    from customers import outbox
    from customers.models import Message

    first = Message.objects.filter(channel=channel, status="planned").order_by("pk").values("pk")[:count]
    Message.objects.filter(channel=channel, status="planned").exclude(pk__in=first).update(due_at=NOON + timedelta(days=1))
    began = time.monotonic()
    total = outbox.send_due(clock=lambda: NOON, channels=[channel])
    seconds = time.monotonic() - began
    say(f"{channel}: {total.sent} in {seconds:.1f} s")
    return {"sent": total.sent, "seconds": seconds, "per_second": total.sent / seconds}


def alone(count: int) -> dict[str, float]:
    """Return what gateway and mail server take by themselves, from as many threads as the sender uses."""
    from crm.lib.ports import mail, sms
    from customers import outbox

    text = "【信远消费金融（演示）】您的本期应还款¥1,100.00今日（2026年6月15日）到期，请及时还款。如已还款，请忽略本短信。"
    began = time.monotonic()
    with ThreadPoolExecutor(outbox.LINES) as pool:
        list(pool.map(lambda n: sms.send(to="13800001234", text=text, key=f"floor-{n}", at=NOON), range(count)))
    texts = count / (time.monotonic() - began)
    began = time.monotonic()
    with mail.Session() as session:
        for number in range(count):
            session.send(
                mail.composed(
                    to="wang@example.com",
                    sender="service@lender.invalid",
                    subject="还款提醒",
                    text=text,
                    message_id=f"<floor-{number}@lender.invalid>",
                    at=NOON,
                )
            )
    return {"sms_per_second": texts, "email_per_second": count / (time.monotonic() - began)}


if __name__ == "__main__":
    raise SystemExit(main())
