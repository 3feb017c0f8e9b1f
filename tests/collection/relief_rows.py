"""One row of each kind of matter and relief, for the tests that ask of every address."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from collection import complaints, disputes, relief_plans
from collection import hardship as hardships
from collection.models import Agency, HardshipPaper, Placement, Settlement
from credit import acts
from governance import changes
from tests.fixtures.papers import pdf


def demand_all(case: Any, floor: Any, at: datetime) -> None:
    """Make the whole balance of the case's loan due, as credit does it: a notice long ago, and a second person."""
    loan = case.debts.get().loan
    told = {"notice_on": at.date() - timedelta(days=35), "notice_number": "N-1"}
    change = acts.do(
        loan, acts.ACTS["acceleration"], told, on=None, why="contract", actor=floor.cast.loan_operations, at=at, key=f"demand-{loan.pk}"
    )
    changes.confirm(change, actor=floor.cast.risk_manager, at=at)
    floor.deliver()


def rows_of(case: Any, *, worker: Any, cast: Any, at: datetime) -> dict[str, str]:
    """Return the public id of one row of each kind in a case, brought by `worker`."""
    told = {"channel": "inbound", "statement": "多收了费用", "owner": cast.compliance, "actor": worker, "at": at}
    dispute = disputes.raise_(case, loan=case.debts.get().loan, kind="amount", amount=Decimal("10.00"), **told)
    complaint = complaints.file(case, kind="manner", about=None, is_complex=False, **told)
    disputes.withdraw(dispute, words="清楚了", actor=worker, at=at)
    loan = dispute.loan
    opened = hardships.open_(case, cause="illness", owner=cast.compliance, actor=worker, at=at)
    hardships.fill_in(opened, amounts={"wage": Decimal("9000.00"), "food": Decimal("2000.00")}, actor=worker, at=at)
    hardships.assess(opened, actor=worker, at=at)
    paper: HardshipPaper = hardships.add_paper(opened, stored=hardships.keep_file(pdf("hardship")), actor=worker, at=at)
    plan = relief_plans.propose(opened, loan=loan, kind="extension", data={"more": 2}, actor=worker, at=at)
    settlement = Settlement.objects.create(
        case=case, dpd=40, balance=Decimal("100.00"), floor=Decimal("95.00"), amount=Decimal("95.00"), discount=Decimal("0.05"),
        tolerance=Decimal("1.00"), grace_days=1, offered_by=worker, offered_at=at, offered_on=at.date(), expires_on=at.date() + timedelta(days=14),
    )  # fmt: skip
    dispute = disputes.raise_(case, loan=loan, kind="amount", amount=Decimal("10.00"), **told)  # open, once the plan stands
    agency = Agency.objects.create(
        code=f"AG-{case.pk}", legal_entity=case.legal_entity, name_en="Agency", name_zh="机构", capacity=10, fees={"0": "0.10"}
    )  # fmt: skip
    placement = Placement.objects.create(
        case=case, agency=agency, dpd=40, balance=Decimal("100.00"), rate=Decimal("0.10"), counts_after=0, placed_by=worker, placed_on=at.date(),
        back_on=at.date() + timedelta(days=90),
    )  # fmt: skip
    return {
        "placement": placement.public_id,
        "dispute": dispute.public_id, "complaint": complaint.public_id, "hardship": opened.public_id, "hardship_paper": paper.public_id,
        "relief_plan": plan.public_id, "settlement": settlement.public_id,
    }  # fmt: skip
