"""Loans and applications for the tests of credit: a product, doors called the way a day calls them, no worker."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.cast import NOON, Cast

ROOT = Path(__file__).resolve().parents[2]
STATED = {
    "checking_status": "200_or_more_or_salary",
    "credit_history": "all_paid_at_this_bank",
    "savings": "1000_or_more",
    "employment": "7_years_or_more",
    "installment_rate": 2,
    "other_debtors": "none",
    "property": "real_estate",
    "other_plans": "none",
    "housing": "own",
    "existing_credits": 1,
}


class Desk:
    """Calls credit's doors with what a test does not care about filled in."""

    def __init__(self, cast: Cast, make_customer: Callable[..., Any]) -> None:
        from credit import seeds

        self.cast, self.make_customer = cast, make_customer
        self.product = seeds.product_for(cast.entity)
        self.keys = 0

    def draft(self, **changes: Any) -> Any:
        from credit import applications

        values = {"product": self.product, "amount": D("12000.00"), "term": 12, "purpose": "car_used", "stated": STATED}
        values |= {"actor": self.cast.loan_officer, "at": NOON} | changes
        if "customer" not in values:
            values["customer"] = self.make_customer()
        return applications.create(**values)

    def decision(self, application: Any, outcome: str = "approve", **changes: Any) -> Any:
        """Return a stored decision as the engine would give it, without running a strategy."""
        from tests.credit.decisions import stored_decision

        return stored_decision(application, outcome, **changes)

    def evaluating(self, **changes: Any) -> Any:
        """Return an application that waits for its verdict."""
        from credit import applications
        from credit.models import Application
        from governance.lifecycle import move

        application = applications.submit(self.draft(**changes), actor=self.cast.loan_officer, at=NOON)
        return move(application, Application.Status.EVALUATING, actor=self.cast.system, at=NOON, evaluation_started_at=NOON)

    def concluded(self, outcome: str = "approve", verdict: dict[str, Any] | None = None, **changes: Any) -> Any:
        """Return an application with a verdict: approved, referred or declined."""
        from credit import applications

        application = self.evaluating(**changes)
        decision = self.decision(application, outcome, **(verdict or {}))
        return applications.conclude(application, decision=decision, actor=self.cast.system, at=NOON)

    def offer(self, at: datetime = NOON, **changes: Any) -> Any:
        from credit import offers

        return offers.make(self.concluded(**changes), at=at)

    def confirmed(self, at: datetime = NOON, **changes: Any) -> Any:
        from credit import offers

        offer = self.offer(**changes)
        return offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=self.cast.loan_officer, at=at)

    def loan(self, at: datetime = NOON, **changes: Any) -> Any:
        from credit import offers

        return offers.accept(self.confirmed(at=at, **changes), key="k", actor=self.cast.loan_officer, at=at)

    def loan_now(self, **changes: Any) -> Any:
        """Return a loan booked today by the clock: pages and API know no other time."""
        from django.utils.timezone import now

        from credit import offers

        offer = self.offer(at=now(), **changes)
        offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=self.cast.loan_officer, at=now())
        return offers.accept(offer, key="k", actor=self.cast.loan_officer, at=now())

    def pay(self, loan: Any, amount: str | D, on: date | None = None, key: str = "") -> Any:
        """Receive a repayment at noon of a day; each call is a movement of its own unless it names a key."""
        from credit import repayments

        self.keys += 1
        at = NOON if on is None else NOON + timedelta(days=(on - NOON.date()).days)
        return repayments.receive(loan, amount=D(amount), actor=self.cast.loan_officer, at=at, key=key or f"pay-{self.keys}")

    def close_to(self, last: date) -> None:
        """Close every open business date up to and including `last`."""
        from credit import end_of_day

        entity = self.cast.entity
        entity.refresh_from_db()
        while entity.business_date <= last:
            end_of_day.close(entity, entity.business_date, at=NOON)


@pytest.fixture
def desk(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


class Bank:
    """The sandbox's bank, asked what it did."""

    def __init__(self, url: str) -> None:
        self.url = url

    def paid(self, key: str) -> int:
        """Return how many payouts lie under a key."""
        import json
        from urllib.request import urlopen

        with urlopen(f"{self.url}/payouts?key={key}") as answer:
            return int(json.load(answer)["matching"])


@pytest.fixture
def sandbox_bank(settings: Any) -> Iterator[Bank]:
    """Return the real sandbox process, with the payout port pointing at it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--timeout", "1"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split(" on ", 1)[1].strip()
    settings.PORTS = settings.PORTS | {"payout": f"{url}/payouts"}
    yield Bank(url)
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def line(desk):
    """A line of 20,000 over 12 months at 18 %, opened on 2 March: statements on the 10th."""
    from tests.credit.lines import product_of

    return desk.loan(product=product_of(desk), amount=D("20000.00"))
