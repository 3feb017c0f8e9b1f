"""What the main pages take, for the role that uses them, and how many queries each asks of the database.

    .venv/bin/python benchmarks/pages.py [--small | --large [--fill]]

Times are those of a signed-in person over HTTP, one request after the other, on a gunicorn of its own; `/healthz` on the same server
is the floor. `cpu_ms` is the processor time of the page in this process, which a busy machine changes less. Queries are counted here
too, on up to ten rows of each kind, on two sizes of the demonstration: a tenth of it in a database of its own, and all of it in
the one of `./run` (not with `--small`). With `--large` the second size is 100,000 customers with 300,000 loans, cloned from the small
one and kept from run to run; `--fill` makes it anew and measures nothing. A page whose queries grow with the rows fails.
The last line of stdout is one JSON object.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # and not this folder, whose `queue` would stand before Python's own

from benchmarks.common import at_share, manage, rounded, say, settings_of, wait_until_healthy  # noqa: E402
from crm import children, servers  # noqa: E402

AREA, LARGE = "bench-pages", "bench-pages-large"
AIM_MS, LARGE_AIM_MS = 150.0, 200.0
CUSTOMERS, LOANS = 100_000, 300_000
WARM = 5
MOST_ROWS = 10
# A page may ask this many queries more where a row has what others lack (a loan, an offer); growing with the rows is more.
SLACK = 3


def main() -> int:
    """Measure and print; the exit code says whether the queries are constant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tenth of the demonstration only")
    parser.add_argument("--large", action="store_true", help="a tenth of it and 100,000 customers")
    parser.add_argument("--fill", action="store_true", help="with --large: make the large book anew, measure nothing")
    parser.add_argument("--requests", type=int, default=50, help="per page, after warming up")
    parser.add_argument("--area", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        return fill()
    if options.area:
        print(json.dumps(measure(options.area, options.requests)))
        return 0
    found = {"tenth": child(AREA, options.requests)}
    if options.large:
        found["large"] = child(LARGE, options.requests)
    elif not options.small:
        found["demo"] = child("main", options.requests)
    aim = LARGE_AIM_MS if options.large else AIM_MS
    biggest = list(found.values())[-1]
    pages, few = biggest["pages"], found["tenth"]["pages"]
    growing = sorted(name for name in pages if name in few and pages[name]["queries_most"] > few[name]["queries_most"] + SLACK)
    worst = max(pages, key=lambda name: pages[name]["p95_ms"])
    told = {
        "name": "pages",
        "sizes": {name: run["rows"] for name, run in found.items()} | {"requests": options.requests},
        "figures": {"pages": pages, "queries_at_a_tenth": {name: row["queries_most"] for name, row in few.items()}, "growing": growing},
        "floor": {"healthz": biggest["healthz"]},
        "peer": {},
        "ratios": {
            "worst_page": worst,
            f"worst_p95_over_aim_of_{aim:.0f}_ms": pages[worst]["p95_ms"] / aim,
            "pages_over_aim": sorted(name for name in pages if pages[name]["p95_ms"] > aim),
            "p50_over_healthz": {name: row["p50_ms"] / biggest["healthz"]["p50_ms"] for name, row in pages.items()},
        },
    }
    print(json.dumps(rounded(told)))
    return 1 if growing else 0


def child(area: str, requests: int) -> dict[str, Any]:
    """Measure one database in a process of its own: Django knows one."""
    command = [sys.executable, __file__, "--area", area, "--requests", str(requests)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def fill() -> int:
    """Make the large book out of the small demonstration, and leave it for the runs to come."""
    servers.destroy(ROOT / "var" / LARGE)
    with servers.joined(LARGE) as joined:
        environment = settings_of(joined.environment, LARGE)
        prepare(environment, "--small")
        assert joined.superuser_url
        import django

        django.setup()
        from benchmarks import large

        large.grow(joined.superuser_url, customers=CUSTOMERS, loans=LOANS)
        print(json.dumps(rows()))
    return 0


def prepare(environment: dict[str, str], *size: str) -> None:
    manage(environment, "migrate", "--verbosity=0")
    manage(environment, "seed")
    say("loading the demonstration where it is missing")
    manage(environment, "load_demo", *size)
    if not (ROOT / "var" / "static").exists():
        manage(environment, "collectstatic", "--noinput", "--verbosity=0")


def measure(area: str, requests: int) -> dict[str, Any]:
    """Return times and query counts of every page on the servers of `area`."""
    folder = ROOT / "var" / area
    if area == LARGE and not folder.exists():
        raise SystemExit("there is no large book yet: run with --large --fill first")
    if area == AREA:
        servers.destroy(folder)
    with servers.joined(area) as joined:
        environment = settings_of(joined.environment, area)
        prepare(environment, *(["--small"] if area == AREA else []))
        import django

        django.setup()
        pages = addresses()
        counts = {name: queries(user, paths) for name, (user, paths) in pages.items()}
        with children.listen(9_500) as web:
            team = children.household(environment, web=web, sandbox_port=9_600, folder=ROOT / "var" / AREA, lock=joined.lock)
            server = next(child for child in team if child.name == "web")
            try:
                server.start()
                wait_until_healthy([server])
                port = int(web.getsockname()[1])
                floor = times(Visitor(port), "/healthz", requests)
                visitors: dict[str, Visitor] = {}
                for name, (user, paths) in pages.items():
                    visitor = visitors.setdefault(user, Visitor(port, user))
                    counts[name] |= times(visitor, paths[0], requests)
                    say(
                        f"{area:12} {name:24} {counts[name]['p50_ms']:7.1f} {counts[name]['p95_ms']:7.1f} ms  {counts[name]['queries_most']} queries"
                    )
            finally:
                server.stop()
    return {"rows": rows(), "healthz": floor, "pages": counts}


def addresses() -> dict[str, tuple[str, list[str]]]:
    """Return page name → who opens it, and the addresses of it: first the row that has most to show."""
    from django.db.models import Count

    from collection.models import Case
    from credit.models import Application, Loan, Offer
    from customers.models import Customer
    from governance.models import User

    def person(username: str) -> User:
        return User.objects.select_related("role", "team").get(username=username)

    def ids(rows: Any, *order: str) -> list[str]:
        found = list(rows.order_by(*order, "pk").values_list("public_id", flat=True))
        step = max(1, len(found) // MOST_ROWS)
        return found[::step][:MOST_ROWS]

    officer, underwriter, collector = person("officer"), person("underwriter"), person("collector")
    customers = ids(Customer.objects.visible_to(officer).annotate(n=Count("loans", distinct=True) + Count("notes", distinct=True)), "-n")
    applications = ids(Application.objects.visible_to(officer).filter(decision__isnull=False))
    loans = ids(Loan.objects.visible_to(officer), "-dpd", "-term")
    offers = ids(Offer.objects.visible_to(officer), "-term")
    cases = ids(Case.objects.visible_to(collector).annotate(n=Count("contacts")), "-n")
    referred = ids(Application.objects.visible_to(underwriter).filter(status="referred"))
    debtors = list(Case.objects.visible_to(collector).values_list("customer__public_id", flat=True)[:MOST_ROWS])
    found = {
        f"home {username}": (username, ["/"])
        for username in ("officer", "underwriter", "collector", "supervisor", "risk", "compliance", "admin")
    }
    found |= {
        "customers": ("officer", ["/customers/"]),
        "customer": ("officer", [f"/customers/{key}/" for key in customers]),
        "customer timeline": ("officer", [f"/customers/{key}/timeline/?before=9999999999" for key in customers]),
        "customer applications": ("officer", [f"/customers/{key}/panels/applications/" for key in customers]),
        "customer loans": ("officer", [f"/customers/{key}/panels/loans/" for key in customers]),
        "customer cases": ("collector", [f"/customers/{key}/panels/cases/" for key in debtors]),
        "applications": ("officer", ["/applications/"]),
        "application": ("officer", [f"/applications/{key}/" for key in applications]),
        "review queue": ("underwriter", ["/applications/review/"]),
        "application to review": ("underwriter", [f"/applications/{key}/" for key in referred]),
        "offer": ("officer", [f"/offers/{key}/" for key in offers]),
        "loans": ("officer", ["/loans/"]),
        "loan": ("officer", [f"/loans/{key}/" for key in loans]),
        "loans, gravest first": ("officer", ["/loans/?sort=-dpd"]),
        "late loans of everybody": ("risk", ["/loans/?status=late&sort=-dpd"]),
        "loans of everybody": ("risk", ["/loans/"]),
        "board": ("officer", ["/applications/board/"]),
        "dashboard": ("risk", ["/credit/dashboard/"]),
        "tasks": ("officer", ["/tasks/"]),
        "messages": ("supervisor", ["/messages/"]),
        "payments": ("operations", ["/payments/"]),
        "refunds": ("operations", ["/refunds/"]),
        "desk": ("collector", ["/collections/desk/"]),
        "promises": ("supervisor", ["/collections/promises/"]),
        "promise calendar": ("supervisor", ["/collections/promises/calendar/"]),
        "team board": ("supervisor", ["/collections/board/"]),
        "results": ("supervisor", ["/collections/results/"]),
        "cases": ("collector", ["/collections/cases/"]),
        "case": ("collector", [f"/collections/cases/{key}/" for key in cases]),
        "decisions": ("risk", ["/risk/decisions/"]),
        "users": ("admin", ["/admin/users/"]),
    }
    return {name: page for name, page in found.items() if page[1]}


def queries(username: str, paths: list[str]) -> dict[str, Any]:
    """Return the fewest and the most queries that one of `paths` asks, and the processor time of the first, warmed up."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from governance.models import User
    from tests.fixtures.support import entrance

    client = Client(SERVER_NAME="localhost")
    entrance.sign_in(client, User.objects.get(username=username))
    counted = []
    for path in paths:
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{username} {path}: {answer.status_code}")
        counted.append(len(seen))
    spent = []
    for _turn in range(15):
        began = time.process_time()
        client.get(paths[0])
        spent.append((time.process_time() - began) * 1000)
    return {
        "role": username, "rows_tried": len(paths), "queries_fewest": min(counted), "queries_most": max(counted),
        "cpu_ms": at_share(sorted(spent), 0.5),
    }  # fmt: skip


class Visitor:
    """One connection with one session, as a browser keeps it."""

    def __init__(self, port: int, username: str = "") -> None:
        self.link, self.cookies = http.client.HTTPConnection("127.0.0.1", port, timeout=60), SimpleCookie[str]()
        if username:
            from crm.demo.staff import PASSWORD

            self.get("/accounts/login/")
            token = next(morsel.value for name, morsel in self.cookies.items() if name.endswith("_csrf"))
            form = urlencode({"login": username, "password": PASSWORD, "csrfmiddlewaretoken": token})
            if self.send("POST", "/accounts/login/", form)[0] != 302:
                raise SystemExit(f"{username} could not sign in")

    def get(self, path: str) -> tuple[int, int]:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: str | None = None) -> tuple[int, int]:
        headers = {"Cookie": "; ".join(f"{name}={one.value}" for name, one in self.cookies.items()), "Accept-Language": "en"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.link.request(method, path, body=body, headers=headers)
        answer = self.link.getresponse()
        size = len(answer.read())
        for given in answer.headers.get_all("Set-Cookie") or []:
            self.cookies.load(given)
        return answer.status, size


def times(visitor: Visitor, path: str, requests: int) -> dict[str, Any]:
    """Return what `path` took, warmed up."""
    visitor.link.close()  # the server has closed what was idle; the next request opens it anew
    took, size = [], 0
    for turn in range(WARM + requests):
        began = time.perf_counter()
        status, size = visitor.get(path)
        if turn >= WARM:
            took.append((time.perf_counter() - began) * 1000)
        if status != 200:
            raise SystemExit(f"{path}: {status}")
    took.sort()
    return {"p50_ms": at_share(took, 0.5), "p95_ms": at_share(took, 0.95), "bytes": size}


def rows() -> dict[str, int]:
    from collection.models import Case
    from credit.models import Application, Loan
    from customers.models import Customer

    return {model._meta.model_name or "": model.objects.count() for model in (Customer, Application, Loan, Case)}


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main())
