"""Agencies of the demonstration: two that two persons agreed on, cases with both, payments and their fees, one case taken back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from collection import agencies, placement_orders, placements
from collection.models import Agency, Placement
from credit import repayments
from credit.models import Loan
from crm.lib.money import quantize
from governance import changes, users

if TYPE_CHECKING:
    from crm.demo.play import House

ROWS = (
    ("DONGHE", "Donghe Collections (made up)", "东和催收（虚构）", 40, {31: "0.1200", 91: "0.2200", 181: "0.3000"}),
    ("LANTIAN", "Lantian Services (made up)", "蓝天服务（虚构）", 25, {31: "0.1000", 91: "0.2000"}),
)
GIVEN, PAID = 14, 6
BEGINS = timedelta(days=21)  # before the last day
PAYDAYS = (timedelta(days=13), timedelta(days=4))


def day(house: House, on: date) -> None:
    """Let agencies begin three weeks before the last day, payments come in, and one case be taken back at the end."""
    if on == house.today - BEGINS:
        begin(house, on)
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
    for code, name_en, name_zh, capacity, fees in ROWS:
        after = agencies.wanted(
            entity=house.entity, name_en=name_en, name_zh=name_zh, capacity=capacity, fees={days: Decimal(fee) for days, fee in fees.items()},
            members=[],
        )  # fmt: skip
        change = agencies.propose(code, after, reason="2026年度招标结果", actor=supervisor, at=at)
        if not change.alone:
            changes.confirm(change, actor=house.staff["compliance"], at=at + timedelta(minutes=5))
    found = placement_orders.preview(supervisor, {"dpd_from": 31, "most": GIVEN}, agency=None, at=at)
    for case, agency in found.given:
        placements.place(case, agency=agency, actor=supervisor, at=at + timedelta(minutes=10))


def come_in(house: House, on: date, *, first: int) -> None:
    """Let a part of what is overdue come in on some of the cases outside."""
    rows = Placement.objects.running().select_related("case").order_by("pk")[first : first + PAID // 2]
    for number, row in enumerate(rows, first):
        pay(house, row, share=Decimal(number + 2) / 10, on=on)


def take_one_back(house: House, on: date) -> None:
    row = Placement.objects.running().order_by("-pk").first()
    if row is not None and not Placement.objects.filter(status=Placement.Status.RECALLED).exists():
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
