"""Periods of limitation: the arithmetic as examples and properties, then what the books and the record say of a loan."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection import cases, limitation, limitation_book, limitation_warnings, promises
from collection.judgement import Part
from collection.limitation import Act, Halt, Law
from collection.models import Contact, LimitationClock
from credit import repayments
from crm.lib.dates import add_months
from crm.lib.errors import Invalid
from governance.models import Notice
from tests.collection.conftest import LATE, Floor
from tests.collection.court_rows import action, letter

DUE = date(2020, 3, 1)
LAW = Law()
D = date.fromisoformat


@pytest.mark.parametrize(
    ("acts", "halts", "on", "state", "expires_on"),
    [
        # Civil Code Art. 188: three years from the day it fell due; Art. 201, 202: the same day of the month.
        ([], [], "2021-01-01", "running", "2023-03-01"),
        ([], [], "2023-03-01", "running", "2023-03-01"),
        ([], [], "2023-03-02", "lapsed", "2023-03-01"),
        # Art. 195: a demand that reached the debtor begins it anew, however often
        ([Act(D("2022-05-04"), "talk")], [], "2022-06-01", "running", "2025-05-04"),
        ([Act(D("2022-05-04"), "talk"), Act(D("2024-01-31"), "letter")], [], "2024-06-01", "running", "2027-01-31"),
        # what came before it fell due, or lies ahead, begins nothing anew
        ([Act(D("2020-02-01"), "talk"), Act(D("2022-07-01"), "talk")], [], "2022-06-01", "running", "2023-03-01"),
        # Art. 192: once it has lapsed a demand revives nothing, the debtor's own word does
        ([Act(D("2023-03-02"), "talk")], [], "2023-06-01", "lapsed", "2023-03-01"),
        ([Act(D("2023-03-02"), "payment")], [], "2023-06-01", "lapsed", "2023-03-01"),
        ([Act(D("2023-03-02"), "acknowledged")], [], "2023-06-01", "running", "2026-03-02"),
        # Art. 195: from filing it stands still, and runs anew from the end of the proceedings
        ([Act(D("2022-05-04"), "court")], [], "2026-06-01", "in_court", None),
        ([Act(D("2022-05-04"), "court", "", D("2023-01-10"))], [], "2023-06-01", "running", "2026-01-10"),
        ([Act(D("2022-05-04"), "court"), Act(D("2022-09-01"), "talk")], [], "2026-06-01", "in_court", None),
        ([Act(D("2022-05-04"), "court"), Act(D("2022-11-01"), "judged")], [], "2023-06-01", "judged", "2024-11-01"),
        # Art. 194: a hindrance in the last six months; six months after it ends the period does
        ([], [Halt(D("2021-01-01"), D("2022-08-31"))], "2022-10-01", "running", "2023-03-01"),
        ([], [Halt(D("2022-12-01"), D("2022-12-20"))], "2023-01-01", "running", "2023-06-20"),
        ([], [Halt(D("2022-12-01"))], "2024-01-01", "suspended", None),
        ([], [Halt(D("2021-01-01"))], "2022-01-01", "running", "2023-03-01"),
        ([], [Halt(D("2023-04-01"))], "2023-05-01", "lapsed", "2023-03-01"),
    ],
)
def test_the_period_as_the_code_says(acts: list[Act], halts: list[Halt], on: str, state: str, expires_on: str | None) -> None:
    found = limitation.reckon(DUE, acts, halts, law=LAW, on=D(on))
    assert (found.state, found.expires_on) == (state, expires_on and D(expires_on))


def test_twenty_years_are_the_end_in_any_case() -> None:
    acts = [Act(add_months(DUE, 12 * year), "talk") for year in range(2, 20, 2)]
    assert limitation.reckon(DUE, acts, [], law=LAW, on=add_months(DUE, 230)).expires_on == add_months(DUE, 240)


DAYS = st.dates(date(2019, 1, 1), date(2026, 1, 1))


def some(*kinds: str) -> st.SearchStrategy[list[Act]]:
    return st.lists(st.tuples(DAYS, st.sampled_from(kinds)).map(lambda one: Act(*one)), max_size=6)


@given(some("payment", "talk", "letter", "promise", "acknowledged"), DAYS)
def test_each_act_only_ever_lengthens_the_period(acts: list[Act], on: date) -> None:
    ends = [limitation.reckon(DUE, acts[:number], [], law=LAW, on=on).expires_on for number in range(len(acts) + 1)]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(ends))
    assert ends[0] == date(2023, 3, 1)


@given(some("payment", "talk", "court", "acknowledged"), DAYS)
def test_the_end_is_that_of_the_last_act_that_counts(acts: list[Act], on: date) -> None:
    found = limitation.reckon(DUE, acts, [], law=LAW, on=on)
    assert found.runs_from == (found.last.act.on if found.last else DUE)
    assert len(found.lines) == sum(DUE <= act.on <= on for act in acts)


# --- from the books ------------------------------------------------------------------------------------------------
AT = datetime(2026, 4, 11, 4, tzinfo=UTC)
TODAY = AT.date()


@pytest.fixture
def case(floor: Floor) -> Any:
    return floor.case()


def clock_of(case: Any, on: date = TODAY) -> limitation.Clock:
    [(_told, clock)] = limitation_book.clocks([case.customer_id], on=on).values()
    return clock


def talk(case: Any, floor: Floor, outcome: str, channel: str = "call", **changes: Any) -> Contact:
    values: dict[str, Any] = {"actor": floor.cast.collector, "next_action": "call", "next_action_on": AT.date()}
    return Contact.objects.create(case=case, channel=channel, outcome=outcome, at=AT, **values | changes)


def test_it_runs_from_the_oldest_missed_due_day(case: Any) -> None:
    row = LimitationClock.objects.get(loan__customer=case.customer_id)
    assert (row.starts_on, row.expires_on, row.state) == (date(2026, 4, 2), date(2029, 4, 2), "running")
    assert row.whole_due_on is not None and row.whole_due_on > row.starts_on, "Art. 189 would count from the last instalment"


@pytest.mark.parametrize(
    ("outcome", "channel", "counts"),
    [("right_party", "call", True), ("refused", "visit", True), ("no_answer", "call", False), ("third_party", "call", False),
     ("right_party", "inbound", False), ("sent", "sms", False)],
)  # fmt: skip
def test_a_demand_counts_only_if_it_reached_the_debtor(case: Any, floor: Floor, outcome: str, channel: str, counts: bool) -> None:
    made = talk(case, floor, outcome, channel)
    last = clock_of(case).last
    assert (last is not None and last.act.ref == made.public_id) is counts


def test_payments_promises_letters_and_marks_are_named_with_their_evidence(case: Any, floor: Floor) -> None:
    loan, cast = case.debts.get().loan, floor.cast
    paid = repayments.receive(loan, amount=Decimal("10.00"), actor=cast.loan_officer, at=AT, key="p")
    cases.claim(case, actor=cast.collector, at=AT)
    promise = promises.take(
        case, parts=[Part(AT.date() + timedelta(days=3), Decimal("50.00"))], channel="inbound", actor=cast.collector, at=AT
    )
    sent = letter(case, by=cast.collections_supervisor, at=AT)
    type(sent).objects.filter(pk=sent.pk).update(data={"loans": [{"loan": loan.public_id}]})
    mark = limitation_book.mark(
        case, loan=loan, kind="acknowledged", on=AT.date(), evidence="对账单上签字", actor=cast.collections_supervisor, at=AT
    )
    found = {line.act.ref: line.act.kind for line in clock_of(case).lines}
    assert found == {paid.public_id: "payment", promise.public_id: "promise", mark.public_id: "acknowledged"}, (
        "a letter not delivered does not"
    )


def test_a_payment_that_bounced_began_nothing_anew(case: Any, floor: Floor) -> None:
    from credit import reversals

    paid = repayments.receive(case.debts.get().loan, amount=Decimal("10.00"), actor=floor.cast.loan_officer, at=AT, key="p")
    assert clock_of(case).last is not None
    reversals.reverse(paid, reason="bounced", actor=floor.cast.loan_operations, at=AT, key="r")
    assert clock_of(case).last is None


def test_at_court_it_stands_still_and_the_copy_says_so(case: Any, floor: Floor) -> None:
    action(case, by=floor.cast.collector, at=AT, status="filed")
    limitation_book.refresh([case.customer_id], at=AT)
    row = LimitationClock.objects.get()
    assert (row.state, row.expires_on, row.last_kind) == ("in_court", None, "court")


def test_a_mark_needs_its_evidence_and_a_day_of_the_loan(case: Any, floor: Floor) -> None:
    loan = case.debts.get().loan
    for values, field in (
        ({"evidence": " "}, "evidence"), ({"on": loan.starts_on - timedelta(days=1)}, "on"), ({"on": AT.date() + timedelta(days=1)}, "on"),
        ({"kind": "x"}, "kind"),
    ):  # fmt: skip
        told: dict[str, Any] = {
            "loan": loan,
            "kind": "demand",
            "on": AT.date(),
            "evidence": "EMS 签收单",
            "actor": floor.cast.collector,
            "at": AT,
        }
        with pytest.raises(Invalid) as refused:
            limitation_book.mark(case, **told | values)
        assert field in refused.value.fields
    limitation_book.mark(case, **told | {"kind": "demand"})
    with pytest.raises(Invalid, match="see the fields"):
        limitation_book.mark(case, **told | {"kind": "demand"})


def test_once_it_is_paid_the_clock_goes(case: Any, floor: Floor) -> None:
    floor.pay_all_overdue(case.debts.get().loan)
    floor.close(LATE + timedelta(days=1))
    assert not LimitationClock.objects.exists()


def test_each_step_of_the_warning_is_told_once_to_those_who_run_legal_actions(case: Any, floor: Floor) -> None:
    row = LimitationClock.objects.get()
    ends = row.expires_on
    assert ends is not None

    def tell(days: int) -> int:
        return limitation_warnings.tell([case.customer_id], at=datetime.combine(ends - timedelta(days=days), AT.timetz()))

    assert [tell(days) for days in (200, 180, 179, 90, 30, 29, 0)] == [0, 1, 0, 1, 1, 0, 0]
    told = Notice.objects.filter(code=limitation_warnings.CODE)
    assert {notice.user_id for notice in told} == {floor.cast.collections_supervisor.pk}
    assert ends.isoformat()[:4] in limitation_warnings.say(told[0])


def test_many_clocks_take_a_constant_number_of_statements(floor: Floor, django_assert_max_num_queries: Any) -> None:
    loans = [floor.desk.loan() for _number in range(3)]
    floor.close(LATE)
    for number in (1, 3):
        with django_assert_max_num_queries(18):
            assert limitation_book.refresh([loan.customer_id for loan in loans[:number]], at=AT) == number
