"""Disputes, complaints, hardship and settlements of the demonstration: one of each state, on the cases that are open on its last day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from collection import complaints, contested, disputes, relief_plans, settlements
from collection import hardship as hardships
from collection.judgement import Part
from collection.models import Case, CaseDebt, Dispute, Hardship, Settlement
from credit import acts, repayments
from credit.models import Installment, Loan
from crm.lib.errors import DomainError
from governance import changes
from governance.models import ChangeRequest

if TYPE_CHECKING:
    from crm.demo.play import House

BUDGET = {"wage": Decimal("6200.00"), "housing": Decimal("2100.00"), "food": Decimal("1900.00"), "debts": Decimal("800.00")}


def play(house: House) -> None:
    """Show matters and relief in their states, one a case and the liveliest first; played again it adds nothing."""
    if Dispute.objects.exists():
        return
    rows = (
        Case.objects.open()
        .filter(claimed_by__isnull=True, overdue_amount__gt=Decimal("50.00"))
        .select_related("customer", "legal_entity", "branch")
    )
    # Of a loan whose last date is over nothing is left to spread, nor to make due.
    running = CaseDebt.objects.filter(case=OuterRef("pk"), loan__in=still_running(house))
    found = list(rows.filter(Exists(running)).order_by("-dpd", "pk")[: len(STORIES)])
    at = house.at(house.today, 10, 15)
    for (tell, state), case in zip(STORIES, found, strict=False):
        try:
            with transaction.atomic():
                tell(house, case, state, at)
        except DomainError as refused:  # a case of the play may lack what this story needs: the others are told all the same
            house.say(f"  {case.public_id}: {refused.message}")


def still_running(house: House) -> QuerySet[Loan]:
    return Loan.objects.open().filter(Exists(Installment.objects.filter(loan=OuterRef("pk"), due_on__gt=house.today)))


def worker(house: House, case: Case) -> Any:
    """Return a collector who sees the case."""
    for name in ("collector", "collector2", "supervisor"):
        user = house.staff[name]
        if Case.objects.visible_to(user).filter(pk=case.pk).exists():
            return user
    return house.staff["supervisor"]


def loan_of(case: Case) -> Loan:
    """Return the loan of a case that runs longest: one that still runs, if there is any."""
    debts = case.debts.filter(loan__status=Loan.Status.OPEN).annotate(ends_on=Max("loan__installments__due_on"))
    return debts.select_related("loan__product", "loan__legal_entity").order_by("-ends_on", "pk")[0].loan


def contest(house: House, case: Case, state: str, at: datetime) -> None:
    """Contest a debt, and have it decided or take it back."""
    compliance, actor = house.staff["compliance"], worker(house, case)
    kind, part = CONTESTED[state]
    row = disputes.raise_(
        case, loan=loan_of(case), kind=kind, amount=Decimal("45.00"), channel="inbound", owner=compliance, actor=actor, at=at,
        statement="客户称该笔费用不应收取，并提供了截图。",
    )  # fmt: skip
    if state == "withdrawn":
        disputes.withdraw(row, words="客户表示已弄清费用来源。", actor=actor, at=at + timedelta(hours=1))
    elif state != "open":
        answer, later = "已核对流水并答复客户。", at + timedelta(hours=2)
        disputes.decide(row, outcome=state, upheld=part, answer=answer, actor=compliance, at=later)


def complain(house: House, case: Case, state: str, at: datetime) -> None:
    """Complain: one whose answer is late, a complex one about nobody, and decided ones about a collector."""
    compliance = house.staff["compliance"]
    row = complaints.file(
        case, kind="frequency" if state == "complex" else "manner", about=None if state == "complex" else house.staff["collector"],
        is_complex=state == "complex", channel="inbound", owner=compliance, actor=house.staff["supervisor"],
        at=at - timedelta(days={"late": 18, "complex": 4}.get(state, 6)), statement="客户投诉来电过于频繁，语气生硬。",
    )  # fmt: skip
    if state not in ("late", "complex"):
        complaints.decide(row, outcome=state, answer="已听录音并向客户说明。", actor=compliance, at=at)


def relieve(house: House, case: Case, state: str, at: datetime) -> None:
    """Ask for relief: an unfinished form, one looked at with a plan that waits, one granted, one refused, and special care."""
    supervisor, manager, collector = house.staff["supervisor"], house.staff["risk"], worker(house, case)
    if state == "care":
        hardships.flag_care(
            case.customer, kind="ability", needs="请放慢语速，重要事项以短信书面告知。", consented=True,
            review_on=house.today + timedelta(days=90), actor=collector, at=at,
        )  # fmt: skip
        return
    words = "公司减薪，三个月内收入下降约三成。"
    row = hardships.open_(case, cause="income", owner=house.staff["compliance"], actor=collector, at=at, words=words)
    if state == "draft":
        hardships.fill_in(row, amounts={"wage": Decimal("5200.00"), "housing": None}, actor=collector, at=at)
        return
    hardships.fill_in(row, amounts=BUDGET, actor=collector, at=at)
    row = hardships.assess(row, actor=collector, at=at)
    if state == "refused":
        hardships.answer(row, outcome=Hardship.Status.REFUSED, answer="每月结余足以还款，暂不调整。", actor=supervisor, at=at)
        return
    plan = relief_plans.propose(row, loan=loan_of(case), kind="extension", data={"more": 3}, actor=collector, at=at)
    if state == "granted":
        relief_plans.approve(plan, actor=manager if collector.pk == supervisor.pk else supervisor, at=at + timedelta(minutes=30))


def settle(house: House, case: Case, state: str, at: datetime) -> None:
    """Settle for less: proposed, offered, being paid, and taken back."""
    manager, collector = house.staff["risk"], worker(house, case)
    if contested.is_frozen(case, collector):
        return
    demand_all(house, case, at=at)
    least = settlements.terms(case, on=house.today).floor
    row = settlements.offer(case, parts=parts_of(least, house.today), actor=collector, at=at)
    if state == "withdrawn":
        settlements.withdraw(row, actor=collector, at=at)
    elif state != "proposed":
        row = settlements.approve(row, actor=manager, at=at)
    if state == "accepted":
        pay_first(house, settlements.accept(row, actor=collector, at=at), case, at=at)


def demand_all(house: House, case: Case, *, at: datetime) -> None:
    """Make the whole balance due: a settlement is about a debt that is due in full."""
    told = {"notice_on": house.today - timedelta(days=45), "notice_number": f"DN-{case.public_id}"}
    for loan in still_running(house).filter(customer=case.customer_id).select_related("product", "legal_entity"):
        change = acts.do(
            loan, acts.ACTS["acceleration"], told, on=None, why="contract", actor=house.staff["operations"], at=at,
            key=f"demo-demand-{loan.pk}",
        )  # fmt: skip
        if isinstance(change, ChangeRequest) and change.status == ChangeRequest.Status.OPEN:
            changes.confirm(change, actor=house.staff["risk"], at=at + timedelta(minutes=5))


def parts_of(amount: Decimal, today: date) -> list[Part]:
    half = (amount / 2).quantize(Decimal("0.01"))
    return [Part(today + timedelta(days=10), half), Part(today + timedelta(days=40), amount - half)]


def pay_first(house: House, row: Settlement, case: Case, *, at: datetime) -> None:
    """Let the first payment of a settlement come in."""
    first = row.parts.order_by("seq")[0]
    later = at + timedelta(hours=3)
    repayments.receive(loan_of(case), amount=first.amount, actor=house.staff["officer"], at=later, key=f"demo-settlement-{row.pk}")


CONTESTED = {
    "open": ("fee", None), "upheld": ("paid", None), "partly": ("amount", Decimal("20.00")), "rejected": ("bureau", None),
    "withdrawn": ("fraud", None),
}  # fmt: skip
# A small house has few cases in arrears: it shows the first of these.
STORIES: tuple[tuple[Callable[[House, Case, str, datetime], None], str], ...] = (
    (settle, "accepted"), (relieve, "plan"), (contest, "open"), (complain, "late"), (settle, "approved"), (relieve, "granted"),
    (relieve, "care"), (contest, "partly"), (settle, "proposed"), (relieve, "draft"), (complain, "complex"), (relieve, "refused"),
    (contest, "upheld"), (contest, "rejected"), (contest, "withdrawn"), (complain, "upheld"), (complain, "rejected"), (settle, "withdrawn"),
)  # fmt: skip
