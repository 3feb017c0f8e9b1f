"""A case pauses, goes on and ends by named reasons; each end needs what stands in the house."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from collection import case_states, cases, contacts, portfolio, queues
from collection.case_states import NotClosable, NotPaused
from collection.models import Case
from collection.models.case import CLOSE_REASONS, PAUSE_REASONS
from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove, move
from ledger import log
from tests.collection import court_rows
from tests.collection.conftest import AFTER, LATE, Floor
from tests.credit.test_acts import do

TODAY = AFTER.date()


def paused(floor: Floor, case: Any, reason: str = "dispute", days: int = 10, at: datetime = AFTER) -> Any:
    return cases.pause(case, reason=reason, until=TODAY + timedelta(days=days), actor=floor.cast.collector, at=at)


def logged(floor: Floor, case: Any, channel: str = "call", outcome: str = "no_answer", at: datetime = AFTER) -> Any:
    cases.claim(case, actor=floor.cast.collector, at=at)
    words = {"next_action": "call", "next_action_on": TODAY + timedelta(days=1)}
    return contacts.log_contact(case, channel=channel, outcome=outcome, **words, actor=floor.cast.collector, at=at)


def events(case: Any) -> list[str]:
    return [
        entry.event.removeprefix("collections.case.")
        for entry in log.history(case).order_by("pk")
        if entry.event.startswith("collections.case.")
    ]


def test_the_reasons_are_those_of_the_constraints() -> None:
    assert Case.CloseReason.values == CLOSE_REASONS
    assert Case.PauseReason.values == PAUSE_REASONS


def test_the_first_contact_makes_it_worked(floor: Floor) -> None:
    case = floor.case()
    logged(floor, case)
    case.refresh_from_db()
    assert (case.status, case.claimed_by) == ("worked", None)
    assert "worked" in events(case)
    logged(floor, case, at=AFTER + timedelta(hours=3))
    assert events(case).count("worked") == 1


def test_a_paused_case_leaves_the_queue_and_its_holder_loses_it(floor: Floor) -> None:
    case = floor.case()
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    paused(floor, case)
    case.refresh_from_db()
    assert (case.status, case.pause_reason, case.paused_until, case.claimed_by) == ("paused", "dispute", TODAY + timedelta(days=10), None)
    assert list(queues.waiting(floor.cast.collector, at=AFTER)) == []
    assert Case.objects.open().get() == case


def test_nobody_is_called_about_a_paused_case_but_who_calls_in_is_heard(floor: Floor) -> None:
    case = paused(floor, floor.case())
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    with pytest.raises(cases.CasePaused, match="Dispute"):
        contacts.begin_call(case, actor=floor.cast.collector, at=AFTER, key="k")
    with pytest.raises(cases.CasePaused):
        logged(floor, case)
    assert logged(floor, case, channel="inbound", outcome="third_party").attempt is None
    case.refresh_from_db()
    assert case.status == "paused"


def test_each_reason_has_its_own_pause_and_the_longest_shows(floor: Floor) -> None:
    case = paused(floor, floor.case(), "dispute", 10)
    paused(floor, case, "hardship", 30)
    paused(floor, case, "dispute", 20)  # the day moves, it is not a second pause
    case.refresh_from_db()
    assert (case.pause_reason, case.paused_until) == ("hardship", TODAY + timedelta(days=30))
    assert case.pauses.count() == 2
    case = cases.resume(case, reason="hardship", actor=floor.cast.collector, at=AFTER)
    assert (case.status, case.pause_reason, case.paused_until) == ("paused", "dispute", TODAY + timedelta(days=20))
    with pytest.raises(NotPaused):
        cases.resume(case, reason="hardship", actor=floor.cast.collector, at=AFTER)
    case = cases.resume(case, actor=floor.cast.collector, at=AFTER)
    assert (case.status, case.pause_reason, case.paused_until) == ("open", "", None)
    assert events(case) == ["opened", "paused", "pause_changed", "pause_changed", "pause_changed", "resumed"]


def test_who_was_worked_goes_on_as_worked(floor: Floor) -> None:
    case = floor.case()
    logged(floor, case)
    paused(floor, case)
    assert cases.resume(case, actor=floor.cast.collector, at=AFTER).status == "worked"


def test_the_night_lets_the_work_go_on_when_the_day_has_come(floor: Floor) -> None:
    case = paused(floor, floor.case(), days=3)
    floor.close(TODAY + timedelta(days=1))
    case.refresh_from_db()
    assert case.status == "paused"
    floor.close(TODAY + timedelta(days=2))  # the business date is the third day now
    case.refresh_from_db()
    assert (case.status, case.pause_reason) == ("open", "")
    count = len(events(case))
    portfolio.refresh_range(floor.cast.entity.pk, first=0, last=2**60, actor=floor.cast.system, at=AFTER)
    assert len(events(case)) == count


def test_the_night_asks_the_same_number_of_questions_however_many_wait(floor: Floor) -> None:
    """Ended, changed and running pauses among them: some go on as worked, some as open, some wait for another reason."""
    from django.test.utils import CaptureQueriesContext

    from tests.collection.many import many_cases

    def night(number: int) -> tuple[int, int, set[str]]:
        rows = many_cases(floor, number * 3)
        for place, row in enumerate(rows):
            paused(floor, row, "dispute", 3)
            if place % 3 == 0:
                paused(floor, row, "hardship", 30)
        worked = [row.pk for row in rows[1::3]]
        Case.objects.filter(pk__in=worked).update(last_contact_at=AFTER)
        with CaptureQueriesContext(connection) as asked:
            done = case_states.resume_due([row.customer_id for row in rows], actor=floor.cast.system, at=AFTER + timedelta(days=3))
        found = {(row.status, row.pause_reason, row.version) for row in Case.objects.filter(pk__in=[row.pk for row in rows])}
        assert len(found) == 3 and {event for row in rows for event in events(row)} >= {"resumed", "pause_changed"}
        again = case_states.resume_due([row.customer_id for row in rows], actor=floor.cast.system, at=AFTER + timedelta(days=3))
        assert again == 0
        return len(asked), done // number, {status for status, _reason, _version in found}

    assert night(1) == night(4)


def test_news_of_a_payment_from_before_the_pause_closes_the_case_all_the_same(floor: Floor) -> None:
    """Paid at noon, paused a minute later, and only then the news is delivered: the pause ends as it began."""
    from credit import repayments
    from credit.models import Installment

    case = floor.case()
    loan = case.debts.get().loan
    due = sum(
        each.owed + repayments.penalty_on(loan, each, TODAY) - each.penalty_paid
        for each in Installment.objects.filter(loan=loan, status="overdue")
    )
    repayments.receive(loan, amount=due, actor=floor.cast.loan_officer, at=AFTER, key="late-news")
    paused(floor, case, at=AFTER + timedelta(minutes=1))
    floor.deliver()
    case.refresh_from_db()
    pause = case.pauses.get()
    assert (case.status, case.close_reason, pause.ended_at) == ("closed", "cured", pause.since)


@pytest.mark.parametrize(("reason", "days"), [("boredom", 10), ("dispute", 0), ("dispute", -1), ("dispute", 91)])
def test_a_pause_that_cannot_be_is_said_at_its_field(floor: Floor, reason: str, days: int) -> None:
    case = floor.case()
    with pytest.raises(Invalid) as refused:
        paused(floor, case, reason, days)
    assert set(refused.value.fields) <= {"reason", "until"}
    case.refresh_from_db()
    assert (case.status, case.pauses.count()) == ("open", 0)


def test_a_paused_case_that_is_paid_closes_and_its_pauses_end(floor: Floor) -> None:
    case = paused(floor, floor.case())
    floor.pay_all_overdue(case.debts.get().loan)
    case.refresh_from_db()
    assert (case.status, case.close_reason, case.pause_reason) == ("closed", "cured", "")
    assert not case.pauses.filter(ended_at__isnull=True).exists()
    with pytest.raises(cases.CaseClosed):
        paused(floor, case)
    with pytest.raises(cases.CaseClosed):
        cases.resume(case, actor=floor.cast.collector, at=AFTER)


# --- the end -------------------------------------------------------------------------------------------------------
def closed(floor: Floor, case: Any, reason: str, on: date = TODAY) -> Any:
    return cases.close(case, reason=reason, on=on, actor=floor.cast.collections_supervisor, at=AFTER)


@pytest.mark.parametrize("reason", CLOSE_REASONS)
def test_no_reason_closes_a_fresh_overdue_case(floor: Floor, reason: str) -> None:
    case = floor.case()
    with pytest.raises(NotClosable) as refused:
        closed(floor, case, reason)
    assert refused.value.extra["reason"] == reason
    case.refresh_from_db()
    assert case.status == "open"


def test_an_unknown_reason_or_day_is_said_at_its_field(floor: Floor) -> None:
    case = floor.case()
    for reason, on, field in (("tired", TODAY, "reason"), ("fraud", TODAY + timedelta(days=1), "on"), ("fraud", LATE, "on")):
        with pytest.raises(Invalid) as refused:
            closed(floor, case, reason, on)
        assert set(refused.value.fields) == {field}


def test_a_proven_fraud_goes_elsewhere_and_the_night_does_not_open_it_again(floor: Floor) -> None:
    from risk import lists

    case = floor.case()
    words = {"what": "id_number", "value": case.customer.id_number, "reason": "identity was stolen", "source": "own"}
    lists.put(lists.checked(list="black", **words, since=TODAY, at=AFTER), actor=floor.cast.risk_manager, at=AFTER)
    closed(floor, case, "fraud")
    floor.close(TODAY)
    floor.close(TODAY + timedelta(days=30))
    case.refresh_from_db()
    assert (case.status, case.close_reason, Case.objects.count()) == ("closed", "fraud", 1)
    case = cases.reopen(case, actor=floor.cast.collections_supervisor, at=AFTER + timedelta(days=31))
    floor.close(TODAY + timedelta(days=31))
    case.refresh_from_db()
    assert (case.status, case.close_reason, case.closed_on) == ("open", "", None)
    assert case.overdue_amount > D("0.00")


def test_a_loan_paid_up_and_late_anew_opens_a_case_though_an_older_one_went_to_court(floor: Floor) -> None:
    first = floor.case(date(2026, 7, 10))
    at = datetime(2026, 7, 11, 4, tzinfo=UTC)
    court_rows.action(first, by=floor.cast.collector, at=at, status="filed")
    cases.close(first, reason="legal", on=at.date(), actor=floor.cast.collections_supervisor, at=at)
    floor.close(date(2026, 7, 11))
    assert Case.objects.count() == 1
    floor.pay_all_overdue(first.debts.get().loan, at=at + timedelta(days=1))
    floor.close(date(2026, 8, 20))
    assert list(Case.objects.order_by("pk").values_list("status", flat=True)) == ["closed", "open"]
    with pytest.raises(NotClosable, match="open already"):
        cases.reopen(first, actor=floor.cast.collections_supervisor, at=at)


def test_only_what_went_elsewhere_is_taken_back(floor: Floor) -> None:
    case = floor.case()
    floor.pay_all_overdue(case.debts.get().loan)
    with pytest.raises(NotClosable, match="went elsewhere"):
        cases.reopen(case, actor=floor.cast.collections_supervisor, at=AFTER)


@pytest.mark.parametrize(
    ("act", "why", "data", "reason"),
    [
        ("write_off", "deceased", {}, "written_off"),
        ("sale", "contract", {"amount": D("4000.00"), "buyer": "Huada Asset Management"}, "sold"),
        ("restructure", "hardship", {"periods": 24, "annual_rate": D("0.12"), "capitalises": True}, "restructured"),
    ],
)
def test_losses_and_new_terms_end_a_case_by_themselves(floor: Floor, act: str, why: str, data: dict[str, Any], reason: str) -> None:
    case = floor.case()
    do(floor.desk, case.debts.get().loan, act, TODAY, why=why, **data)
    floor.deliver()
    case.refresh_from_db()
    assert (case.status, case.close_reason) == ("closed", reason)


def test_nobody_is_next_in_the_queue_whose_death_is_recorded(floor: Floor) -> None:
    case = floor.case()
    assert list(queues.waiting(floor.cast.collector, at=AFTER)) == [case]
    do(floor.desk, case.debts.get().loan, "death", TODAY, why="deceased", died_on=LATE)
    floor.deliver()
    case.refresh_from_db()
    assert (case.status, case.pause_reason) == ("paused", "deceased")
    assert list(queues.waiting(floor.cast.collector, at=AFTER)) == []
    assert case_states.pause_for_death(case.customer_id, actor=floor.cast.system, at=AFTER) is None, "once"


def test_a_recorded_death_lets_a_person_close_the_case(floor: Floor) -> None:
    case = floor.case()
    do(floor.desk, case.debts.get().loan, "death", TODAY, why="deceased", died_on=LATE)
    floor.deliver()
    assert closed(floor, case, "deceased").close_reason == "deceased"


def test_the_database_refuses_half_a_pause_and_half_an_end(floor: Floor) -> None:
    case = floor.case()
    rows = Case.objects.filter(pk=case.pk)
    for changes in (
        {"status": "paused"},
        {"pause_reason": "dispute"},
        {"paused_until": TODAY},
        {"status": "closed", "close_reason": "cured"},
        {"status": "closed", "close_reason": "", "closed_on": TODAY},
        {"close_reason": "fraud"},
        {"status": "asleep"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**changes)


def test_a_closed_case_moves_nowhere_but_back(floor: Floor) -> None:
    case = floor.case()
    floor.pay_all_overdue(case.debts.get().loan)
    case.refresh_from_db()
    for status in ("worked", "paused", "closed"):
        with pytest.raises(IllegalMove):
            move(case, status, actor=floor.cast.system, at=AFTER)


@pytest.mark.django_db(transaction=True)
def test_a_pause_and_a_claim_at_once_leave_no_paused_case_on_a_desk(floor: Floor) -> None:
    case = floor.case()
    cast, barrier, said = floor.cast, Barrier(2), []

    def run(act: Any) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001  told below
            said.append(error)
        finally:
            connection.close()

    both = [
        Thread(
            target=run, args=(lambda: cases.pause(case, reason="dispute", until=TODAY + timedelta(days=5), actor=cast.collector, at=AFTER),)
        ),
        Thread(target=run, args=(lambda: queues.take_next(cast.collector, at=AFTER),)),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    case.refresh_from_db()
    assert (said, case.status) == ([], "paused")
    assert case.claimed_by is None
