"""The ground under the tests of collections: what `Floor.close` passes over would have changed nothing."""

from datetime import date

import pytest
from django.db import transaction

from credit.models import Installment, Loan, LoanSnapshot, RangeMove
from ledger.models import Entry
from tests.collection import conftest
from tests.collection.conftest import LATE, Floor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("day", [date(2026, 3, 20), date(2026, 4, 2), date(2026, 4, 3), LATE, date(2026, 6, 10)])
def test_days_passed_over_come_to_the_same_as_days_played(floor: Floor, monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    floor.desk.loan()
    told = []
    for passes in (conftest.pass_quiet_days, lambda *_nothing: None):
        monkeypatch.setattr(conftest, "pass_quiet_days", passes)
        with transaction.atomic():
            floor.close(day)
            told.append(
                [
                    list(Loan.objects.values()),
                    list(Installment.objects.order_by("seq").values()),
                    [row | {"id": 0} for row in LoanSnapshot.objects.order_by("month").values()],
                    list(RangeMove.objects.values_list("business_date", "was", "now", "treatment_dpd")),
                    list(Entry.objects.filter(subject_type="credit.loan").order_by("pk").values_list("event", "facts", "at")),
                ]
            )
            transaction.set_rollback(True)
        floor.cast.entity.refresh_from_db()
    assert told[0] == told[1]
    assert told[0][0][0]["dpd"] == max((day - date(2026, 4, 2)).days, 0) or day < date(2026, 4, 6), "grace"
