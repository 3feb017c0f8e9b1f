"""The credit bureau in the demonstration: a person for each thing it may say, whose application asks by itself; and looks at borrowers."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from credit import applications
from credit.devices import Device
from credit.models import Loan, Product
from crm.demo import outside
from crm.demo.people import identity
from crm.demo.play import STATED
from crm.lib.money import quantize
from customers import consents, profiles
from customers.models import Customer, Purpose
from governance.models import LegalEntity, User
from governance.models.identity import Channel
from ledger import deliveries as outbox
from risk import bureau
from risk.models import BureauQuery

FIRST_PERSON, BORROWERS, SEED = 90_000, 6, 20_261_123
# last digits of the mobile by which the sandbox's bureau chooses, and what is asked for
PEOPLE = (
    ("0001", "6000.00"), ("7701", "12000.00"), ("7702", "8000.00"), ("7703", "5000.00"), ("7704", "9000.00"), ("7705", "4000.00"),
    ("7706", "3000.00"), ("7708", "7000.00"),
)  # fmt: skip
# of whom the scorecard thinks well, so that what the bureau says decides
STRONG = {"purpose": ("car_used", "radio_television"), "checking_status": ("no_account", "200_or_more_or_salary")}
SHARED = Device("demo-phone-7", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) MicroMessenger/8.0", "zh-CN", "Asia/Shanghai", "203.0.113.24")


def fill(entity: LegalEntity, *, rows: list[dict[str, Any]], staff: dict[str, User], at: datetime) -> str:
    """Let each person of `PEOPLE` apply by a partner's app, two of them on one telephone, and look at a few borrowers; say how many answered."""
    with outside.bureau() as connected:
        if not connected:
            return "no bureau is connected: nothing was asked"
        product = Product.objects.live().get(legal_entity=entity, code="CASH-12")
        good = [
            row
            for row in rows
            if not row["bad"]
            and 25 <= row["age"] <= 60
            and row["purpose"] in STRONG["purpose"]
            and row["checking_status"] in STRONG["checking_status"]
        ]
        rng = Random(SEED)  # noqa: S311  a draw, no secret
        for number, (tail, amount) in enumerate(PEOPLE):
            moment = at - timedelta(minutes=20 * (len(PEOPLE) - number))
            apply(number, tail, Decimal(amount), row=good[number % len(good)], product=product, staff=staff, rng=rng, at=moment)
        outbox.run_all(at=at + timedelta(days=1))
        borrowers = Customer.objects.filter(pk__in=Loan.objects.open().values("customer"), legal_entity=entity, erased_at__isnull=True)
        for customer in borrowers.order_by("-pk")[: BORROWERS * 3]:
            if (
                consents.holds(customer, Purpose.BUREAU, on=at.date())
                and BureauQuery.objects.filter(asked_by=staff["underwriter"]).count() < BORROWERS
            ):
                query = bureau.request(customer, reason=BureauQuery.Reason.POST_LOAN, actor=staff["underwriter"], at=at, at_once=True)
                bureau.fetch(query, at=at)
    return f"{BureauQuery.objects.filter(status=BureauQuery.Status.ANSWERED).count()} bureau reports"


def apply(
    number: int, tail: str, amount: Decimal, *, row: dict[str, Any], product: Product, staff: dict[str, User], rng: Random, at: datetime
) -> None:
    """File a person and hand in an application as a partner's app does, with the telephone it came from."""
    officer = staff["officer"]
    assert officer.team is not None
    person = identity(FIRST_PERSON + number, age=row["age"], branch="SH", on=at.date(), rng=rng)
    customer = profiles.create(
        name=person.name, id_number=person.id_number, mobile=person.mobile[:7] + tail, bank_card=person.bank_card, address=person.address,
        employer=person.employer, income=quantize(amount / 2 + 6_000), monthly_debt=Decimal("0.00"), branch=officer.team, owner=officer,
        actor=officer, at=at, origin=Customer.Origin.GENERATED,
    )  # fmt: skip
    consents.give(customer, purpose=Purpose.BUREAU, actor=officer, at=at)
    device = (
        SHARED
        if number in (1, 2)
        else Device(f"demo-phone-{100 + number}", "okhttp/4.12", "zh-CN", "Asia/Shanghai", f"198.51.100.{number}")
    )
    application = applications.create(
        customer=customer, product=product, amount=amount, term=12, purpose=row["purpose"], stated={name: row[name] for name in STATED},
        actor=officer, at=at, channel=Channel.API, device=device,
    )  # fmt: skip
    applications.submit(application, actor=officer, at=at + timedelta(minutes=2))
