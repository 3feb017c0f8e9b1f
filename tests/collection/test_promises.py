"""Promises to pay: taken, judged from payments and the close of day, replaced, cancelled; each payment counts once."""

from datetime import date, timedelta
from decimal import Decimal as D
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections

from collection import cases, checks, contacts, disputes, owed, promises
from collection.judgement import Part, Payment, judge
from collection.models import Case, Promise, PromisePart
from credit import repayments
from credit.models import Loan
from crm.lib.errors import Invalid
from customers.contacts import NotNow
from governance import rules
from governance.models import LegalEntity, Rule
from ledger import log
from tests.collection.call_rows import say_all
from tests.collection.conftest import AFTER, Floor

TODAY = AFTER.date()
SOON = TODAY + timedelta(days=3)


@pytest.fixture
def case(floor: Floor) -> Case:
    """Return an open case that the collector holds."""
    return cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)


def take(case: Case, floor: Floor, *parts: tuple[str, date], **changes: Any) -> Promise:
    rows = [Part(day, D(amount)) for amount, day in parts or (("500.00", SOON),)]
    return promises.take(case, **({"parts": rows, "channel": "call", "actor": floor.cast.collector, "at": AFTER} | changes))


def pay(case: Case, floor: Floor, amount: str, key: str = "p", at: Any = AFTER, deliver: bool = True) -> Any:
    made = repayments.receive(case.debts.get().loan, amount=D(amount), actor=floor.cast.loan_officer, at=at, key=key)
    if deliver:
        floor.deliver()
    return made


def again(promise: Promise) -> Promise:
    return Promise.objects.get(pk=promise.pk)


def test_a_promise_is_written_down(case: Case, floor: Floor) -> None:
    made = take(case, floor, ("300.00", SOON), ("200.00", SOON + timedelta(days=7)))
    assert (made.status, made.amount, made.first_due_on, made.last_due_on) == ("open", D("500.00"), SOON, SOON + timedelta(days=7))
    assert (made.grace_days, made.tolerance, made.taken_on) == (1, D("1.00"), TODAY)
    assert list(made.parts.order_by("seq").values_list("amount", flat=True)) == [D("300.00"), D("200.00")]
    case.refresh_from_db()
    assert (case.next_action, case.next_action_on) == ("call", SOON + timedelta(days=2))
    entry = log.history(made).get()
    assert (entry.event, entry.customer_id, entry.facts["amount"]) == ("collections.promise.taken", case.customer_id, "500.00")


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "amount_1"),
        ([("0.00", SOON)], "amount_1"),
        ([("1.00", SOON)], "amount_1"),  # no more than the tolerance
        ([("99999.00", SOON)], "amount_1"),  # more than all that is left
        ([("500.00", TODAY - timedelta(days=1))], "due_on_1"),
        ([("500.00", TODAY + timedelta(days=46))], "due_on_1"),
        ([("100.00", SOON), ("100.00", SOON)], "due_on_2"),
        ([("10.00", SOON + timedelta(days=n)) for n in range(7)], "amount_1"),
    ],
)
def test_what_cannot_be_promised_is_named(case: Case, floor: Floor, parts: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        promises.take(case, parts=[Part(day, D(amount)) for amount, day in parts], channel="call", actor=floor.cast.collector, at=AFTER)
    assert field in refused.value.fields
    assert not Promise.objects.exists()


def test_only_who_holds_the_case_takes_a_promise(case: Case, floor: Floor) -> None:
    with pytest.raises(cases.NotHeld):
        take(case, floor, actor=floor.cast.second_collector)


def test_part_then_all_of_it(case: Case, floor: Floor) -> None:
    made = take(case, floor)
    pay(case, floor, "200.00", key="a")
    assert (again(made).status, again(made).paid_amount) == ("partial", D("200.00"))
    pay(case, floor, "299.50", key="b")
    kept = again(made)
    assert (kept.status, kept.paid_amount, kept.ended_on) == ("kept", D("499.50"), TODAY)
    pay(case, floor, "100.00", key="c")
    assert again(made).paid_amount == D("499.50"), "what comes later counts for nothing that is over"


def test_what_was_paid_before_does_not_count(case: Case, floor: Floor) -> None:
    pay(case, floor, "400.00", key="before")
    made = take(case, floor)
    floor.deliver()
    assert (again(made).status, again(made).paid_amount) == ("open", D("0.00"))


def test_it_is_broken_when_the_grace_is_over_and_the_case_comes_first_again(case: Case, floor: Floor) -> None:
    made = take(case, floor)
    pay(case, floor, "100.00")
    floor.close(SOON)
    assert again(made).status == "partial", "the day after it still counts"
    floor.close(SOON + timedelta(days=1))
    broken = again(made)
    assert (broken.status, broken.paid_amount) == ("broken", D("100.00"))
    case.refresh_from_db()
    assert case.broken_on == case.next_action_on == SOON + timedelta(days=2)
    assert log.history(made).first().facts["paid"] == "100.00"


def test_a_payment_inside_the_grace_keeps_it(case: Case, floor: Floor) -> None:
    made = take(case, floor)
    floor.close(SOON)
    pay(case, floor, "500.00", at=AFTER + timedelta(days=4))
    assert again(made).status == "kept"
    floor.close(SOON + timedelta(days=5))
    assert again(made).status == "kept"


def test_another_promise_replaces_the_one_that_runs(case: Case, floor: Floor) -> None:
    first = take(case, floor)
    second = take(case, floor, ("600.00", SOON))
    assert again(first).status == "replaced"
    assert second.replaces == first
    assert Promise.objects.running().get() == second
    pay(case, floor, "600.00")
    assert (again(first).paid_amount, again(second).status) == (D("0.00"), "kept")


def test_one_that_is_kept_already_is_not_replaced(case: Case, floor: Floor) -> None:
    first = take(case, floor)
    pay(case, floor, "500.00", deliver=False)
    second = take(case, floor, ("600.00", SOON))
    assert (again(first).status, second.replaces) == ("kept", None)


def test_a_cured_case_ends_what_was_promised_in_it(case: Case, floor: Floor) -> None:
    made = take(case, floor, ("5000.00", SOON))
    floor.pay_all_overdue(case.debts.get().loan)
    case.refresh_from_db()
    ended = again(made)
    assert (case.status, ended.status, ended.cancel_reason) == ("closed", "cancelled", "nothing_owed")


def test_a_payment_that_is_taken_back_opens_it_again(case: Case, floor: Floor) -> None:
    from credit import reversals

    made = take(case, floor)
    movement = pay(case, floor, "500.00")
    assert again(made).status == "kept"
    reversals.reverse(movement, reason="wrong_loan", actor=floor.cast.loan_operations, at=AFTER, key="back")
    floor.deliver()
    back = again(made)
    assert (back.status, back.paid_amount, back.ended_on) == ("open", D("0.00"), None)


def take_away(movement: Any, floor: Floor, at: Any) -> None:
    from credit import reversals

    reversals.reverse(movement, reason="bounced", actor=floor.cast.loan_operations, at=at, key="back")
    floor.deliver()


def test_a_payment_that_bounces_after_the_grace_breaks_what_it_had_kept(case: Case, floor: Floor) -> None:
    """It never came: the day of the reversal does not matter, only that of the payment."""
    made = take(case, floor)
    movement = pay(case, floor, "500.00")
    floor.close(SOON + timedelta(days=2))
    take_away(movement, floor, AFTER + timedelta(days=6))
    broken = again(made)
    assert (broken.status, broken.paid_amount, broken.ended_on) == ("broken", D("0.00"), SOON + timedelta(days=3))
    case.refresh_from_db()
    assert case.broken_on == SOON + timedelta(days=3)


def test_a_promise_that_another_one_followed_is_judged_again_too(case: Case, floor: Floor) -> None:
    """What was paid under the second does not fill the hole in the first, and the second runs on."""
    first = take(case, floor)
    movement = pay(case, floor, "500.00", key="first")
    cases.claim(case, actor=floor.cast.collector, at=AFTER)
    second = take(case, floor, ("400.00", SOON))
    pay(case, floor, "150.00", key="second")
    take_away(movement, floor, AFTER)
    assert (again(first).status, again(first).paid_amount) == ("broken", D("0.00"))
    assert (again(second).status, again(second).paid_amount) == ("partial", D("150.00"))


def test_what_is_reversed_and_brought_no_money_breaks_no_promise(case: Case, floor: Floor) -> None:
    from credit import acts

    loan = case.debts.get().loan
    told = {"charge_part": "fee", "amount": D("30.00")}
    made = take(case, floor)
    charge = acts.do(loan, acts.ACTS["charge"], told, on=None, why="contract", actor=floor.cast.loan_operations, at=AFTER, key="c")
    pay(case, floor, "200.00")
    take_away(charge, floor, AFTER)
    assert (again(made).status, again(made).paid_amount) == ("partial", D("200.00"))


def test_a_promise_is_cancelled_with_a_reason_and_once(case: Case, floor: Floor) -> None:
    made = take(case, floor)
    with pytest.raises(Invalid):
        promises.cancel(made, reason="mood", actor=floor.cast.collector, at=AFTER)
    done = promises.cancel(made, reason="withdrawn", actor=floor.cast.collector, at=AFTER)
    assert (done.status, done.cancel_reason, done.ended_on) == ("cancelled", "withdrawn", TODAY)
    with pytest.raises(promises.PromiseOver, match="Cancelled"):
        promises.cancel(made, reason="withdrawn", actor=floor.cast.collector, at=AFTER)


def test_parts_are_never_changed(case: Case, floor: Floor) -> None:
    from django.db import DatabaseError, transaction

    take(case, floor)
    with pytest.raises(DatabaseError, match=r"insert-only|permission denied"), transaction.atomic():
        PromisePart.objects.update(amount=D("1.00"))


def test_judging_again_changes_nothing(case: Case, floor: Floor) -> None:
    take(case, floor)
    pay(case, floor, "200.00")
    assert promises.judge([case.customer_id], actor=floor.cast.system, at=AFTER) == 0


def test_judging_costs_the_same_for_one_and_many(floor: Floor, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        floor.desk.loan()
    floor.close(TODAY - timedelta(days=1))
    for each in Case.objects.order_by("pk"):
        take(cases.claim(each, actor=floor.cast.collector, at=AFTER), floor)
    ids = list(Case.objects.values_list("customer_id", flat=True))
    with django_assert_max_num_queries(6):  # savepoint, customers, promises, parts, payments, release
        promises.judge(ids, actor=floor.cast.system, at=AFTER)


@pytest.mark.django_db(transaction=True)
def test_payment_and_replacement_at_once_count_the_money_once(floor: Floor) -> None:
    case = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    first = take(case, floor)
    loan = Loan.objects.get(pk=case.debts.get().loan_id)
    start, problems = Barrier(2), []

    def run(act: Any) -> None:
        try:
            start.wait()
            act()
        except Exception as error:  # noqa: BLE001  told to the test
            problems.append(error)
        finally:
            connections.close_all()

    def money() -> None:
        repayments.receive(loan, amount=D("500.00"), actor=floor.cast.loan_officer, at=AFTER, key="race")
        promises.judge([case.customer_id], actor=floor.cast.system, at=AFTER)

    def words() -> None:
        take(case, floor, ("500.00", SOON))

    threads = [Thread(target=run, args=(act,)) for act in (money, words)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    promises.judge([case.customer_id], actor=floor.cast.system, at=AFTER)
    second = Promise.objects.exclude(pk=first.pk).get()
    states = (again(first).status, again(second).status)
    assert states in (("replaced", "kept"), ("kept", "open")), states
    assert sum(Promise.objects.values_list("paid_amount", flat=True)) == D("500.00")
    connection.close()


# --- with the contact ------------------------------------------------------------------------------------------------
def answers(case: Case, **changes: str) -> dict[str, str]:
    customer = case.customer
    return {"id_last4": customer.id_number[-4:].lower(), "birth_year": str(customer.born_on.year)} | changes


def logged(case: Case, floor: Floor, **changes: Any) -> Any:
    values = {
        "channel": "call", "outcome": "promise", "next_action": "call", "next_action_on": SOON + timedelta(days=2),
        "promise": [Part(SOON, D("500.00"))], "actor": floor.cast.collector, "at": AFTER,
    }  # fmt: skip
    return contacts.log_contact(case, **values | changes)


def test_a_promise_is_logged_with_its_contact(case: Case, floor: Floor) -> None:
    checks.confirm(case, answers=answers(case), actor=floor.cast.collector, at=AFTER)
    say_all(case, worker=floor.cast.collector, at=AFTER)
    contact = logged(case, floor)
    assert contact.promise.amount == D("500.00")
    case.refresh_from_db()
    assert (case.claimed_by, case.next_action_on, case.last_contact_by) == (None, SOON + timedelta(days=2), floor.cast.collector)


def test_nobody_who_was_not_confirmed_promises_anything(case: Case, floor: Floor) -> None:
    with pytest.raises(Invalid) as refused:
        logged(case, floor)
    assert "Confirm the person first" in str(refused.value.fields["outcome"])
    checks.confirm(case, answers=answers(case, birth_year="1901"), actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Invalid):
        logged(case, floor)
    assert not Promise.objects.exists()


def test_a_result_without_its_promise_is_refused(case: Case, floor: Floor) -> None:
    checks.confirm(case, answers=answers(case), actor=floor.cast.collector, at=AFTER)
    with pytest.raises(Invalid) as refused:
        logged(case, floor, promise=())
    assert list(refused.value.fields) == ["amount_1"]
    with pytest.raises(Invalid) as refused:
        logged(case, floor, outcome="busy")
    assert list(refused.value.fields) == ["outcome"]


def test_a_channel_has_its_own_results(case: Case, floor: Floor) -> None:
    with pytest.raises(Invalid) as refused:
        logged(case, floor, channel="letter", outcome="busy", promise=())
    assert "Letter cannot end with" in str(refused.value.fields["outcome"])


def test_nobody_is_called_at_night_by_their_own_clock(case: Case, floor: Floor) -> None:
    night = AFTER.replace(hour=15)  # 23:00 in Shanghai
    LegalEntity.objects.update(zone="Asia/Shanghai")
    row = cases.claim(case, actor=floor.cast.collector, at=night)
    values = {"outcome": "no_answer", "promise": (), "at": night, "next_action_on": TODAY + timedelta(days=5)}
    with pytest.raises(NotNow) as refused:
        logged(row, floor, **values)
    assert refused.value.extra["rule"] == "contact.hours"
    assert logged(row, floor, **values | {"channel": "inbound", "outcome": "callback"}).pk, "who calls by themselves is heard"


# --- paid to the cent ------------------------------------------------------------------------------------------------
def test_all_that_is_overdue_on_the_promised_day_has_the_penalty_until_then(case: Case, floor: Floor) -> None:
    """What is overdue today grows until the promised day: who pays today's figure then leaves cents overdue."""
    now_owed = owed.overdue_until(case.customer_id, today=TODAY, until=TODAY)
    then = owed.overdue_until(case.customer_id, today=TODAY, until=SOON)
    [row] = owed.of_loans([debt.loan for debt in case.debts.select_related("loan__product")], on=TODAY)
    assert row.overdue == now_owed < then
    whole = take(case, floor, (str(then), SOON))
    assert log.history(whole).get().facts["in_full"] is True
    floor.close(SOON - timedelta(days=1))
    repayments.receive(case.debts.get().loan, amount=then, actor=floor.cast.loan_officer, at=AFTER + timedelta(days=3), key="whole")
    floor.deliver()
    case.refresh_from_db()
    assert (again(whole).status, case.status, case.close_reason) == ("kept", "closed", "cured")


@pytest.mark.parametrize(("lacks", "in_full"), [("0.00", True), ("1.00", True), ("1.01", False), ("300.00", False)])
def test_the_same_tolerance_says_in_full_and_kept(case: Case, floor: Floor, lacks: str, in_full: bool) -> None:
    then = owed.overdue_until(case.customer_id, today=TODAY, until=SOON)
    promised = then - D(lacks)
    seen = promises.cover(case, [Part(TODAY, D("100.00")), Part(SOON, promised - D("100.00"))], today=TODAY)
    assert (seen.on, seen.overdue, seen.promised, seen.lacks, seen.in_full) == (SOON, then, promised, D(lacks), in_full)
    verdict = judge([Part(SOON, then)], [Payment(SOON, promised)], closed=TODAY, grace_days=1, tolerance=seen.tolerance)
    assert (verdict.state == "kept") is in_full


def test_the_tolerance_is_a_rule_of_the_house_with_its_dates(floor: Floor) -> None:
    rule = rules.holding("collections.promise.tolerance", on=TODAY)
    assert (rules.exact(rule), rule.unit, rule.verification) == (D("1.00"), "CNY", "policy")
    assert "house policy" in rule.citation
    Rule.objects.filter(pk=rule.pk).update(effective_to=TODAY)
    rules.put(rule.code, value=D("5.00"), unit="CNY", meaning_en="more", meaning_zh="more", verification="policy", effective_from=TODAY)
    case = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    made = take(case, floor)
    pay(case, floor, "495.00")
    assert (made.tolerance, again(made).status) == (D("5.00"), "kept")


# --- what takes its ground away --------------------------------------------------------------------------------------------
def contest(case: Case, floor: Floor, amount: D) -> None:
    told = {"channel": "inbound", "owner": floor.cast.collections_supervisor, "actor": floor.cast.collector, "at": AFTER}
    disputes.raise_(case, loan=case.debts.get().loan, kind="amount", amount=amount, **told)
    floor.deliver()


def test_who_contests_what_they_promised_does_not_break_their_word(case: Case, floor: Floor) -> None:
    promise = take(case, floor, (str(case.overdue_amount), SOON))
    pay(case, floor, "100.00")
    contest(case, floor, D("200.00"))
    ended = again(promise)
    assert (ended.status, ended.cancel_reason, ended.paid_amount, ended.ended_on) == ("cancelled", "contested", D("100.00"), TODAY)
    floor.close(SOON + timedelta(days=9))
    assert again(promise).status == "cancelled"
    assert Case.objects.get(pk=case.pk).broken_on is None


def test_a_promise_runs_on_where_enough_is_not_contested(case: Case, floor: Floor) -> None:
    promise = take(case, floor, ("100.00", SOON))
    contest(case, floor, D("200.00"))
    assert again(promise).status == "open"


def test_one_that_is_kept_when_something_is_contested_stays_kept(case: Case, floor: Floor) -> None:
    promise = take(case, floor, ("100.00", SOON))
    pay(case, floor, "100.00", deliver=False)
    contest(case, floor, case.overdue_amount - D("100.00"))
    assert again(promise).status == "kept"
