"""A death that is known late: penalty after the day of death is not owed, and what was paid or given up of it goes where it belongs."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from credit import recompute
from credit.allocation import Allocation
from credit.events import Charge, ChargeOff, Die, Disburse, Event, Repay, Reschedule, Waive
from credit.machine import play
from credit.models import Posting
from credit.terms import Fee, Recalculation, Refused, Terms
from tests.credit import histories
from tests.credit.test_loan_doors import do, fresh, jump, rows_of, sound, undo

some_terms = st.booleans().flatmap(lambda again: histories.terms(recalculated=again))
often = settings(max_examples=40, deadline=None)


def standing(events: list[Event]) -> list[Event]:
    return [replace(each, stands=True) if isinstance(each, Waive | Charge) else each for each in events]


def late_death(events: list[Event], seed: int) -> Die:
    """The customer died on some day of the history, and it is known after all of it."""
    first, last = events[0].on, events[-1].on
    died_on = first + timedelta(days=random.Random(seed).randint(0, (last - first).days))
    return Die(key="death", on=last + timedelta(days=3), seq=999, died_on=died_on)


@often
@given(some_terms, st.integers(0, 10**9))
def test_after_the_day_of_death_no_penalty_is_owed_however_late_it_is_known(terms, seed):
    events = standing(histories.history(terms, seed, histories.SIMPLE, length=8))
    death = late_death(events, seed)
    died_on = death.died_on
    known = [*events, death]
    at_death = play(terms, [each for each in events if each.on <= died_on], died_on)
    later = play(terms, known, death.on + timedelta(days=400))
    histories.sound(later)
    owed = {row.seq: row.due.penalty for row in at_death.installments if row.due.penalty}
    assert {row.seq: row.due.penalty for row in later.installments if row.due.penalty} == owed
    once = sum((row.late_charged for row in at_death.installments), 0)
    assert sum((row.late_charged for row in later.installments), 0) == once
    paid = sum((split.part("penalty") for split in later.splits.values()), D(0))
    waived = sum((line.amount for split in later.splits.values() for line in split.waived if line.part == "penalty"), D(0))
    assert paid + waived + later.balances.penalty == sum(owed.values(), D(0))
    money = sum((each.amount for each in events if isinstance(each, Repay)), D(0))
    back = sum((split.amount for split in later.splits.values() if split.event.key.startswith("e") and split.overpayment < 0), D(0))
    early = sum((split.fee for split in later.splits.values()), D(0))
    assert money == early + sum((row.paid.total for row in later.installments), D(0)) - _down(later) + later.overpayment + back


def _down(state) -> D:
    """What a down payment collected with the payout paid: no money of the history."""
    return sum((line.amount for key, split in state.splits.items() if key.endswith(":down_payment") for line in split.lines), D(0))


def test_an_instalment_left_with_nothing_is_met_on_the_day_of_the_new_plan_not_when_somebody_looks_next():
    """Found by the property below: all principal is paid, the new dates leave the last instalment nothing, and a death comes after."""
    terms = Terms(
        principal=D("50.00"), annual_rate=D("0.36"), periods=7, every=2, starts_on=date(2025, 1, 31), day_count="30/360",
        fees=(Fee("service", "per_period", amount=D("3.00")), Fee("early", "prepayment", rate=D("0.01"))), recalculation=Recalculation(after_prepayment="last", payoff="to_date"),
        allocation=Allocation.of(("fee", "penalty", "interest", "principal"), excess="next"), first_period_days=1, month_end="last_day",
    )  # fmt: skip
    events = [
        Disburse(key="out", on=date(2025, 1, 31), seq=0, amount=D("50.00")),
        Repay(key="paid", on=date(2025, 4, 1), seq=1, amount=D("65.00")),
        ChargeOff(key="off", on=date(2025, 4, 30), seq=2),
        Repay(key="more", on=date(2025, 5, 10), seq=3, amount=D("5.00")),
        Reschedule(key="moved", on=date(2025, 7, 25), seq=4, more=0, due_day=15),
    ]
    looks = [play(terms, events, date(2025, 7, 28) + timedelta(days=days)) for days in (0, 90)]
    assert [row.met_on for row in looks[0].installments] == [row.met_on for row in looks[1].installments]


@often
@given(some_terms, st.integers(0, 10**9))
def test_a_death_known_late_is_the_same_as_one_known_in_time_whatever_else_happened(terms, seed):
    kinds = tuple(kind for kind in histories.ALL if kind not in (*histories.LAST, "die"))
    events = standing(histories.history(terms, seed, kinds))
    late = late_death(events, seed)
    in_time = replace(late, on=late.died_on)
    as_of = late.on + timedelta(days=90)
    try:
        found = play(terms, [*events, late], as_of)
    except Refused:
        return  # what came between cannot be any more: the door refuses it too
    histories.sound(found)
    expected = play(terms, [*events, in_time], as_of)
    assert found.installments == expected.installments
    assert (found.overpayment, found.terms) == (expected.overpayment, expected.terms)
    grown = play(terms, [*events, late], as_of + timedelta(days=300))
    assert grown.balances.penalty == found.balances.penalty


def test_what_was_paid_of_penalty_after_the_death_pays_the_loan_and_the_books_follow(desk):
    loan = desk.loan()
    jump(desk, date(2026, 4, 20))
    desk.pay(loan, "50.00", on=date(2026, 4, 20))
    assert rows_of(loan)[0].penalty_paid > D("4.91")
    before = rows_of(loan)[0]
    made = do(desk, loan, "death", date(2026, 4, 21), why="deceased", died_on=date(2026, 4, 10))
    after = rows_of(loan)[0]
    assert (after.penalty, after.penalty_paid) == (D("4.91"), D("4.91"))
    freed = before.penalty_paid - after.penalty_paid
    assert freed > 0 and after.interest_paid + after.principal_paid == before.interest_paid + before.principal_paid + freed
    posted = Posting.objects.filter(transaction__loan=loan)
    assert posted.aggregate(sum=Sum("amount"))["sum"] == 0
    assert -posted.filter(account="penalty").aggregate(sum=Sum("amount"))["sum"] == D("4.91")
    assert not recompute.differences(fresh(loan))
    sound(loan)
    undo(desk, made, date(2026, 4, 22))
    assert rows_of(loan)[0].penalty_paid == before.penalty_paid
    sound(loan)


def test_a_waiver_of_penalty_after_the_death_falls_away_and_a_penalty_by_hand_is_refused(desk):
    loan = desk.loan()
    jump(desk, date(2026, 4, 20))
    do(desk, loan, "waiver", date(2026, 4, 20), why="goodwill", part="penalty", amount=D("8.00"))
    do(desk, loan, "death", date(2026, 4, 21), why="deceased", died_on=date(2026, 4, 10))
    row = rows_of(loan)[0]
    assert row.penalty == 0 and row.penalty_paid == 0
    sound(loan)
    with pytest.raises(Exception, match="no penalty is put on"):
        do(desk, loan, "charge", date(2026, 4, 21), why="agreed", charge_part="penalty", amount=D("5.00"))
