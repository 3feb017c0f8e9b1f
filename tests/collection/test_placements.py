"""Placement with agencies: who may go and who stays, by name; capacity; taking back; fees to the cent."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as some

from collection import (
    agencies,
    agency_files,
    agency_home,
    agency_math,
    cases,
    complaints,
    disputes,
    hardship,
    placement_orders,
    placements,
    promises,
    queues,
)
from collection.agency_forms import AgencyForm, PlacementFilter
from collection.agency_math import Seat
from collection.case_states import WithAgency
from collection.judgement import Part
from collection.models import Agency, Case, Placement, PlacementFee
from collection.placements import AgencyFull, AgencySuspended, NotPlaceable
from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove
from governance.models import Job
from tests.collection.conftest import Floor
from tests.collection.placement_rows import DAY, agency, late_case, late_cases, placed

pytestmark = pytest.mark.django_db
CENT = D("0.01")


def boss(floor: Floor) -> Any:
    return floor.cast.collections_supervisor


# --- fees, pure ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("dpd", "rate"), [(30, "0"), (31, "0.10"), (90, "0.10"), (91, "0.25"), (500, "0.25")])
def test_the_rate_is_that_of_the_last_step_reached(dpd: int, rate: str) -> None:
    assert agency_math.rate_at({"31": "0.10", "91": "0.25"}, dpd) == D(rate)


@given(
    some.lists(some.integers(min_value=1, max_value=10_000_000), max_size=12), some.integers(min_value=0, max_value=9_999),
)  # fmt: skip
def test_parts_earn_what_the_whole_earns_and_a_reversal_takes_it_back(parts: list[int], rate: int) -> None:
    share, came, fees = D(rate) / 10_000, D(0), D(0)
    for part in parts:
        fees += agency_math.fee(part * CENT, share, before=came)
        came += part * CENT
    assert fees == agency_math.fee(came, share)
    for part in parts:
        fees += agency_math.fee(-part * CENT, share, before=came)
        came -= part * CENT
    assert (fees, came) == (0, 0)


@given(
    some.integers(min_value=0, max_value=60),
    some.lists(some.tuples(some.integers(0, 20), some.none() | some.decimals(0, 1, places=4)), max_size=5),
)
def test_shares_keep_to_the_room_and_give_all_there_is_room_for(number: int, raw: list[tuple[int, D | None]]) -> None:
    seats = [Seat(f"A{n}", room, recovery) for n, (room, recovery) in enumerate(raw)]
    found = agency_math.shares(number, seats)
    assert sum(found.values()) == min(number, sum(seat.room for seat in seats))
    assert all(0 <= found[seat.code] <= seat.room for seat in seats)


def test_the_better_one_gets_more() -> None:
    found = agency_math.shares(12, [Seat("A", 100, D("0.30")), Seat("B", 100, D("0.10")), Seat("NEW", 100, None)])
    assert found == {"A": 6, "B": 2, "NEW": 4}, "one without a record counts as the mean"
    assert agency_math.shares(1, [Seat("A", 5, None), Seat("B", 9, None)]) == {"A": 0, "B": 1}, "one by one they fill alike"


def test_at_most_so_many_go_of_those_that_may(floor: Floor) -> None:
    """A case that stays takes nobody's place: of three the largest is contested, two are asked for, two go."""
    north = agency(floor)
    rows = late_cases(floor, 3)
    for place, case in enumerate(rows):
        Case.objects.filter(pk=case.pk).update(overdue_amount=D(900 - place))
    dispute(floor, rows[0])
    found = placement_orders.preview(boss(floor), {"most": 2}, agency=north, at=DAY)
    assert ([case.pk for case, _agency in found.given], list(found.stays)) == ([rows[1].pk, rows[2].pk], [rows[0].pk])
    assert len(placement_orders.preview(boss(floor), {"most": 1}, agency=north, at=DAY).given) == 1


# --- going ---------------------------------------------------------------------------------------------------------
def test_all_debts_of_a_case_go_to_one_agency_and_leave_the_house(floor: Floor) -> None:
    row = placed(floor, agency(floor))
    case = Case.objects.get(pk=row.case_id)
    assert (row.status, row.balance, row.rate, row.dpd) == ("placed", case.overdue_amount, D("0.10"), 48)
    assert (case.status, case.pause_reason, case.paused_until) == ("paused", "placed", row.back_on)
    assert not queues.waiting(floor.cast.collector, at=DAY).filter(pk=case.pk).exists()
    with pytest.raises(WithAgency, match="with an agency"):
        cases.resume(case, reason="placed", actor=boss(floor), at=DAY)
    with pytest.raises(NotPlaceable, match="with an agency already"):
        placements.place(case, agency=agency(floor, "SOUTH"), actor=boss(floor), at=DAY)


def dispute(floor: Floor, case: Case) -> None:
    disputes.raise_(
        case, loan=case.debts.get().loan, kind="amount", amount=D("10.00"), channel="inbound", owner=boss(floor), actor=floor.cast.collector,
        at=DAY,
    )  # fmt: skip


def complaint(floor: Floor, case: Case) -> None:
    complaints.file(
        case, kind="manner", about=None, is_complex=False, channel="inbound", owner=boss(floor), actor=floor.cast.collector, at=DAY
    )


def promise(floor: Floor, case: Case) -> None:
    cases.claim(case, actor=floor.cast.collector, at=DAY)
    parts = [Part(DAY.date() + timedelta(days=2), D("100.00"))]
    promises.take(case, parts=parts, channel="inbound", actor=floor.cast.collector, at=DAY)


def ask_relief(floor: Floor, case: Case) -> None:
    hardship.open_(case, cause="job", owner=boss(floor), actor=floor.cast.collector, at=DAY)


def wait(floor: Floor, case: Case) -> None:
    cases.pause(case, reason="disaster", until=DAY.date() + timedelta(days=5), actor=boss(floor), at=DAY)


@pytest.mark.parametrize(
    ("before", "reason", "said"),
    [
        (dispute, "dispute", "Dispute"), (complaint, "complaint", "Complaint"), (promise, "promised", "A promise runs"),
        (ask_relief, "hardship", "Hardship"), (wait, "paused", "Disaster"),
    ],
)  # fmt: skip
def test_who_stays_is_told_by_name(floor: Floor, before: Any, reason: str, said: str) -> None:
    where, case = agency(floor), late_case(floor)
    before(floor, case)
    with pytest.raises(NotPlaceable, match=said) as told:
        placements.place(case, agency=where, actor=boss(floor), at=DAY)
    assert told.value.extra["reason"] == reason
    assert not Placement.objects.exists()


def test_too_early_and_closed_stay(floor: Floor) -> None:
    where, case = agency(floor), floor.case()
    with pytest.raises(NotPlaceable, match="from 31 days past due on"):
        placements.place(case, agency=where, actor=boss(floor), at=DAY)
    floor.pay_all_overdue(case.debts.get().loan)
    with pytest.raises(NotPlaceable, match="it is closed"):
        placements.place(case, agency=where, actor=boss(floor), at=DAY)


def test_a_full_or_suspended_agency_gets_nothing(floor: Floor) -> None:
    where = agency(floor, capacity=1)
    first, second = late_cases(floor, 2)
    placed(floor, where, first)
    with pytest.raises(AgencyFull, match="1 case,"):
        placed(floor, where, second)
    placement_orders.suspend(where, reason="complaints", actor=boss(floor), at=DAY)
    with pytest.raises(AgencySuspended):
        placed(floor, where, second)


def test_an_agency_needs_two_persons(floor: Floor) -> None:
    where = agency(floor)
    with pytest.raises(Invalid) as told:
        agency(floor, "BAD", fees={31: D("1.50")})
    assert "fees" in told.value.fields
    with pytest.raises(Invalid) as told:
        agency(floor, "EAST", members=[floor.cast.collector])
    assert "members" in told.value.fields
    assert (where.capacity, where.fees) == (10, {"0": "0.10", "91": "0.25"})
    assert agency(floor, capacity=20).capacity == 20


# --- many at once --------------------------------------------------------------------------------------------------
def test_an_order_places_by_room_and_says_why_the_others_stay(floor: Floor) -> None:
    north, south = agency(floor, capacity=2), agency(floor, "SOUTH", capacity=1)
    rows = late_cases(floor, 5)
    dispute(floor, rows[0])
    found = placement_orders.preview(boss(floor), {}, agency=None, at=DAY)
    assert sorted(one.code for _case, one in found.given) == ["NORTH", "NORTH", "SOUTH"]
    assert sorted(stay.code for stay in found.stays.values()) == ["dispute", "nowhere"]
    assert not Placement.objects.exists(), "a preview writes nothing"
    made = placement_orders.order({}, agency=None, actor=boss(floor), at=DAY)
    placement_orders.run(made.pk, clock=lambda: DAY)
    placement_orders.run(made.pk, clock=lambda: DAY)
    made.refresh_from_db()
    assert made.result == {"placed": {"NORTH": 2, "SOUTH": 1}, "stayed": {"dispute": 1, "nowhere": 1}}
    assert made.job.__class__.objects.get(pk=made.job_id).done == 3
    assert (north.placements.count(), south.placements.count()) == (2, 1)


def test_a_case_that_came_back_goes_to_another_agency(floor: Floor) -> None:
    north, south = agency(floor), agency(floor, "SOUTH", capacity=1)
    row = placed(floor, north)
    placements.recall(row, reason="decision", actor=boss(floor), at=DAY)
    case = Case.objects.get(pk=row.case_id)
    assert case.status == "open"
    with pytest.raises(NotPlaceable, match="had it before"):
        placed(floor, north, case)
    assert placements.place_anywhere(case, actor=boss(floor), at=DAY).agency == south
    with pytest.raises(IllegalMove):
        placements.recall(row, reason="decision", actor=boss(floor), at=DAY)


def test_a_suspended_agency_loses_all(floor: Floor, deliver: Any) -> None:
    where = agency(floor)
    rows = [placed(floor, where, case) for case in late_cases(floor, 2)]
    _agency, job = placement_orders.suspend(where, reason="complaints", actor=boss(floor), at=DAY)
    placement_orders.take_back(where.pk, job.pk, clock=lambda: DAY)
    for row in rows:
        row.refresh_from_db()
        assert (row.status, row.reason) == ("recalled", "suspended")
    job.refresh_from_db()
    assert (job.status, job.done) == ("done", 2)


# --- what follows --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("news", "reason"), [(dispute, "dispute"), (complaint, "complaint"), (ask_relief, "hardship")])
def test_what_the_customer_says_takes_the_case_back(floor: Floor, deliver: Any, news: Any, reason: str) -> None:
    row = placed(floor, agency(floor))
    news(floor, Case.objects.get(pk=row.case_id))
    deliver()
    row.refresh_from_db()
    assert (row.status, row.reason, row.case.status) == ("recalled", reason, "open")


def test_its_time_is_over(floor: Floor) -> None:
    row = placed(floor, agency(floor))
    evening = DAY + timedelta(days=89)
    who = row.case.customer_id
    assert placements.outside(row.case.legal_entity_id, first=who, last=who) == [who], "the nightly range finds it"
    assert placements.outside(row.case.legal_entity_id, first=who + 1, last=who + 9) == []
    assert placements.follow([row.case.customer_id], actor=floor.cast.system, at=evening) == 0
    cases_before = Case.objects.get(pk=row.case_id)
    assert cases_before.status == "paused"
    assert placements.follow([row.case.customer_id], actor=floor.cast.system, at=DAY + timedelta(days=90)) == 1
    row.refresh_from_db()
    assert (row.status, row.reason) == ("recalled", "expired")


def pay(floor: Floor, row: Placement, amount: str, key: str) -> Any:
    from credit import repayments

    loan = row.case.debts.get().loan
    loan.refresh_from_db()
    made = repayments.receive(loan, amount=D(amount), actor=floor.cast.loan_officer, at=DAY + timedelta(hours=1), key=key)
    floor.deliver()
    row.refresh_from_db()
    return made


def test_a_fee_for_each_cent_that_came_and_back_to_the_cent(floor: Floor) -> None:
    from credit import reversals
    from credit.models import Transaction

    row = placed(floor, agency(floor, fees={31: D("0.1234")}))
    pay(floor, row, "33.33", "one")
    pay(floor, row, "66.68", "two")
    assert (row.collected, row.fee) == (D("100.01"), D("12.34"))
    last = Transaction.objects.filter(loan=row.case.debts.get().loan, kind="repayment").latest("pk")
    reversals.reverse(last, reason="bounced", actor=floor.cast.loan_operations, at=DAY + timedelta(hours=2), key="back")
    floor.deliver()
    row.refresh_from_db()
    assert (row.collected, row.fee) == (D("33.33"), D("4.11"))
    assert PlacementFee.objects.filter(placement=row).count() == 3
    assert placements.follow([row.case.customer_id], actor=floor.cast.system, at=DAY) == 0
    assert PlacementFee.objects.filter(placement=row).count() == 3, "booked once"


def test_what_comes_after_the_case_came_back_earns_nothing(floor: Floor) -> None:
    row = placed(floor, agency(floor))
    pay(floor, row, "50.00", "one")
    placements.recall(row, reason="decision", actor=boss(floor), at=DAY + timedelta(hours=2))
    pay(floor, row, "50.00", "two")
    assert (row.collected, row.fee) == (D("50.00"), D("5.00"))


def test_a_paid_case_ends_its_placement_with_its_fee(floor: Floor) -> None:
    row = placed(floor, agency(floor))
    floor.pay_all_overdue(row.case.debts.get().loan, at=DAY + timedelta(hours=1))
    row.refresh_from_db()
    assert (row.status, row.reason, row.case.status) == ("ended", "", "closed")
    assert row.fee == agency_math.fee(row.collected, row.rate) > 0


# --- what waits, on the supervisor's home --------------------------------------------------------------------------
def test_the_supervisors_home_says_what_agencies_wait_for(floor: Floor, page_of: Any, django_assert_max_num_queries: Any) -> None:
    """Nothing without an agency at work; then one over its room, a change that waits, a recall due within seven days."""
    assert agency_home.waiting(boss(floor), DAY) == []
    north = agency(floor, capacity=1)
    rows = late_cases(floor, 2)
    first = placed(floor, north, rows[0])
    assert agency_home.waiting(boss(floor), DAY) == []
    Agency.objects.filter(pk=north.pk).update(capacity=2)
    second = placed(floor, Agency.objects.get(pk=north.pk), rows[1])
    Agency.objects.filter(pk=north.pk).update(capacity=1)
    Placement.objects.filter(pk=second.pk).update(back_on=queues.today(boss(floor), DAY) + timedelta(days=7))
    after = agencies.content(north) | {"capacity": 5}
    agencies.propose("NORTH", after, reason="more cases", actor=boss(floor), at=DAY)
    with django_assert_max_num_queries(6):
        found = agency_home.waiting(boss(floor), DAY)
    assert [one["badge_label"] for one in found] == ["over its room", "", "due soon"]
    assert found[0]["why"] == ["2 cases where it may have 1"] and found[2]["who"] == "1 case comes back within 7 days"
    Placement.objects.filter(pk=first.pk).update(back_on=date(2099, 1, 1))  # the page goes by the day it is asked on
    soon = page_of(boss(floor)).get(found[2]["url"]).content.decode()
    assert second.public_id in soon and first.public_id not in soon


def test_what_comes_back_soon_goes_by_the_day_of_the_books(floor: Floor) -> None:
    """As the home page counts it: seven days from the business date of who looks, not from the clock of the database."""
    row, user = placed(floor, agency(floor)), boss(floor)
    today = queues.today(user, now())
    for days, seen in ((7, True), (8, False)):
        Placement.objects.update(back_on=today + timedelta(days=days))
        request = RequestFactory().get("/", {"back": "7"})
        request.user = user
        found = PlacementFilter(request.GET, queryset=Placement.objects.all(), request=request).qs
        assert list(found) == ([row] if seen else [])


def test_files_nobody_fetched_are_counted_up_to_twenty_and_more_is_said(floor: Floor) -> None:
    where, user = agency(floor), boss(floor)
    placed(floor, where)
    said = []
    for number in range(1, 23):
        made = agency_files.order(where, form="csv", reason="weekly hand-over", actor=user, at=DAY, language="en")
        Job.objects.filter(pk=made.export.job_id).update(status=Job.Status.DONE)
        if number in (1, 20, 21, 22):
            said.append(agency_home.waiting(user, DAY + timedelta(hours=1))[-1]["who"])
    assert [one.split(" ")[0] for one in said] == ["1", "20", "20+", "20+"]
    assert said[0].startswith("1 file for an agency") and said[2].startswith("20+ files for agencies")


def test_a_change_of_an_agency_begins_with_what_holds(floor: Floor) -> None:
    """Sent back as it was shown, the form has nothing to complain about; the fees are those of before."""
    north = agency(floor, fees={0: D("0.1000"), 91: D("0.2525")})
    shown = AgencyForm(agency=north)
    sent = {name: shown[name].value() for name in shown.fields} | {"reason": "more room", "capacity": "12"}
    form = AgencyForm({name: value for name, value in sent.items() if value is not None}, agency=north)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["fees"] == {0: D("0.1"), 91: D("0.2525")}
