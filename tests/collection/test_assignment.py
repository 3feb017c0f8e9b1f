"""Cases go to people by the house's rules: in order, by skill and language, level by load; what is in hands or given by hand stays."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection import assignment, assignment_plans, assignment_words, cases, supervision_tasks, workers
from collection.models import AssignmentPlan, AssignmentRun, Case, Collector, Complaint
from collection.roster import Hand
from crm.lib.errors import Invalid, Stale
from ledger.models import Entry
from tests.collection.conftest import AFTER, Floor
from tests.collection.many import many_cases, on_the_roster

TODAY = AFTER.date()


@pytest.fixture
def plan(floor: Floor) -> AssignmentPlan:
    """Early arrears to who is trained for them, in the customer's language; late ones to the team's queue."""
    return drawn(
        floor,
        {"name": "Late", "buckets": [3, 4, 5, 6, 7], "gives_to": "team", "team": floor.cast.east},
        {"name": "Early", "skill": "early"},
    )


def drawn(floor: Floor, *rules: dict[str, Any]) -> AssignmentPlan:
    told = {"actor": floor.cast.collections_supervisor, "at": AFTER}
    made = assignment_plans.draft(floor.cast.entity, why="test", **told)
    made.rules.all().delete()
    for values in rules:
        made.refresh_from_db()
        assignment_plans.put_rule(
            made, rule=None, values={"gives_to": "people", "same_language": True} | values, version=made.version, **told
        )
    made.refresh_from_db()
    return made


def apply(plan: AssignmentPlan, **more: Any) -> assignment.Outcome:
    return assignment.apply(plan, actor=plan.made_by, at=AFTER, on=TODAY, **more)


def carried() -> Counter[str]:
    return Counter(Case.objects.filter(assigned_to__isnull=False).values_list("assigned_to__username", flat=True))


def test_the_first_rule_that_fits_decides_and_people_end_level(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector, skills=["early"])
    on_the_roster(floor.cast.second_collector, skills=["early"])
    made = many_cases(floor, 9, buckets=[1, 2])
    late = many_cases(floor, 2, buckets=[4])
    found = apply(plan)
    assert sorted(carried().values()) == [4, 5]
    assert {case.team_id for case in Case.objects.filter(pk__in=[row.pk for row in late])} == {floor.cast.east.pk}
    assert (found.placed, found.left, found.moves) == (11, 0, 11)
    assert assignment_words.standing(Case.objects.get(pk=made[0].pk)).startswith("by rule “Early” (v1), since 2026-04-11")
    entries = Entry.objects.filter(event="collections.case.assigned")
    assert entries.count() == 11 and {entry.facts["plan"] for entry in entries} == {plan.public_id}
    assert apply(plan).moves == 0, "a second run moves nothing"


def test_the_preview_is_the_run_and_changes_nothing(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector, most_cases=3)
    many_cases(floor, 5)
    seen = assignment.preview(plan, at=AFTER, on=TODAY)
    assert carried() == {}
    assert apply(plan).plain() == seen.plain()
    assert carried() == {"collector": 3}
    assert [(row.reason, row.cases) for row in seen.unmatched] == [("full", 2)]


def test_a_person_gets_only_what_they_speak_and_a_rule_that_is_full_passes_on(floor: Floor) -> None:
    on_the_roster(floor.cast.collector, languages=["zh-hans"], most_cases=1)
    on_the_roster(floor.cast.second_collector, languages=["en"])
    many_cases(floor, 2, language="zh-hans")
    many_cases(floor, 2, language="en")
    plan = drawn(floor, {"name": "All"}, {"name": "Rest", "gives_to": "team", "team": floor.cast.east, "languages": ["zh-hans"]})
    apply(plan)
    assert carried() == {"collector": 1, "second_collector": 2}
    assert Case.objects.filter(team=floor.cast.east).count() == 1


def test_nobody_matches_says_why(floor: Floor) -> None:
    on_the_roster(floor.cast.collector, languages=["en"])
    many_cases(floor, 1, language="zh-hans")
    many_cases(floor, 1, buckets=[5])
    found = assignment.preview(drawn(floor, {"name": "Early", "buckets": [1]}), at=AFTER, on=TODAY)
    lines = assignment_words.lines(found, AssignmentPlan.objects.get().rules.all())
    assert sorted(row["why"] for row in lines["unmatched"]) == [
        "no rule fits them", "“Early”: nobody present has the skill, speaks Chinese and reaches the branch",
    ]  # fmt: skip


def test_whom_a_complaint_keeps_off_never_gets_the_case(floor: Floor, plan: AssignmentPlan) -> None:
    cast = floor.cast
    on_the_roster(cast.collector)
    made = many_cases(floor, 3)
    bar(floor, made[0], cast.collector)
    assert [(row.reason, row.cases) for row in apply(plan).unmatched] == [("kept_off", 1)]
    on_the_roster(cast.second_collector)
    apply(plan)
    assert Case.objects.get(pk=made[0].pk).assigned_to == cast.second_collector


def bar(floor: Floor, case: Case, person: Any) -> None:
    Complaint.objects.create(
        case=case, about=person, kind=Complaint.Kind.values[0], channel="inbound", owner=floor.cast.collections_supervisor,
        opened_by=floor.cast.collections_supervisor, opened_at=AFTER, opened_on=TODAY, due_on=TODAY + timedelta(days=15),
        rule="collections.complaint.days",
    )  # fmt: skip


def test_what_is_held_paused_or_given_by_hand_stays(floor: Floor, plan: AssignmentPlan) -> None:
    cast = floor.cast
    on_the_roster(cast.second_collector)
    held, paused, given, free = many_cases(floor, 4)
    cases.claim(held, actor=cast.collector, at=AFTER)
    cases.pause(paused, reason="dispute", until=TODAY + timedelta(days=5), actor=cast.collections_supervisor, at=AFTER)
    cases.assign(given, to=cast.collector, version=given.version, actor=cast.collections_supervisor, at=AFTER)
    found = apply(plan)
    assert (found.open, found.held, found.waiting, found.by_hand, found.placed) == (4, 1, 1, 1, 1)
    assert Case.objects.get(pk=free.pk).assigned_to == cast.second_collector
    assert assignment_words.standing(Case.objects.get(pk=given.pk)) == "given by hand"


def test_a_case_that_moves_to_another_bucket_changes_hands_at_night(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector)
    (case,) = many_cases(floor, 1, buckets=[2])
    apply(plan)
    Case.objects.filter(pk=case.pk).update(bucket=3)
    apply(plan)
    case.refresh_from_db()
    assert (case.assigned_to, case.team) == (None, floor.cast.east)


def test_nobody_gets_a_case_their_team_does_not_reach(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.west_collector)
    many_cases(floor, 2)
    assert [(row.reason, row.cases) for row in apply(plan).unmatched] == [("nobody", 2)]


def test_a_new_case_is_placed_as_it_opens_and_only_by_rules_in_force(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector)
    first = floor.case()
    floor.deliver()
    assert first.assigned_to is None, "a draft places nothing"
    assignment_plans.release(plan, version=plan.version, actor=floor.cast.collections_supervisor, at=AFTER)
    supervision_tasks.place_case(entry=Entry.objects.get(event="collections.case.opened"))
    first.refresh_from_db()
    assert first.assigned_to == floor.cast.collector


def test_the_night_runs_once_after_the_small_hours(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector)
    many_cases(floor, 2)
    plan = assignment_plans.release(plan, version=plan.version, actor=floor.cast.collections_supervisor, at=AFTER)
    midnight = AFTER.replace(hour=16)  # 00:00 in Shanghai
    assert assignment_plans.nightly(floor.cast.entity, at=midnight) is None
    run = assignment_plans.nightly(floor.cast.entity, at=midnight + timedelta(hours=5))
    assert run is not None and run.moved == 2
    assert assignment_plans.nightly(floor.cast.entity, at=midnight + timedelta(hours=6)) is None
    assert AssignmentRun.objects.count() == 1


def test_an_ordered_run_is_done_once(floor: Floor, plan: AssignmentPlan) -> None:
    on_the_roster(floor.cast.collector)
    many_cases(floor, 2)
    with pytest.raises(assignment_plans.NothingToApply):
        assignment_plans.order_run(floor.cast.entity, actor=floor.cast.collections_supervisor, at=AFTER)
    assignment_plans.release(plan, version=plan.version, actor=floor.cast.collections_supervisor, at=AFTER)
    run = assignment_plans.order_run(floor.cast.entity, actor=floor.cast.collections_supervisor, at=AFTER)
    for _twice in range(2):
        assignment_plans.run(run.pk, clock=lambda: AFTER)
    run.refresh_from_db()
    assert (run.moved, run.job.status, run.job.result["moved"]) == (2, "done", 2)


def test_versions_are_changed_as_drafts_and_replace_each_other(floor: Floor, plan: AssignmentPlan) -> None:
    told = {"actor": floor.cast.collections_supervisor, "at": AFTER}
    with pytest.raises(Stale):
        assignment_plans.put_rule(plan, rule=None, values={"name": "x"}, version=plan.version - 1, **told)
    with pytest.raises(Invalid) as wrong:
        assignment_plans.put_rule(plan, rule=None, values={"name": " ", "gives_to": "team", "amount_from": D(5), "amount_below": D(4)},
            version=None, **told)  # fmt: skip
    assert set(wrong.value.fields) == {"name", "team", "amount_below"}
    assignment_plans.shift_rule(plan.rules.get(position=2), up=True, **told)
    assert list(plan.rules.order_by("position").values_list("name", flat=True)) == ["Early", "Late"]
    plan.refresh_from_db()
    assignment_plans.release(plan, version=plan.version, **told)
    with pytest.raises(assignment_plans.NotADraft):
        assignment_plans.drop_rule(plan.rules.get(position=1), **told)
    second = assignment_plans.draft(floor.cast.entity, why="less", **told)
    assert list(second.rules.order_by("position").values_list("name", flat=True)) == ["Early", "Late"]
    assignment_plans.drop_rule(second.rules.get(position=1), **told)
    assert list(second.rules.values_list("position", "name")) == [(1, "Late")]
    second.refresh_from_db()
    assignment_plans.release(second, version=second.version, **told)
    assert list(AssignmentPlan.objects.order_by("number").values_list("status", flat=True)) == ["retired", "live"]


hands = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 40))), min_size=1, max_size=6)


@given(hands, st.integers(0, 60))
def test_levels_have_room_for_all_that_fit_and_nobody_is_filled_beyond_their_limit(given_: Any, wanted: int) -> None:
    class Person:
        def __init__(self, pk: int) -> None:
            self.pk = pk

    people = [Hand(Person(pk), frozenset(), frozenset(), "", None, most, 60) for pk, (_load, most) in enumerate(given_)]  # type: ignore[arg-type]
    loads = {pk: load for pk, (load, _most) in enumerate(given_)}
    tops = assignment.levels(people, loads, wanted)
    room = sum(max(top - loads[pk], 0) for pk, top in enumerate(tops))
    whole = sum(max((hand.most if hand.most is not None else loads[pk] + wanted) - loads[pk], 0) for pk, hand in enumerate(people))
    assert min(wanted, whole) <= room <= max(wanted, whole)
    assert all(hand.most is None or top <= max(hand.most, 0) for hand, top in zip(people, tops, strict=True))


def test_the_roster_refuses_what_cannot_be(floor: Floor) -> None:
    values = {name: getattr(Collector(), name) for name in workers.COLUMNS}
    told = {"actor": floor.cast.collections_supervisor, "at": AFTER}
    row = workers.put(floor.cast.collector, values=values | {"languages": ["en"]}, version=None, **told)
    with pytest.raises(Invalid) as wrong:
        workers.put(floor.cast.collector, values=values | {"workdays": [], "works_until": row.works_from}, version=row.version, **told)
    assert set(wrong.value.fields) == {"workdays", "works_until"}
    with pytest.raises(Stale):
        workers.put(floor.cast.collector, values=values, version=row.version + 1, **told)
