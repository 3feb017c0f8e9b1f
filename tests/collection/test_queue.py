"""What comes next on the desk, and why."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from collection import cases, queues
from collection.models import Case
from tests.collection.conftest import AFTER, Floor

TODAY = AFTER.date()


@pytest.fixture
def three(floor: Floor) -> list[Case]:
    """Return three open cases of the east branch as the queue should order them: graver bucket, then larger amount."""
    for amount in (D("3000.00"), D("9000.00"), D("6000.00")):
        floor.desk.loan(amount=amount, term=6)
    floor.close(TODAY - timedelta(days=1))
    small, large, middle = Case.objects.order_by("pk")
    Case.objects.filter(pk=small.pk).update(bucket=3, dpd=70)
    return [Case.objects.get(pk=case.pk) for case in (small, large, middle)]


def ids(user: Any, at: Any = AFTER) -> list[int]:
    return [item.case.pk for item in queues.upcoming(user, at=at)]


def test_the_graver_bucket_comes_first_then_the_larger_amount(three: list[Case], floor: Floor) -> None:
    assert ids(floor.cast.collector) == [case.pk for case in three]
    assert list(Case.objects.queue(floor.cast.collector, at=AFTER, on=TODAY)) == three


def test_what_a_supervisor_gave_comes_before_the_pool_and_leaves_the_others_queue(three: list[Case], floor: Floor) -> None:
    gift = three[2]
    cases.assign(gift, to=floor.cast.collector, version=gift.version, actor=floor.cast.collections_supervisor, at=AFTER)
    assert ids(floor.cast.collector) == [gift.pk, three[0].pk, three[1].pk]
    assert ids(floor.cast.second_collector) == [three[0].pk, three[1].pk]
    assert queues.upcoming(floor.cast.collector, at=AFTER)[0].reasons[0] == "Assigned to you"


def test_what_another_holds_is_left_out_until_it_runs_out(three: list[Case], floor: Floor) -> None:
    cases.claim(three[0], actor=floor.cast.second_collector, at=AFTER)
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk]
    assert ids(floor.cast.collector, at=AFTER + timedelta(minutes=20))[0] == three[0].pk


def test_a_planned_action_waits_for_its_day(three: list[Case], floor: Floor) -> None:
    Case.objects.filter(pk=three[0].pk).update(next_action="call", next_action_on=TODAY + timedelta(days=2))
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk]
    assert queues.next_due(floor.cast.collector, at=AFTER) == TODAY + timedelta(days=2)
    item = next(item for item in queues.upcoming(floor.cast.collector, at=AFTER + timedelta(days=2)) if item.case.pk == three[0].pk)
    assert item.reasons[0] == "Call planned for today"
    item = next(item for item in queues.upcoming(floor.cast.collector, at=AFTER + timedelta(days=3)) if item.case.pk == three[0].pk)
    assert item.reasons[0] == f"Call was planned for {TODAY + timedelta(days=2)}"


def test_at_most_three_reasons_the_weightiest_first(three: list[Case], floor: Floor) -> None:
    reasons = queues.upcoming(floor.cast.collector, at=AFTER)[0].reasons
    assert reasons[:2] == ["Not contacted yet", "70 days past due, M3"]
    assert reasons[2].endswith("overdue on 1 loan")
    assert len(reasons) == 3


def test_other_branches_have_their_own_queue(three: list[Case], floor: Floor) -> None:
    assert ids(floor.cast.west_collector) == []
    assert ids(floor.cast.nobody) == []


def test_the_queue_costs_the_same_however_long(three: list[Case], floor: Floor, django_assert_num_queries: Any) -> None:
    queues.upcoming(floor.cast.collector, at=AFTER)  # what a process remembers for a while is read before, not within
    with django_assert_num_queries(3):  # the teams in reach, the cases, their loans
        queues.upcoming(floor.cast.collector, at=AFTER)
