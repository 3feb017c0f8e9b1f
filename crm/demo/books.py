"""The books of the demonstration: months that are over are closed but for the last one, and a change of the chart waits."""

from datetime import datetime

from credit import book_check, chart, periods
from governance.models import LegalEntity, User


def fill(entity: LegalEntity, *, at: datetime) -> None:
    """Close the months that are over, as operations do once the reports are out; the last of them is still being looked at."""
    entity.refresh_from_db()
    people = {user.username: user for user in User.objects.filter(username__in=("operations", "admin"), is_active=True)}
    over = [each["month"] for each in periods.months(entity) if each["over"]]
    for month in over[:-1]:
        periods.close(entity, month, actor=people["operations"], at=at)
    chart.propose_account(
        entity, "130302", name_en="Loans – principal of loans with a partner", name_zh="贷款—联合贷款本金", kind="asset",
        reason="联合贷款业务上线前单独核算。", actor=people["operations"], at=at, new=True,
    )  # fmt: skip
    if (day := book_check.last_day(entity)) is not None:
        book_check.check_day(entity, day, at=at)
