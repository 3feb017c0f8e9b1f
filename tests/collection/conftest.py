"""Overdue loans and their cases, made through the doors of credit."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

LATE = date(2026, 4, 10)  # eight days after the first due date of a loan booked on 2026-03-02
DAY = timedelta(days=1)
AFTER = datetime(2026, 4, 11, 4, 0, tzinfo=UTC)  # noon in Shanghai of the business date that follows


def by_daylight() -> None:
    """Let every customer live where it is noon now: pages and the API go by the real clock, and nobody is called at night."""
    from django.utils.timezone import now

    from customers.models import Customer

    ahead = 12 - now().astimezone(UTC).hour
    Customer.objects.update(zone=f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


def pass_quiet_days(entity: Any, day: date) -> None:
    """Let the days before `day` be over on which no loan has missed anything: the close would play each of them to the same.

    A month's end is played, for its snapshot. `test_floor.py` holds that it is the same.
    """
    from django.db.models import Min, Q

    from credit import close_ranges
    from credit.models import Loan

    nothing = {"dpd": 0, "bucket": 0, "stage": 1, "risk_class": 1, "line": None, "closed_on__lt": day - DAY}
    first_due = Min("installments__due_on", filter=Q(installments__paid_on=None))
    for loan in Loan.objects.open().filter(legal_entity=entity, **nothing).annotate(first_due=first_due):
        over = min(loan.first_due or day, day - DAY)
        month_end = loan.closed_on.replace(day=1)
        while (month_end := (month_end + 31 * DAY).replace(day=1)) - DAY <= over:
            if month_end - DAY > loan.closed_on:
                Loan.objects.filter(pk=loan.pk).update(closed_on=month_end - 2 * DAY)
                at = datetime.combine(month_end, NOON.timetz())
                close_ranges.close(entity.pk, loan.pk, loan.pk, until=month_end - DAY, at=at, told_at=at)
        Loan.objects.filter(pk=loan.pk, closed_on__lt=over).update(closed_on=over)


class Floor:
    """What the tests of collections need: overdue loans, cases, and the days going by."""

    def __init__(self, cast: Cast, desk: Desk, deliver: Callable[[], int]) -> None:
        self.cast, self.desk, self.deliver = cast, desk, deliver

    def close(self, day: date) -> None:
        """Close one business date, jumping over those before it on which nothing happens, and let the subscribers run."""
        from credit import end_of_day
        from governance.models import LegalEntity

        LegalEntity.objects.filter(pk=self.cast.entity.pk).update(business_date=day)
        self.cast.entity.refresh_from_db()
        pass_quiet_days(self.cast.entity, day)
        end_of_day.close(self.cast.entity, day, at=datetime(day.year, day.month, day.day, 16, 10, tzinfo=UTC))
        self.deliver()

    def late_loan(self, day: date = LATE, **changes: Any) -> Any:
        """Return a loan that missed its first due date, with its case opened by the close of `day`."""
        loan = self.desk.loan(**changes)
        self.close(day)
        loan.refresh_from_db()
        return loan

    def case(self, day: date = LATE, **changes: Any) -> Any:
        from collection.models import Case

        return Case.objects.get(customer=self.late_loan(day, **changes).customer)

    def pay_all_overdue(self, loan: Any, at: datetime = AFTER) -> None:
        """Pay what is overdue to the cent, and let the subscribers run."""
        from credit import repayments
        from credit.models import Installment

        loan.refresh_from_db()
        late = Installment.objects.filter(loan=loan, status="overdue")
        on = repayments.value_day(loan.legal_entity, at)
        due = sum(each.owed + repayments.penalty_on(loan, each, on) - each.penalty_paid for each in late)
        repayments.receive(loan, amount=due, actor=self.cast.loan_officer, at=at, key=f"all-{at.isoformat()}")
        self.deliver()


@pytest.fixture
def desk(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


@pytest.fixture
def floor(cast: Cast, desk: Desk, deliver: Callable[[], int]) -> Floor:
    return Floor(cast, desk, deliver)
