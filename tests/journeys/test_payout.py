"""Money leaves the house once, though the bank is killed before it and again after it."""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from crm import processes
from crm.lib.ports.http import call
from tests.fixtures.processes import House
from tests.journeys import town as places
from tests.journeys.town import Town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def bank(live_house: House) -> Any:
    """The house's sandbox, running again afterwards whatever the journey did to it."""
    child = live_house.child("sandbox")
    yield child
    if not child.running():
        child.start()
    assert processes.wait(child.healthy, 30)


def kill(child: Any) -> None:
    os.kill(child.popen.pid, signal.SIGKILL)
    child.popen.wait(10)


def wait(until: Callable[[], Any], seconds: float, what: str) -> Any:
    began = time.monotonic()
    while not (found := until()):
        assert time.monotonic() - began < seconds, what
        time.sleep(0.5)
    return found


def lend(house: House, town: Town) -> str:
    """Lend through the doors, telling no broker: only the sweeper can find the work."""
    from credit import offers
    from governance.models import LegalEntity, Team, User
    from ledger import log

    at = datetime.now(places.ZONE)
    with house.orm(), log.without_broker():
        founder = places.Founder(town.today, at)
        founder.entity = LegalEntity.objects.get(code="TOWN")
        founder.teams = {"EAST": Team.objects.get(code="TOWN-EAST")}
        founder.people = {"officer": User.objects.select_related("role", "team").get(username="town-officer")}
        founder.customers = dict.fromkeys(range(9_000))  # papers nobody else in the town has
        made = founder.application("paid_out", customer=founder.customer("paid_out"))
        founder.deliver()
        offer = offers.confirm_disclosure(
            made.offers.get(), cost_hash=made.offers.get().cost_hash, seconds=30, actor=founder.people["officer"], at=at
        )
        return str(offers.accept(offer, key="paid-out", actor=founder.people["officer"], at=at).public_id)


def test_a_killed_bank_pays_once(live_house: House, town: Town, bank: Any) -> None:
    kill(bank)
    loan = lend(live_house, town)
    wait(lambda: attempts(live_house, loan) or None, 90, "the worker never asked the bank")
    assert not sent(live_house, loan)
    bank.start()
    assert processes.wait(bank.healthy, 30)
    receipts = wait(lambda: sent(live_house, loan), 120, "the payout was not sent again")
    kill(bank)
    bank.start()
    assert processes.wait(bank.healthy, 30)
    paid = call("GET", f"{live_house.environment['CRM_SANDBOX_URL']}/payouts?reference={loan}", port="sandbox").body
    assert [row["receipt"] for row in paid["payouts"]] == receipts
    assert [row["amount"] for row in paid["payouts"]] == ["6000.00"]


def attempts(house: House, loan: str) -> int:
    rows = house.rows(
        "SELECT d.attempts FROM ledger_delivery d JOIN ledger_entry e ON e.id = d.entry_id JOIN credit_loan l ON l.id = e.subject_id"
        " WHERE e.event = 'credit.loan.booked' AND d.handler = 'credit.tasks.pay_out_booked' AND l.public_id = %s AND d.error <> ''",
        loan,
    )
    return int(rows[0]["attempts"]) if rows else 0


def sent(house: House, loan: str) -> list[str]:
    rows = house.rows(
        "SELECT e.facts ->> 'receipt' AS receipt FROM ledger_entry e JOIN credit_loan l ON l.id = e.subject_id"
        " WHERE e.event = 'credit.payout.sent' AND l.public_id = %s",
        loan,
    )
    return [str(row["receipt"]) for row in rows]
