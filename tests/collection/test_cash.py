"""What counts as money that came in is one thing, whoever sums it: a reversal takes back money only where it reverses money."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from collection import figures, promises, result_facts, score_rows, treatment_experiments, treatment_results, treatment_runs
from collection.models import Case
from collection.result_facts import Asked
from tests.collection.conftest import Floor
from tests.collection.test_results import moved
from tests.collection.test_treatment_experiments import AT, challenger, planned

__all__ = ["challenger"]  # a fixture
STOOD = datetime(2026, 4, 11, 16, tzinfo=UTC)  # the start of 12 April in Shanghai
DAY = date(2026, 4, 13)


@pytest.mark.django_db
def test_promises_figures_experiments_and_scores_count_the_same_money(floor: Floor, challenger: Any) -> None:
    """100.00 and, before its time, 50.00; 40.00 that bounced; 300.00 that were written off, and owed again: 150.00 came in."""
    case, cast = floor.case(), floor.cast
    floor.close(date(2026, 4, 11))
    experiment = treatment_experiments.start(planned(floor, challenger), actor=cast.risk_manager, at=AT)
    treatment_runs.work([case.pk], at=AT)
    loan = case.debts.get().loan
    moved(loan, "100.00", DAY, cast)
    moved(loan, "50.00", DAY, cast, kind="prepayment")
    bounced = moved(loan, "40.00", DAY + timedelta(days=1), cast)
    moved(loan, "40.00", DAY + timedelta(days=2), cast, kind="reversal", reverses=bounced)
    given = moved(loan, "300.00", DAY + timedelta(days=1), cast, kind="write_off")
    moved(loan, "300.00", DAY + timedelta(days=3), cast, kind="reversal", reverses=given)

    rows = Case.objects.filter(pk=case.pk)
    (arm,) = treatment_results.arms(experiment, at=AT + timedelta(days=9))
    (stood,) = score_rows.stood(cast.entity.pk, [STOOD], zone="Asia/Shanghai", cure_days=14)
    paid = promises.payments([case.customer_id], after=0)[case.customer_id]
    assert {
        "promises": sum(payment.amount for _pk, payment in paid),
        "desk": sum(figures.collected(rows, since=DAY, until=DAY + timedelta(days=9), by="day").values()),
        "results": result_facts.count(Asked(date(2026, 4, 1), date(2026, 4, 30)), rows, {}).at(("cash",)).amount,
        "experiment": arm.cash,
        "scores": stood.cash,
    } == dict.fromkeys(("promises", "desk", "results", "experiment", "scores"), D("150.00"))
