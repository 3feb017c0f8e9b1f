"""A booked loan is paid out through the port: exactly once as the bank counts, whatever is lost on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from credit import payouts, tasks
from crm.lib.ports.http import PortRefused, PortUnknown, call
from ledger import log
from ledger.models import Delivery, Entry
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast


@pytest.fixture
def desk(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def events(loan: Any) -> list[str]:
    return [entry.event for entry in log.history(loan).filter(event__startswith="credit.payout")]


def done(url: str) -> dict[str, Any]:
    return call("GET", f"{url}/payouts", port="sandbox").body


def test_the_outbox_pays_a_booked_loan_out(desk: Desk, deliver: Callable[[], int], bank: str) -> None:
    loan = desk.loan()
    deliver()
    paid = done(bank)["payouts"]
    assert [(row["reference"], row["amount"]) for row in paid] == [(loan.public_id, f"{loan.principal}")]
    sent = log.history(loan).get(event="credit.payout.sent")
    assert (sent.facts["receipt"], sent.customer_id) == (paid[0]["receipt"], loan.customer_id)


def test_a_delivery_that_runs_twice_pays_once(desk: Desk, deliver: Callable[[], int], bank: str) -> None:
    loan = desk.loan()
    deliver()
    tasks.pay_out_booked(entry=Entry.objects.get(event="credit.loan.booked"))
    assert (done(bank)["requests"], events(loan)) == (1, ["credit.payout.sent"])


def test_a_crash_between_bank_and_ledger_repeats_the_call_not_the_money(desk: Desk, bank: str) -> None:
    loan = desk.loan()
    with pytest.MonkeyPatch.context() as crash:
        crash.setattr(payouts, "_record", lambda *args, **named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            payouts.send(loan, actor=desk.cast.system, at=NOON)
    assert (done(bank)["count"], events(loan)) == (1, [])
    payouts.send(loan, actor=desk.cast.system, at=NOON)
    assert (done(bank)["count"], done(bank)["repeated"], events(loan)) == (1, 1, ["credit.payout.sent"])


def test_a_refusal_is_recorded_once_and_stays_for_a_person(desk: Desk, deliver: Callable[[], int], bank: str) -> None:
    loan = desk.loan(amount=_cents("91"))
    deliver()
    with pytest.raises(PortRefused):
        payouts.send(loan, actor=desk.cast.system, at=NOON)
    assert (done(bank)["count"], events(loan)) == (0, ["credit.payout.refused"])
    waiting = Delivery.objects.get(handler="credit.tasks.pay_out_booked")
    assert waiting.status == Delivery.Status.PENDING
    assert waiting.error.startswith("PortRefused")


def test_an_uncertain_answer_is_asked_again(desk: Desk, bank: str) -> None:
    loan = desk.loan(amount=_cents("93"))
    with pytest.raises(PortUnknown):
        payouts.send(loan, actor=desk.cast.system, at=NOON)
    assert events(loan) == []
    payouts.send(loan, actor=desk.cast.system, at=NOON)
    assert (done(bank)["count"], events(loan)) == (1, ["credit.payout.sent"])


def test_a_port_that_is_off_says_so(desk: Desk, deliver: Callable[[], int], settings: Any) -> None:
    settings.PORTS = {"payout": ""}
    loan = desk.loan()
    deliver()
    assert events(loan) == ["credit.payout.off"]
    assert not Delivery.objects.filter(handler="credit.tasks.pay_out_booked").exclude(status=Delivery.Status.DONE)


def _cents(cents: str) -> Any:
    from decimal import Decimal

    return Decimal(f"12000.{cents}")
