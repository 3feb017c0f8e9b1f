"""Absences hand over and bring back; many cases are re-assigned against the version they were counted with."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from collection import absences, assignment, cases, contacts, reassignments, roster
from collection.models import Absence, Case, Reassignment
from crm.lib.errors import Invalid
from customers import activities
from governance.lifecycle import MovedMeanwhile
from governance.models import Notice
from tests.collection.conftest import AFTER, Floor
from tests.collection.many import many_cases, on_the_roster
from tests.collection.test_assignment import bar, drawn

TODAY = AFTER.date()
DAY = timedelta(days=1)


def away(floor: Floor, **more: Any) -> Absence:
    values: dict[str, Any] = {
        "since": TODAY, "until": TODAY + 2 * DAY, "reason": "leave", "deputy": floor.cast.second_collector, "today": TODAY,
        "actor": floor.cast.collections_supervisor, "at": AFTER,
    }  # fmt: skip
    return absences.plan(floor.cast.collector, **values | more)


@pytest.fixture
def mine(floor: Floor) -> list[Case]:
    """Return four cases of the collector: they hold the first."""
    made = many_cases(floor, 4, assigned_to=floor.cast.collector)
    cases.claim(made[0], actor=floor.cast.collector, at=AFTER)
    return [Case.objects.get(pk=row.pk) for row in made]


def whose(rows: list[Case]) -> list[str]:
    return [str(Case.objects.get(pk=row.pk).assigned_to or "") for row in rows]


def test_the_work_goes_to_the_deputy_at_once_and_what_nobody_touched_comes_back(floor: Floor, mine: list[Case]) -> None:
    cast = floor.cast
    task = activities.plan(
        mine[1].customer, kind="call", text="x", due_at=AFTER + DAY, assignee=cast.collector, actor=cast.collections_supervisor, at=AFTER
    )
    bar(floor, mine[3], cast.second_collector)
    row = away(floor)
    assert row.status == "running"
    assert whose(mine) == ["Second Collector"] * 3 + [""], "what the deputy may not work lies with everybody"
    assert Case.objects.get(pk=mine[0].pk).claimed_by is None
    task.refresh_from_db()
    assert task.assignee == cast.second_collector
    assert Notice.objects.filter(user=cast.second_collector, code="collections.absence").count() == 1
    cases.claim(mine[1], actor=cast.second_collector, at=AFTER)
    contacts.log_contact(
        mine[1],
        channel="inbound",
        outcome="third_party",
        next_action="call",
        next_action_on=TODAY + DAY,
        actor=cast.second_collector,
        at=AFTER,
    )
    assert absences.follow_day(cast.entity, at=AFTER + 2 * DAY) == (0, 0), "the last day is not over"
    assert absences.follow_day(cast.entity, at=AFTER + 3 * DAY) == (0, 1)
    assert whose(mine) == ["Collector", "Second Collector", "Collector", "Collector"]
    task.refresh_from_db()
    assert task.assignee == cast.collector
    assert sorted(row.pieces.filter(case__isnull=False).values_list("came_back", flat=True)) == [False, True, True, True]
    assert absences.follow_day(cast.entity, at=AFTER + 3 * DAY) == (0, 0)


def test_a_planned_absence_begins_on_its_first_day_and_without_a_deputy_the_work_lies_with_all(floor: Floor, mine: list[Case]) -> None:
    away(floor, since=TODAY + DAY, deputy=None)
    assert whose(mine) == ["Collector"] * 4
    assert absences.follow_day(floor.cast.entity, at=AFTER + DAY) == (1, 0)
    assert whose(mine) == [""] * 4


def test_who_is_away_gets_nothing_by_rule(floor: Floor) -> None:
    on_the_roster(floor.cast.collector)
    on_the_roster(floor.cast.second_collector)
    away(floor, deputy=None)
    many_cases(floor, 3)
    plan = drawn(floor, {"name": "All"})
    assignment.apply(plan, actor=floor.cast.system, at=AFTER, on=TODAY)
    assert set(Case.objects.values_list("assigned_to__username", flat=True)) == {"second_collector"}
    assert len(roster.hands(floor.cast.entity, on=TODAY + 3 * DAY)) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"since": TODAY - DAY}, "since"),
        ({"until": TODAY - DAY}, "until"),
        ({"until": TODAY + 400 * DAY}, "until"),
        ({"reason": "bored"}, "reason"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(floor: Floor, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        away(floor, **changes)
    assert field in wrong.value.fields


def test_two_absences_do_not_overlap_nobody_stands_in_while_away_and_only_a_planned_one_is_cancelled(floor: Floor) -> None:
    cast, told = floor.cast, {"actor": floor.cast.collections_supervisor, "at": AFTER}
    row = away(floor, since=TODAY + DAY)
    with pytest.raises(absences.AwayAlready):
        away(floor, since=TODAY + 2 * DAY)
    with pytest.raises(Invalid) as wrong:
        absences.plan(cast.west_collector, since=TODAY, until=TODAY + DAY, reason="ill", deputy=cast.collector, today=TODAY, **told)
    assert "deputy" in wrong.value.fields
    with pytest.raises(absences.NotAway):
        absences.end(row, **told)
    stale = Absence.objects.get(pk=row.pk)
    absences.cancel(row, **told)
    with pytest.raises(MovedMeanwhile):
        absences.cancel(stale, **told)
    assert away(floor, since=TODAY + DAY).status == "planned"


# --- many at once --------------------------------------------------------------------------------------------------
def counted(floor: Floor, **more: Any) -> Reassignment:
    values: dict[str, Any] = {"asked": {}, "people": [], "to_team": None, "by_rules": False, "entity": floor.cast.entity}
    return reassignments.look(actor=floor.cast.collections_supervisor, at=AFTER, **values | more)


def move(row: Reassignment) -> Reassignment:
    reassignments.begin(row, actor=row.made_by, at=AFTER)
    done = reassignments.run(row.pk, clock=lambda: AFTER)
    assert done is not None
    return Reassignment.objects.select_related("job").get(pk=row.pk)


def test_it_is_counted_first_then_done_and_refusals_are_named(floor: Floor) -> None:
    cast = floor.cast
    on_the_roster(cast.second_collector, most_cases=1)
    made = many_cases(floor, 5, buckets=[1, 1, 1, 1, 3])
    bar(floor, made[0], cast.collector)
    row = counted(floor, asked={"buckets": ["1"]}, people=[cast.collector, cast.second_collector])
    assert row.seen["cases"] == 4 and [share["cases"] for share in row.seen["shares"]] == [2, 2]
    assert [share["over"] for share in row.seen["shares"]] == [0, 1]
    assert set(whose(made)) == {""}, "nothing moved yet"
    changed = made[1]
    cases.assign(changed, to=cast.collections_supervisor, version=changed.version, actor=cast.collections_supervisor, at=AFTER)
    row = move(row)
    refused = {problem["field"]: problem["message"] for problem in row.job.problems}
    assert refused[changed.public_id] == "Somebody changed it since it was counted."
    assert (row.status, row.job.status, row.job.done + row.job.failed) == ("done", "partial", 4)
    assert whose([changed]) == ["Collections Supervisor"]
    assert Case.objects.get(pk=made[4].pk).assigned_to is None, "another bucket was not asked for"


def test_a_second_click_and_a_second_worker_do_nothing_twice(floor: Floor) -> None:
    many_cases(floor, 3)
    row = counted(floor, people=[floor.cast.collector])
    again = Reassignment.objects.get(pk=row.pk)
    reassignments.begin(row, actor=row.made_by, at=AFTER)
    with pytest.raises(MovedMeanwhile):
        reassignments.begin(again, actor=row.made_by, at=AFTER)
    assert reassignments.begin(Reassignment.objects.get(pk=row.pk), actor=row.made_by, at=AFTER).job_id == row.job_id
    assert reassignments.run(row.pk, clock=lambda: AFTER) is not None
    assert reassignments.run(row.pk, clock=lambda: AFTER + timedelta(hours=1)) is None
    assert {case.version for case in Case.objects.all()} == {2}


def test_a_stopped_one_keeps_what_is_done(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassignments, "CHUNK", 2)
    many_cases(floor, 5)
    row = counted(floor, people=[floor.cast.collector])
    reassignments.begin(row, actor=row.made_by, at=AFTER)
    ticks = iter(range(1, 100))

    def clock() -> Any:
        if next(ticks) == 3:  # after the first cases
            reassignments.stop(Reassignment.objects.get(pk=row.pk), actor=row.made_by, at=AFTER)
        return AFTER

    done = reassignments.run(row.pk, clock=clock)
    assert done is not None and done.status == "stopped"
    assert 0 < Case.objects.filter(assigned_to=floor.cast.collector).count() < 5


def test_by_the_rules_and_to_a_teams_queue(floor: Floor) -> None:
    cast = floor.cast
    many_cases(floor, 2, assigned_to=cast.collector)
    with pytest.raises(Invalid, match="No assignment rules"):
        counted(floor, by_rules=True)
    move(counted(floor, to_team=cast.east))
    assert set(Case.objects.values_list("team", "assigned_to")) == {(cast.east.pk, None)}
    with pytest.raises(Invalid, match="one of them"):
        counted(floor, to_team=cast.east, people=[cast.collector])
    with pytest.raises(Invalid, match="No open case"):
        counted(floor, asked={"buckets": ["7"]})
    with pytest.raises(Invalid, match="not yours"):
        counted(floor, people=[cast.west_collector])
    row = counted(floor, people=[cast.collector])
    with pytest.raises(reassignments.TooOld):
        reassignments.begin(row, actor=row.made_by, at=AFTER + timedelta(hours=1))


@pytest.mark.django_db(transaction=True)
def test_two_supervisors_at_once_each_case_goes_once(floor: Floor) -> None:
    """Both counted the same cases; whoever is first at a case moves it, the other is told so: no case moves twice."""
    many_cases(floor, 12)
    rows = [counted(floor, people=[person]) for person in (floor.cast.collector, floor.cast.second_collector)]
    for row in rows:
        reassignments.begin(row, actor=row.made_by, at=AFTER)

    def work(pk: int) -> None:
        try:
            reassignments.run(pk, clock=lambda: AFTER)
        finally:
            connection.close()

    threads = [Thread(target=work, args=(row.pk,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs = [Reassignment.objects.select_related("job").get(pk=row.pk).job for row in rows]
    assert sum(job.done for job in jobs) == 12 and sum(job.failed for job in jobs) == 12
    assert {case.version for case in Case.objects.all()} == {2}
