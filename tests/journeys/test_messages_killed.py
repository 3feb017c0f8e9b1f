"""A worker killed in the middle of sending: each text goes out once by the gateway's own count, and its receipt comes back."""

import signal
from typing import Any

import pytest

from crm import processes
from crm.lib.ports.http import call
from tests.fixtures.processes import House
from tests.journeys.town import Town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
TEXTS = 120

SEND = """
from datetime import datetime, UTC
from customers import messages, one_time_codes
from customers.models import Customer
from governance.models import User
actor, customer = User.objects.get(username="town-officer"), Customer.objects.get(public_id={customer!r})
for number in range({count}):
    messages.send(customer=customer, template=one_time_codes.KIND, channel="sms", key=f"killed-{{number}}", actor=actor,
                  values={{"code": f"{{number:06d}}", "minutes": 5, "lender": "T"}}, at=datetime.now(UTC), purpose="code")
"""


@pytest.fixture
def worker(live_house: House) -> Any:
    """The house's worker, running again afterwards whatever the journey did to it."""
    child = live_house.child("worker")
    yield child
    if not child.running():
        child.start()
    assert processes.wait(child.healthy, 60)


def statuses(house: House) -> dict[str, int]:
    rows = house.rows("SELECT status, count(*) AS n FROM customers_message WHERE key LIKE 'killed-%%' GROUP BY status")
    return {row["status"]: int(row["n"]) for row in rows}


def test_a_killed_worker_sends_each_text_once(town: Town, live_house: House, worker: Any) -> None:
    worker.identity.send(signal.SIGSTOP)
    live_house.manage("shell", "-c", SEND.format(customer=town.customers["one_of_many_1"], count=TEXTS))
    worker.identity.send(signal.SIGCONT)
    assert processes.wait(lambda: bool(statuses(live_house).keys() - {"planned"}), 60), "the worker took nothing"
    worker.popen.kill()
    processes.sweep_group(worker.identity)
    worker.popen.wait()
    left = statuses(live_house)
    assert left.keys() - {"delivered"}, "all was done before the worker was killed"
    # What the dead worker held is taken over after minutes: let them pass.
    live_house.rows("UPDATE customers_message SET claimed_at = claimed_at - interval '10 minutes' WHERE status = 'sending' RETURNING id")
    worker.start()
    assert processes.wait(lambda: statuses(live_house) == {"delivered": TEXTS}, 240, every=0.5), statuses(live_house)
    keys = {row["public_id"] for row in live_house.rows("SELECT public_id FROM customers_message WHERE key LIKE 'killed-%%'")}
    came = call("GET", f"{live_house.environment['CRM_SANDBOX_URL']}/sms?limit=100000", port="sandbox").body["messages"]
    assert sorted(row["key"] for row in came if row["key"] in keys) == sorted(keys)
    recorded = live_house.rows(
        "SELECT e.event, count(*) AS n FROM ledger_entry e JOIN customers_message m ON m.id = e.subject_id"
        " WHERE e.subject_type = 'customers.message' AND m.key LIKE 'killed-%%' AND e.event LIKE '%%.sent' GROUP BY e.event"
    )
    assert [int(row["n"]) for row in recorded] == [TEXTS]
