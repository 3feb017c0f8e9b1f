"""Agencies of the demonstration: two that two persons agreed on, one with an API client, cases with both, contacts, payments
and their fees, a guarantor beside one debtor, one case taken back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from collection import agencies, placement_orders, placement_work, placements
from collection.judgement import Part
from collection.models import Agency, Placement
from credit import repayments
from credit.models import Loan
from crm.demo import refusals
from crm.lib.errors import DomainError
from crm.lib.money import quantize
from customers import relations
from customers.models import Relation
from governance import api_clients, changes, users
from governance.models import Role, Team, User

if TYPE_CHECKING:
    from crm.demo.play import House

ROWS = (
    ("DONGHE", "Donghe Collections (made up)", "东和催收（虚构）", 40, {31: "0.1200", 91: "0.2200", 181: "0.3000"}),
    ("LANTIAN", "Lantian Services (made up)", "蓝天服务（虚构）", 25, {31: "0.1000", 91: "0.2000"}),
)
GIVEN, PAID = 14, 6
BEGINS = timedelta(days=14)  # before the last day: the older book has been taken over by then
PAYDAYS = (timedelta(days=9), timedelta(days=3))
CLIENT_ID, CLIENT_SECRET = "demo-agency", "demo-agency-secret-2026"
SAID = ("no_answer", "right_party", "refused", "promise", "no_answer", "right_party")
TALKS = {timedelta(days=8): 6, timedelta(days=2): 6}  # contacts of the agency by days before the last


def day(house: House, on: date) -> None:
    """Let agencies begin two weeks before the last day, talk, payments come in, and one case be taken back at the end."""
    if on == house.today - BEGINS:
        begin(house, on)
    for before, number in TALKS.items():
        if on == house.today - before:
            talk(house, on, number)
    for number, before in enumerate(PAYDAYS):
        if on == house.today - before:
            come_in(house, on, first=number * PAID // 2)
    if on == house.today:
        take_one_back(house, on)


def begin(house: House, on: date) -> None:
    """Agree on the agencies by two persons, and give them cases by room; done again it adds nothing."""
    if Agency.objects.exists():
        return
    at, supervisor = house.at(on, 8, 40), house.staff["supervisor"]
    machine = client(house, at=at)
    for code, name_en, name_zh, capacity, fees in ROWS:
        after = agencies.wanted(
            entity=house.entity, name_en=name_en, name_zh=name_zh, capacity=capacity, fees={days: Decimal(fee) for days, fee in fees.items()},
            members=[machine] if code == ROWS[0][0] else [],
        )  # fmt: skip
        change = agencies.propose(code, after, reason="2026年度招标结果", actor=supervisor, at=at)
        if not change.alone:
            changes.confirm(change, actor=house.staff["compliance"], at=at + timedelta(minutes=5))
    with suppress(placement_orders.NothingToPlace):  # a small house may have no case that is old enough
        order = placement_orders.order({"dpd_from": 31, "most": GIVEN}, agency=None, actor=supervisor, at=at + timedelta(minutes=10))
        placement_orders.run(order.pk, clock=lambda: at + timedelta(minutes=10))
    beside(house, at=at)


def client(house: House, *, at: datetime) -> User:
    """Return the service user of the first agency, whose machine asks and tells through the API."""
    role, team = Role.objects.get(code="agency"), Team.objects.get(code="HQ", legal_entity=house.entity)
    system = users.system()
    service = users.create(username=CLIENT_ID, name="东和催收 API", kind=User.Kind.SERVICE, role=role, team=team, actor=system, at=at)
    api_clients.create(
        name="Donghe Collections", service_user=service, client_scopes=["placements:read", "placements:write"], actor=system, at=at,
        client_id=CLIENT_ID, secret=CLIENT_SECRET,
    )  # fmt: skip
    return service


def beside(house: House, *, at: datetime) -> None:
    """Let a guarantor who agreed stand beside a debtor whose case the first agency has."""
    row = Placement.objects.running().filter(agency__code=ROWS[0][0]).select_related("case__customer").order_by("pk").first()
    if row is None:
        return
    officer = house.staff["officer"]
    told: dict[str, Any] = {"name": "陈立", "mobile": "19900009072", "source": Relation.Source.DOCUMENT, "consent": Relation.Consent.GIVEN}
    beside_them = relations.add(row.case.customer, kind=Relation.Kind.GUARANTOR, actor=officer, at=at, **told)
    relations.allow_contact(beside_them, allowed=True, actor=officer, at=at)


def talk(house: House, on: date, number: int) -> None:
    """Let the first agency make its calls of a day: asked for, told, one of them with a promise."""
    machine = User.objects.get(username=CLIENT_ID)
    rows = Placement.objects.running().filter(agency__code=ROWS[0][0]).select_related("case__customer__legal_entity").order_by("pk")
    ends = iter(SAID)
    for place, row in enumerate(rows[:number]):
        at = house.at(on, 10, 5 * place)
        debt = row.case.overdue_amount
        with suppress(DomainError):  # the contact gate says no, or a promise runs already: a day as it is
            placement_work.ask(row, channel="call", actor=machine, at=at)
            outcome = next(ends, SAID[0])  # only a call that was let through ends in something
            parts = [Part(on + timedelta(days=3), quantize(debt / 2))] if outcome == "promise" and debt > 0 else []
            said = "right_party" if outcome == "promise" and not parts else outcome
            told: dict[str, Any] = {"confirmed": True, "lines_said": True, "promise": parts}
            placement_work.tell(row, channel="call", outcome=said, actor=machine, at=at + timedelta(minutes=3), **told)


def come_in(house: House, on: date, *, first: int) -> None:
    """Let a part of what is overdue come in on some of the cases outside."""
    rows = Placement.objects.running().select_related("case").order_by("pk")[first : first + PAID // 2]
    for number, row in enumerate(rows, first):
        pay(house, row, share=Decimal(number + 2) / 10, on=on)


def take_one_back(house: House, on: date) -> None:
    row = Placement.objects.running().order_by("-pk").first()
    if row is not None and not Placement.objects.filter(status=Placement.Status.RECALLED).exists():
        with refusals.told(house, row.public_id):
            placements.recall(row, reason=Placement.Reason.DECISION, actor=house.staff["supervisor"], at=house.at(on, 9, 50))


def pay(house: House, row: Placement, *, share: Decimal, on: date) -> None:
    """Let a part of what is overdue come in while the agency has the case."""
    at = house.at(on, 9, 20)
    debt = (
        row.case.debts.filter(loan__status=Loan.Status.OPEN)
        .select_related("loan__product", "loan__legal_entity")
        .order_by("-dpd", "pk")
        .first()
    )
    amount = quantize(row.balance * share)
    if debt is None or not Decimal(0) < amount < debt.overdue_amount:
        return
    repayments.receive(debt.loan, amount=amount, actor=house.staff["operations"], at=at, key=f"agency-{row.public_id}")
    placements.follow([row.case.customer_id], actor=users.system(), at=at)
