"""Agencies and cases that may go to them, made through the doors."""

from datetime import date
from decimal import Decimal as D
from typing import Any

from collection import agencies, placements
from collection.models import Agency, Case, Placement
from tests.collection.conftest import AFTER, Floor

LATER = date(2026, 5, 20)  # 48 days after the first due date
DAY = AFTER.replace(month=5, day=21)
FEES = {0: D("0.10"), 91: D("0.25")}


def agency(floor: Floor, code: str = "NORTH", **changes: Any) -> Agency:
    """Return an agency that two persons agreed on."""
    from governance import changes as four_eyes

    values: dict[str, Any] = {
        "entity": floor.cast.entity, "name_en": code.title(), "name_zh": code, "capacity": 10, "fees": FEES, "members": [],
    }  # fmt: skip
    after = agencies.wanted(**values | changes)
    asked = agencies.propose(code, after, reason="tender of 2026", actor=floor.cast.collections_supervisor, at=DAY)
    four_eyes.confirm(asked, actor=floor.cast.compliance, at=DAY)
    return Agency.objects.get(code=code)


def late_cases(floor: Floor, number: int) -> list[Case]:
    """Return cases that are 48 days past due."""
    loans = [floor.desk.loan() for _n in range(number)]
    floor.close(LATER)
    return [Case.objects.get(customer=loan.customer_id) for loan in loans]


def late_case(floor: Floor) -> Case:
    return late_cases(floor, 1)[0]


def placed(floor: Floor, where: Agency, case: Case | None = None) -> Placement:
    row = case or late_case(floor)
    return placements.place(row, agency=where, actor=floor.cast.collections_supervisor, at=DAY)
