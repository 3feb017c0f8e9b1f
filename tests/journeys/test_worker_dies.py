"""A worker that is not there, and one that is killed in the middle: the work waits in the database and is done later."""

import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from playwright.sync_api import expect

from crm import processes
from tests.fixtures.processes import House
from tests.journeys.conftest import Visitors
from tests.journeys.test_credit_day import fill_loan
from tests.journeys.town import Town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
BUSY = 12  # applications in the worker's hands when it is killed


@pytest.fixture
def worker(live_house: House) -> Any:
    """The house's worker, running again afterwards whatever the journey did to it."""
    child = live_house.child("worker")
    yield child
    if not child.running():
        child.start()
    assert processes.wait(child.healthy, 60)


def test_what_is_submitted_without_a_worker_waits_and_is_done_when_one_comes(
    visit: Visitors, town: Town, live_house: House, worker: Any
) -> None:
    worker.stop()
    page = visit("officer")
    page.goto(f"/applications/new/?customer={town.customers['one_of_many_4']}")
    fill_loan(page)
    page.click("button[name=do][value=submit]")
    page.wait_for_url(re.compile(r"/applications/A-[0-9A-Z]+/$"))
    page.get_by_text("You can leave this page").first.wait_for()
    page.get_by_text("a lost worker is replaced").wait_for(timeout=40_000)  # said after some looks
    expect(page.locator("#evaluating")).to_be_visible()
    # The message is lost as well: only the sweeper can find the work now.
    redis.Redis.from_url(live_house.environment["REDIS_URL"]).delete("crm:celery")
    worker.start()
    page.get_by_role("link", name="Open the offer").wait_for(timeout=120_000)


SUBMIT = """
from datetime import datetime, UTC
from decimal import Decimal
from credit import applications
from credit.models import Product
from crm.demo.path import GOOD
from customers.models import Customer
from governance.models import User
actor, product = User.objects.get(username="town-officer"), Product.objects.live().get(legal_entity__code="TOWN")
for public_id in {ids!r}:
    at = datetime.now(UTC)
    made = applications.create(customer=Customer.objects.get(public_id=public_id), product=product, amount=Decimal("6000.00"), term=6,
                               purpose="radio_television", stated=GOOD, actor=actor, at=at)
    applications.submit(made, actor=actor, at=at)
"""


def test_a_worker_killed_in_the_middle_loses_nothing_and_does_nothing_twice(
    town: Town, live_house: House, worker: Any, status_of: Callable[[str], str]
) -> None:
    ids = [town.customers[f"one_of_many_{number}"] for number in range(20, 20 + BUSY)]
    worker.identity.send(signal.SIGSTOP)
    live_house.manage("shell", "-c", SUBMIT.format(ids=ids))
    worker.identity.send(signal.SIGCONT)
    assert processes.wait(lambda: bool(statuses(live_house, ids) - {"submitted"}), 60), "the worker took nothing"
    worker.popen.kill()
    processes.sweep_group(worker.identity)
    worker.popen.wait()
    assert statuses(live_house, ids) - {"offered"}, "all was done before the worker was killed"
    # What the dead worker held is taken over after minutes: let them pass.
    live_house.rows("UPDATE ledger_delivery SET claimed_at = claimed_at - interval '10 minutes' WHERE status = 'running' RETURNING id")
    live_house.rows(
        "UPDATE credit_application SET evaluation_started_at = evaluation_started_at - interval '10 minutes'"
        " WHERE status = 'evaluating' RETURNING id"
    )
    worker.start()
    began = time.monotonic()
    assert processes.wait(lambda: statuses(live_house, ids) == {"offered"}, 180, every=0.5), counts(live_house, ids)
    assert time.monotonic() - began < 180
    for table, count in counts(live_house, ids).items():
        assert count == BUSY, (table, count)


def statuses(house: House, ids: list[str]) -> set[str]:
    rows = house.rows(
        "SELECT DISTINCT a.status FROM credit_application a JOIN customers_customer c ON c.id = a.customer_id WHERE c.public_id = ANY(%s)",
        ids,
    )
    return {row["status"] for row in rows}


def counts(house: House, ids: list[str]) -> dict[str, int]:
    """Return how many applications and offers there are, and how often an approval and an offer were recorded."""
    of = "JOIN customers_customer c ON c.id = {key} WHERE c.public_id = ANY(%s)"
    queries = {
        "applications": "SELECT count(*) AS n FROM credit_application a " + of.format(key="a.customer_id"),
        "offers": "SELECT count(*) AS n FROM credit_offer o JOIN credit_application a ON a.id = o.application_id "
        + of.format(key="a.customer_id"),
        "approvals": "SELECT count(*) AS n FROM ledger_entry e "
        + of.format(key="e.customer_id")
        + " AND e.event = 'credit.application.approved'",
        "offers recorded": "SELECT count(*) AS n FROM ledger_entry e "
        + of.format(key="e.customer_id")
        + " AND e.event = 'credit.application.offered'",
    }
    return {name: int(house.rows(query, ids)[0]["n"]) for name, query in queries.items()}
