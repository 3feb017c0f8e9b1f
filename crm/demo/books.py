"""The books of the demonstration: months that are over are closed but for the last one, and a change of the chart waits.

Before the first day: money that nobody could place, and names for the days late. At the end: journals that people wrote, another rule of
classification that waits.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from credit import book_check, chart, class_rules, manual_journals, periods, ranges, suspense
from credit.models import Product
from governance import changes
from governance.models import LegalEntity, User

NAMED = [["EARLY", 1, 10], ["M1", 11, 30], ["M2", 31, 60], ["M3", 61, 90], ["LEGAL", 91, None]]
OWN = (
    ("660201", "Administrative expenses", "业务及管理费", "expense"),
    ("224190", "Other payables – suppliers", "其他应付款—供应商", "liability"),
)


def begin(entity: LegalEntity, *, on: date, at: datetime) -> None:
    """Name the days late of the product on sale, and take in money that names no loan."""
    people = {user.username: user for user in User.objects.filter(username__in=("operations", "risk", "compliance"), is_active=True)}
    for code in Product.objects.filter(legal_entity=entity).values_list("code", flat=True).distinct().order_by("code")[:1]:
        change = ranges.propose(entity, code, ranges=NAMED, since=on, reason="催收按天数分段作业。", actor=people["risk"], at=at)
        changes.confirm(change, actor=people["compliance"], at=at)
    suspense.take_in(
        legal_entity=entity, reference="DEMO-0000", received_on=on, amount=Decimal("1350.00"), remittance="还款", actor=people["operations"],
        at=at,
    )  # fmt: skip


def written(entity: LegalEntity, people: dict[str, User], *, at: datetime) -> None:
    """Write a journal by hand with two persons, and leave another waiting."""
    told: dict[str, Any] = {"actor": people["operations"], "at": at}
    for code, en, zh, kind in OWN:
        change = chart.propose_account(entity, code, name_en=en, name_zh=zh, kind=kind, reason="贷款以外的费用单独核算。", new=True, **told)
        changes.confirm(change, actor=people["admin"], at=at)
    for place, (document, amount) in enumerate((("V-2026-0113", "4200.00"), ("V-2026-0114", "860.00"))):
        lines = [("660201", Decimal(amount)), ("224190", -Decimal(amount))]
        change = manual_journals.propose(
            entity, day=entity.business_date, lines=lines, reason="expense", document=document, text="短信服务费，供应商账单。", **told
        )
        if not place:
            changes.confirm(change, actor=people["risk"], at=at)


def fill(entity: LegalEntity, *, at: datetime) -> None:
    """Close the months that are over, as operations do once the reports are out; the last of them is still being looked at."""
    entity.refresh_from_db()
    people = {user.username: user for user in User.objects.filter(username__in=("operations", "admin", "risk"), is_active=True)}
    over = [each["month"] for each in periods.months(entity) if each["over"]]
    for month in over[:-1]:
        periods.close(entity, month, actor=people["operations"], at=at)
    chart.propose_account(
        entity, "130302", name_en="Loans – principal of loans with a partner", name_zh="贷款—联合贷款本金", kind="asset",
        reason="联合贷款业务上线前单独核算。", actor=people["operations"], at=at, new=True,
    )  # fmt: skip
    written(entity, people, at=at)
    values = class_rules.standing(entity.business_date) | {"upgrade_months": 9}
    class_rules.propose(values, since=entity.business_date, reason="上调观察期延长，更审慎。", actor=people["risk"], at=at)
    if (day := book_check.last_day(entity)) is not None:
        book_check.check_day(entity, day, at=at)
