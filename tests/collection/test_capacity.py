"""Needed against possible, cases expected to roll, and the board of the minute."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection import absences, capacity, cases, live, team
from collection.models import CapacityDay, Case
from credit.models import LoanSnapshot
from tests.collection.conftest import AFTER, Floor
from tests.collection.many import many_cases, on_the_roster

TODAY = AFTER.date()  # a Saturday
DAY = timedelta(days=1)


# --- the arithmetic, pure ------------------------------------------------------------------------------------------
def test_a_bucket_with_too_few_loans_takes_the_rate_of_all_late_ones() -> None:
    found = capacity.pooled({0: (1_000, 50), 1: (100, 40), 2: (20, 18)})
    assert found[0] == capacity.Rate(D("0.05"), 1_000, True)
    assert found[1] == capacity.Rate(D("0.4"), 100, True)
    assert (found[2].rate, found[2].loans, found[2].own) == (D(58) / 120, 120, False)
    assert capacity.pooled({1: (9, 9)}) == capacity.pooled({}) == {}


@given(st.decimals(0, 1, places=4), st.integers(0, 29))
def test_the_longer_until_a_case_crosses_the_likelier_it_is_paid_before(rate: D, days: int) -> None:
    assert 0 <= capacity.chance(rate, days + 1) <= capacity.chance(rate, days) <= 1


def test_over_a_whole_bucket_the_chance_is_the_rate_of_the_month() -> None:
    assert capacity.chance(D("0.4"), 30).quantize(D("0.0001")) == D("0.4000")


# --- the plan ------------------------------------------------------------------------------------------------------
def snapshot(loan: Any, month: date, bucket: int) -> None:
    LoanSnapshot.objects.create(
        month=month, loan=loan, legal_entity=loan.legal_entity, branch=loan.branch, channel=loan.channel, product="X", vintage=date(2026, 1, 1),
        months_on_book=1, principal=D(1), principal_outstanding=D(1), overdue=D(0), dpd=0, treatment_dpd=0, bucket=bucket, risk_class=1, stage=1,
        ecl=D(0),
    )  # fmt: skip


def test_needed_counts_a_case_once_a_day_and_people_who_are_there(floor: Floor) -> None:
    cast = floor.cast
    on_the_roster(cast.collector, daily_contacts=2, workdays=list(range(7)))
    on_the_roster(cast.second_collector, daily_contacts=5, workdays=[0, 1, 2, 3, 4])
    made = many_cases(floor, 6, next_action="call", next_action_on=TODAY)
    Case.objects.filter(pk=made[0].pk).update(next_action_on=TODAY - 3 * DAY)
    Case.objects.filter(pk=made[1].pk).update(next_action_on=TODAY + 2 * DAY)
    many_cases(floor, 8)  # without a plan: a seventh each day
    cases.pause(made[5], reason="dispute", until=TODAY + 9 * DAY, actor=cast.collections_supervisor, at=AFTER)
    absences.plan(
        cast.collector,
        since=TODAY + 2 * DAY,
        until=TODAY + 2 * DAY,
        reason="ill",
        deputy=None,
        today=TODAY,
        actor=cast.collections_supervisor,
        at=AFTER,
    )
    row = capacity.make(cast.entity, at=AFTER)
    first, _second, monday = row.days[:3]
    assert (first["action"], first["unplanned"], first["needed"]) == (4, 2, 6)
    assert (first["people"], first["capacity"], first["short"]) == (1, 2, 4)
    assert (monday["action"], monday["people"], monday["capacity"]) == (1, 1, 5)
    found = capacity.proposals(row)
    assert found[0] == f"Bring 1 more person on {TODAY.isoformat()}, at 5 contacts a day"
    assert any("have room" in sentence for sentence in found)


def test_what_falls_on_a_day_off_is_needed_when_people_come_again_and_a_day_all_are_away_is_short(floor: Floor) -> None:
    cast = floor.cast
    on_the_roster(cast.collector, daily_contacts=3, workdays=[0, 1, 2, 3, 4])
    many_cases(floor, 4, next_action="call", next_action_on=TODAY)
    many_cases(floor, 1, next_action="call", next_action_on=TODAY + 2 * DAY)
    saturday, sunday, monday, tuesday = capacity.make(cast.entity, at=AFTER).days[:4]
    assert [(day["off"], day["needed"], day["short"], day["carried"]) for day in (saturday, sunday)] == [(True, 0, 0, 0), (True, 0, 0, 4)]
    assert (monday["off"], monday["carried"], monday["needed"], monday["short"]) == (False, 4, 5, 2)
    assert (tuesday["carried"], tuesday["needed"]) == (0, 0)
    absences.plan(
        cast.collector, since=TODAY + 2 * DAY, until=TODAY + 2 * DAY, reason="ill", deputy=None, today=TODAY, actor=cast.collections_supervisor,
        at=AFTER,
    )  # fmt: skip
    monday = capacity.make(cast.entity, at=AFTER).days[2]
    assert (monday["off"], monday["people"], monday["short"]) == (False, 0, 5), "a working day nobody comes on is short"


def test_rolling_is_read_from_the_houses_own_month_ends(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "FEWEST_LATE", 4)
    loans = [floor.desk.loan(amount=D("1000.00"), term=3) for _ in range(4)]
    for place, loan in enumerate(loans):
        snapshot(loan, date(2026, 2, 28), 1)
        snapshot(loan, date(2026, 3, 31), 2 if place < 3 else 0)
    many_cases(floor, 10, dpd=28, bucket=1)  # cross in three days
    row = capacity.make(floor.cast.entity, at=AFTER)
    line = next(each for each in row.rolls if each["bucket"] == 1)
    assert (line["rate"], line["loans"], line["own"], line["cases"]) == ("0.7500", 4, False, 10)
    expected = 10 * D("0.75") ** (D(3) / 30)
    assert D(line["days"][2]) == expected.quantize(D("0.1")) and D(line["whole"]) == expected.quantize(D("0.1"))
    assert row.days[3]["rolls"] == 10


def test_the_plan_is_made_once_a_morning_from_half_past_eight(floor: Floor) -> None:
    entity = floor.cast.entity
    early, late = AFTER.replace(hour=0, minute=29), AFTER.replace(hour=0, minute=30)  # 08:29 and 08:30 in Shanghai
    assert capacity.make_due(entity, at=early) is None
    assert capacity.make_due(entity, at=late) is not None
    assert capacity.make_due(entity, at=AFTER) is None
    capacity.make(entity, at=AFTER)
    assert CapacityDay.objects.count() == 1, "made anew it replaces itself"


# --- the board -----------------------------------------------------------------------------------------------------
def read(floor: Floor) -> live.Floor:
    user = floor.cast.collections_supervisor
    return live.read(user, team.board(user, at=AFTER, on=TODAY, days=30), entity=floor.cast.entity, at=AFTER, on=TODAY)


def test_the_board_says_who_is_on_what_and_who_has_nothing_in_hand(floor: Floor) -> None:
    cast = floor.cast
    on_the_roster(cast.collector, workdays=list(range(7)))
    on_the_roster(cast.second_collector, workdays=list(range(7)))
    made = many_cases(floor, 3, buckets=[1, 1, 3])
    cases.claim(made[0], actor=cast.collector, at=AFTER - timedelta(minutes=3))
    seats = {seat.person.username: seat for seat in read(floor).seats}
    assert seats["collector"].case == made[0] and not seats["collector"].idle(AFTER)
    assert seats["second_collector"].idle(AFTER)
    assert {depth.bucket: (depth.waiting, depth.free) for depth in read(floor).depths if depth.waiting} == {1: (1, 1), 3: (1, 1)}
    absences.plan(
        cast.second_collector, since=TODAY, until=TODAY, reason="ill", deputy=None, today=TODAY, actor=cast.collections_supervisor, at=AFTER
    )
    found = read(floor)
    assert [alert["text"] for alert in live.alerts(found, at=AFTER) if alert["tone"] == "special"] == ["Away today: Second Collector"]


def test_the_board_asks_the_same_however_many_there_are(floor: Floor, django_assert_max_num_queries: Any, client: Any) -> None:
    many_cases(floor, 6, assigned_to=floor.cast.collector)
    user = floor.cast.collections_supervisor
    lines = team.board(user, at=AFTER, on=TODAY, days=30)
    with django_assert_max_num_queries(9):
        live.read(user, lines, entity=floor.cast.entity, at=AFTER, on=TODAY)
    client.force_login(user)
    capacity.make(floor.cast.entity, at=AFTER)
    page = client.get("/collections/board/").content.decode()
    assert "hx-trigger" in page and 'id="board-live"' in page
    part = client.get("/collections/board/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and 'id="board-live"' in part


@pytest.mark.parametrize("path", ["/collections/capacity/", "/collections/assignment/", "/collections/absences/", "/collections/reassign/",
                                  "/collections/collectors/", "/collections/quality/", "/collections/quality/form/", "/",
                                  "/collections/home/capacity/", "/collections/home/experiment/", "/collections/home/board/"])  # fmt: skip
def test_the_supervisors_pages_stand_on_an_empty_house(floor: Floor, client: Any, path: str) -> None:
    client.force_login(floor.cast.collections_supervisor)
    assert client.get(path).status_code == 200
