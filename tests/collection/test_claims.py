"""A case is held by one person for a while; contacts need the hold; supervisors assign."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from collection import cases, contacts
from collection.cases import AssignedElsewhere, CaseClosed, NotHeld, Taken, Unassignable
from collection.models import Case, CaseDebt, Contact, LimitationClock, TreatmentEntry, TreatmentStep
from credit.models import Loan
from crm.lib.errors import Invalid, Stale
from ledger import log
from tests.collection.conftest import AFTER, LATE, Floor

TWENTY = timedelta(minutes=20)
TODAY = AFTER.date()


def contact(case: Case, actor: Any, **changes: Any) -> Contact:
    values = {"channel": "call", "outcome": "no_answer", "next_action": "call", "next_action_on": TODAY + timedelta(days=2)}
    return contacts.log_contact(case, **(values | {"actor": actor, "at": AFTER} | changes))


def test_a_claim_holds_for_twenty_minutes(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    row = cases.claim(case, actor=collector, at=AFTER)
    assert (row.claimed_by, row.claimed_until) == (collector, AFTER + TWENTY)
    assert row.is_held_by(collector, AFTER + TWENTY - timedelta(seconds=1))
    assert not row.is_held_by(collector, AFTER + TWENTY)


def test_the_second_is_told_by_whom_and_when(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Taken, match="Taken by Collector at 12:00") as told:
        cases.claim(case, actor=floor.cast.second_collector, at=AFTER + timedelta(minutes=1))
    assert told.value.extra["holder"] == "Collector"


def test_a_claim_that_ran_out_is_free_again(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    row = cases.claim(case, actor=floor.cast.second_collector, at=AFTER + TWENTY)
    assert row.claimed_by == floor.cast.second_collector


def test_keep_and_release(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    cases.claim(case, actor=collector, at=AFTER)
    row = cases.keep(case, actor=collector, at=AFTER + timedelta(minutes=15))
    assert row.claimed_until == AFTER + timedelta(minutes=35)
    with pytest.raises(NotHeld, match="Collector holds this case now"):
        cases.release(case, actor=floor.cast.second_collector, at=AFTER)
    cases.release(case, actor=collector, at=AFTER)
    with pytest.raises(NotHeld):
        cases.keep(case, actor=collector, at=AFTER)


def test_the_sweeper_frees_what_ran_out(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    assert cases.release_expired(at=AFTER + TWENTY - timedelta(seconds=1)) == 0
    assert cases.release_expired(at=AFTER + TWENTY) == 1
    assert cases.release_expired(at=AFTER + TWENTY) == 0
    case.refresh_from_db()
    assert case.claimed_by is None
    assert log.history(case).first().event == "collections.case.claim_expired"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_claim_at_once_exactly_one_wins(floor: Floor) -> None:
    case = floor.case()
    people = [floor.cast.collector, floor.cast.second_collector, floor.cast.collections_supervisor] * 2
    start, won, told = Barrier(len(people)), [], []

    def race(person: Any) -> None:
        try:
            start.wait()
            won.append(cases.claim(case, actor=person, at=AFTER).claimed_by)
        except Taken as error:
            told.append(error.extra["holder"])
        finally:
            connection.close()

    threads = [Thread(target=race, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({person.pk for person in won}) == 1  # the winner's own second click is no other person
    assert set(told) == {str(won[0])}
    assert len(won) + len(told) == len(people)
    case.refresh_from_db()
    assert case.claimed_by == won[0]


@pytest.mark.django_db(transaction=True)
def test_news_of_one_customer_on_many_workers_opens_one_case(floor: Floor) -> None:
    floor.desk.loan()
    floor.close(LATE)
    Contact.objects.all().delete()
    CaseDebt.objects.all().delete()
    TreatmentStep.objects.all().delete()
    TreatmentEntry.objects.all().delete()
    LimitationClock.objects.all().delete()
    Case.objects.all().delete()
    customer = Loan.objects.get().customer_id
    start, opened = Barrier(6), []

    def race() -> None:
        try:
            start.wait()
            opened.extend(cases.refresh([customer], actor=floor.cast.system, at=AFTER).opened)
        finally:
            connection.close()

    threads = [Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [Case.objects.get().pk]
    assert CaseDebt.objects.count() == 1


def test_a_contact_needs_the_hold(floor: Floor) -> None:
    case = floor.case()
    with pytest.raises(NotHeld):
        contact(case, floor.cast.collector)
    cases.claim(case, actor=floor.cast.second_collector, at=AFTER)
    with pytest.raises(NotHeld, match="Second Collector holds this case now"):
        contact(case, floor.cast.collector)
    with pytest.raises(NotHeld, match="any more"):
        contact(case, floor.cast.second_collector, at=AFTER + TWENTY)
    assert not Contact.objects.exists()


def test_a_contact_is_written_down_and_ends_the_hold(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    cases.claim(case, actor=collector, at=AFTER)
    made = contact(case, collector, outcome="callback", note=" will pay on Friday ")
    made.refresh_from_db()
    assert (made.outcome, made.channel, made.note, made.actor) == ("callback", "call", "will pay on Friday", collector)
    case.refresh_from_db()
    assert (case.claimed_by, case.next_action, case.next_action_on) == (None, "call", made.next_action_on)
    assert (case.last_outcome, case.last_contact_at) == ("callback", AFTER)
    entry = log.history(made).get()
    assert (entry.event, entry.customer_id) == ("collections.contact.logged", case.customer_id)
    assert "Friday" not in str(entry.facts)


def test_a_note_lies_sealed_in_the_database(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    made = contact(case, floor.cast.collector, note="他说在人民路1号")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM collections_contact WHERE id = %s", [made.pk])
        assert "人民路".encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "pigeon"),
        ("outcome", "fine"),
        ("next_action", "inbound"),
        ("next_action", ""),
        ("next_action_on", None),
        ("next_action_on", TODAY - timedelta(days=1)),
        ("next_action_on", TODAY + timedelta(days=61)),
        ("note", "x" * 2_001),
    ],
)
def test_what_cannot_be_is_named_by_field(floor: Floor, field: str, value: Any) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Invalid) as refused:
        contact(case, floor.cast.collector, **{field: value})
    assert list(refused.value.fields) == [field]
    assert not Contact.objects.exists()
    case.refresh_from_db()
    assert case.claimed_by == floor.cast.collector


def test_nothing_is_worked_in_a_closed_case(floor: Floor) -> None:
    case, collector = floor.case(), floor.cast.collector
    cases.claim(case, actor=collector, at=AFTER)
    floor.pay_all_overdue(case.debts.get().loan)
    with pytest.raises(CaseClosed):
        contact(case, collector)
    with pytest.raises(CaseClosed):
        cases.claim(case, actor=collector, at=AFTER)
    with pytest.raises(CaseClosed):
        cases.assign(case, to=collector, version=case.version, actor=floor.cast.collections_supervisor, at=AFTER)


def test_an_assigned_case_is_for_one_person(floor: Floor) -> None:
    case, boss = floor.case(), floor.cast.collections_supervisor
    row = cases.assign(case, to=floor.cast.collector, version=case.version, actor=boss, at=AFTER)
    with pytest.raises(AssignedElsewhere, match="assigned to Collector"):
        cases.claim(case, actor=floor.cast.second_collector, at=AFTER)
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    back = cases.assign(case, to=None, version=row.version, actor=boss, at=AFTER)
    assert (back.assigned_to, back.claimed_by) == (None, floor.cast.collector)


def test_assigning_what_changed_meanwhile_is_stale(floor: Floor) -> None:
    case, boss = floor.case(), floor.cast.collections_supervisor
    cases.assign(case, to=floor.cast.collector, version=case.version, actor=boss, at=AFTER)
    with pytest.raises(Stale) as told:
        cases.assign(case, to=floor.cast.second_collector, version=case.version, actor=boss, at=AFTER)
    assert told.value.extra["changes"][0]["theirs"] == "Collector"


@pytest.mark.parametrize("name", ["west_collector", "loan_officer", "nobody"])
def test_a_case_goes_only_to_who_may_work_it(floor: Floor, name: str) -> None:
    case = floor.case()
    with pytest.raises(Unassignable) as refused:
        cases.assign(case, to=getattr(floor.cast, name), version=case.version, actor=floor.cast.collections_supervisor, at=AFTER)
    assert list(refused.value.fields) == ["to"]
