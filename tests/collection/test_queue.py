"""What comes next on the desk, and why."""

from datetime import datetime, timedelta
from decimal import Decimal as D
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from collection import cases, places, priority, queues
from collection.models import Case, Collector, Place
from tests.collection.conftest import AFTER, Floor

TODAY = AFTER.date()


@pytest.fixture
def three(floor: Floor) -> list[Case]:
    """Return three open cases of the east branch as the queue should order them: what a contact is expected to bring."""
    for amount in (D("3000.00"), D("9000.00"), D("6000.00")):
        floor.desk.loan(amount=amount, term=6)
    floor.close(TODAY - timedelta(days=1))
    small, large, middle = Case.objects.order_by("pk")
    return [Case.objects.get(pk=case.pk) for case in (large, middle, small)]


def changed(case: Case, at: datetime = AFTER, **values: Any) -> None:
    """Change a case behind the doors, and let its place follow as the night would."""
    Case.objects.filter(pk=case.pk).update(**values)
    row = Case.objects.get(pk=case.pk)
    if places.revalue([row]):
        row.save(update_fields=["expected_recovery"])
    places.refresh([case.pk], on=at.date(), at=at)


def ids(user: Any, at: Any = AFTER) -> list[int]:
    return [item.case.pk for item in queues.upcoming(user, at=at)]


def test_what_a_contact_is_expected_to_bring_orders_those_of_one_place(three: list[Case], floor: Floor) -> None:
    assert ids(floor.cast.collector) == [case.pk for case in three]
    assert list(Case.objects.queue(floor.cast.collector, at=AFTER, on=TODAY)) == three
    worth = [case.expected_recovery for case in three]
    assert worth == sorted(worth, reverse=True) and worth[0] == priority.recovery(
        overdue=three[0].overdue_amount, expected_loss=D("0.00"), chance=D("0.60")
    )


def test_the_reason_stands_before_the_amount(three: list[Case], floor: Floor) -> None:
    large, middle, small = three
    changed(small, broken_on=TODAY)
    assert ids(floor.cast.collector) == [small.pk, large.pk, middle.pk]
    changed(middle, next_action="call", next_action_on=TODAY)
    changed(large, moved_on=TODAY, last_contact_at=AFTER)
    assert ids(floor.cast.collector) == [small.pk, middle.pk, large.pk]
    assert [case.place for case in Case.objects.order_by("place")] == [Place.BROKEN, Place.PLANNED, Place.MOVED]


def test_an_older_debt_that_is_nearly_lost_comes_after_one_that_can_be_saved(three: list[Case], floor: Floor) -> None:
    changed(three[0], bucket=7, dpd=400)
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk, three[0].pk]


@given(
    overdue=st.decimals("0.00", "9999999.99", places=2),
    loss=st.decimals("0.00", "9999999.99", places=2),
    chance=st.sampled_from([D("0"), D("0.04"), D("0.6"), D("1")]),
)
def test_a_recovery_is_never_above_what_is_overdue_and_grows_with_it(overdue: D, loss: D, chance: D) -> None:
    worth = priority.recovery(overdue=overdue, expected_loss=loss, chance=chance)
    assert D("0.00") <= worth <= overdue
    assert priority.recovery(overdue=overdue, expected_loss=loss + 1, chance=chance) >= worth
    assert priority.recovery(overdue=overdue + 1, expected_loss=loss, chance=chance) >= worth


def test_a_small_rest_of_a_large_loan_is_worth_the_rest_alone() -> None:
    """20 cents are overdue, 120 are expected to be lost of the principal: a contact cannot bring 72.12."""
    assert priority.recovery(overdue=D("0.20"), expected_loss=D("120.00"), chance=D("0.6")) == D("0.20")
    assert priority.recovery(overdue=D("100.00"), expected_loss=D("20.00"), chance=D("0.6")) == D("72.00")


def test_who_sleeps_by_their_own_clock_comes_after_all_who_may_be_called(three: list[Case], floor: Floor) -> None:
    customer = three[0].customer
    type(customer).objects.filter(pk=customer.pk).update(zone="America/Los_Angeles")  # 20:00 of the day before
    late = AFTER + timedelta(hours=3)  # 23:00 there
    assert ids(floor.cast.collector, at=late) == [three[1].pk, three[2].pk, three[0].pk]
    taken = queues.take_next(floor.cast.collector, at=late)
    assert taken is not None and taken.pk == three[1].pk


def test_a_collector_gets_customers_whose_language_they_speak(three: list[Case], floor: Floor) -> None:
    customer = three[0].customer
    type(customer).objects.filter(pk=customer.pk).update(language="en")
    Collector.objects.create(user=floor.cast.collector, languages=["zh-hans"])
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk]
    Collector.objects.filter(user=floor.cast.collector).update(languages=["zh-hans", "en"])
    assert ids(floor.cast.collector)[0] == three[0].pk


def test_each_queue_counts_what_lies_free_in_it(three: list[Case], floor: Floor) -> None:
    mine, teams, pools = three
    user = floor.cast.collector
    cases.assign(mine, to=user, version=mine.version, actor=floor.cast.collections_supervisor, at=AFTER)
    Case.objects.filter(pk=teams.pk).update(team=user.team)
    assert [(name, count) for name, _words, count in queues.counts(user, at=AFTER)] == [("own", "1"), ("team", "1"), ("pool", "1")]
    assert ids(user) == [mine.pk, teams.pk, pools.pk]
    for where, case in zip(queues.WHERE, (mine, teams, pools), strict=True):
        assert [item.case.pk for item in queues.upcoming(user, at=AFTER, where=(where,))] == [case.pk]
    Case.objects.filter(pk=teams.pk).update(team=floor.cast.west_collector.team)
    assert ids(user) == [mine.pk, pools.pk]
    with pytest.raises(cases.AssignedElsewhere):
        cases.claim(teams, actor=user, at=AFTER)


def test_a_view_narrows_what_is_taken(three: list[Case], floor: Floor) -> None:
    only = Case.objects.filter(pk=three[2].pk)
    taken = queues.take_next(floor.cast.collector, at=AFTER, within=only)
    assert taken is not None and taken.pk == three[2].pk
    assert queues.take_next(floor.cast.collector, at=AFTER, within=only) is None


def test_the_day_that_comes_wakes_what_was_planned_for_it(three: list[Case], floor: Floor) -> None:
    case = three[2]
    changed(case, next_action="call", next_action_on=TODAY + timedelta(days=2), last_contact_at=AFTER)
    assert Case.objects.get(pk=case.pk).place == Place.LATER
    assert places.wake(floor.cast.entity, at=AFTER + timedelta(days=1)) == 0
    assert places.wake(floor.cast.entity, at=AFTER + timedelta(days=2)) == 1
    assert ids(floor.cast.collector, at=AFTER + timedelta(days=2))[0] == case.pk


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_the_next_at_once_each_gets_another(floor: Floor) -> None:
    for _ in range(6):
        floor.desk.loan(amount=D("1000.00"), term=3)
    floor.close(TODAY - timedelta(days=1))
    people = [floor.cast.collector, floor.cast.second_collector, floor.cast.collections_supervisor] * 3
    start, got = Barrier(len(people)), []

    def race(person: Any) -> None:
        try:
            start.wait()
            got.append(queues.take_next(person, at=AFTER))
        finally:
            connection.close()

    threads = [Thread(target=race, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [case.pk for case in got if case is not None]
    assert len(got) == 9 and len(taken) == len(set(taken)) == 6  # as many as there are, none twice
    assert Case.objects.filter(claimed_by__isnull=False).count() == 6


def test_what_a_supervisor_gave_comes_before_the_pool_and_leaves_the_others_queue(three: list[Case], floor: Floor) -> None:
    gift = three[2]
    cases.assign(gift, to=floor.cast.collector, version=gift.version, actor=floor.cast.collections_supervisor, at=AFTER)
    assert ids(floor.cast.collector) == [gift.pk, three[0].pk, three[1].pk]
    assert ids(floor.cast.second_collector) == [three[0].pk, three[1].pk]
    assert queues.upcoming(floor.cast.collector, at=AFTER)[0].reasons[0] == "Assigned to you"


def test_what_another_holds_is_left_out_until_it_runs_out(three: list[Case], floor: Floor) -> None:
    cases.claim(three[0], actor=floor.cast.second_collector, at=AFTER)
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk]
    later = AFTER + timedelta(minutes=20)
    taken = queues.take_next(floor.cast.collector, at=later)
    assert taken is not None and taken.pk == three[0].pk


def test_a_planned_action_waits_for_its_day(three: list[Case], floor: Floor) -> None:
    changed(three[0], next_action="call", next_action_on=TODAY + timedelta(days=2))
    assert ids(floor.cast.collector) == [three[1].pk, three[2].pk]
    assert queues.next_due(floor.cast.collector, at=AFTER) == TODAY + timedelta(days=2)
    item = next(item for item in queues.upcoming(floor.cast.collector, at=AFTER + timedelta(days=2)) if item.case.pk == three[0].pk)
    assert item.reasons[0] == "Call planned for today"
    item = next(item for item in queues.upcoming(floor.cast.collector, at=AFTER + timedelta(days=3)) if item.case.pk == three[0].pk)
    assert item.reasons[0] == f"Call was planned for {TODAY + timedelta(days=2)}"


def test_at_most_three_reasons_the_weightiest_first(three: list[Case], floor: Floor) -> None:
    reasons = queues.upcoming(floor.cast.collector, at=AFTER)[0].reasons
    assert reasons[0] == "Not contacted yet"
    assert reasons[1].startswith("A contact is expected to bring")
    assert reasons[2].endswith("overdue on 1 loan, 8 days past due (M1)")
    assert len(reasons) == 3


def test_other_branches_have_their_own_queue(three: list[Case], floor: Floor) -> None:
    assert ids(floor.cast.west_collector) == []
    assert ids(floor.cast.nobody) == []


def test_the_queue_costs_the_same_however_long(three: list[Case], floor: Floor, django_assert_num_queries: Any) -> None:
    queues.upcoming(floor.cast.collector, at=AFTER)  # what a process remembers for a while is read before, not within
    with django_assert_num_queries(5):  # the look, the pool, its customers' uses, loans, promises
        queues.upcoming(floor.cast.collector, at=AFTER)


def test_a_claim_costs_one_look_one_row_and_what_it_writes(three: list[Case], floor: Floor, django_assert_num_queries: Any) -> None:
    collector = floor.cast.collector
    queues.take_next(collector, at=AFTER)
    # the look, the row, how long a hold lasts, the hold, and the transaction around them; its entry is not counted
    with django_assert_num_queries(6):
        assert queues.take_next(collector, at=AFTER) is not None


def test_one_look_tells_which_queues_hold_anything(three: list[Case], floor: Floor) -> None:
    collector, supervisor = floor.cast.collector, floor.cast.collections_supervisor
    assert queues.glance(collector, at=AFTER).filled == ["pool"]
    mine = cases.assign(three[0], to=collector, version=three[0].version, actor=supervisor, at=AFTER)
    cases.give_to_team(three[1], collector.team, version=three[1].version, actor=supervisor, at=AFTER)
    assert queues.glance(collector, at=AFTER).filled == ["own", "team", "pool"]
    assert queues.take_next(collector, at=AFTER) == mine
    seen = queues.glance(collector, at=AFTER)
    assert (seen.filled, seen.run_out) == (["team", "pool"], False)
    assert queues.glance(collector, at=AFTER + timedelta(hours=1)).run_out
