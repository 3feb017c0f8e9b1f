"""What must hold of every loan: no cent is made or lost, order does not matter, what never was leaves nothing, payoff ends it."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from credit import machine
from credit.events import PayOff, Reverse
from credit.machine import difference, play
from credit.schedule import build
from credit.terms import Recalculation, Terms
from tests.credit import histories

seeds = st.integers(0, 10**9)
some_terms = st.booleans().flatmap(lambda again: histories.terms(recalculated=again))
often = settings(max_examples=35, deadline=None)


@often
@given(some_terms)
def test_every_schedule_repays_its_principal_and_terms_survive_json(terms):
    rows = build(terms)
    assert sum(row.principal for row in rows) == terms.principal
    assert rows[-1].balance == 0
    assert all(row.principal >= 0 and row.interest >= 0 and row.balance >= 0 for row in rows)
    assert sum(row.interest for row in rows) == sum(row.earned for row in rows)
    assert Terms.from_json(terms.to_json()) == terms


@often
@given(some_terms, seeds)
def test_no_cent_is_made_or_lost_whatever_happens(terms, seed):
    events = histories.history(terms, seed)
    last = events[-1].on
    for as_of in (last, last + timedelta(days=200)):
        histories.sound(play(terms, events, as_of))


@often
@given(some_terms, seeds)
def test_a_history_told_in_another_order_is_the_same_history(terms, seed):
    events = histories.history(terms, seed)
    told = [*events]
    random.Random(seed).shuffle(told)
    as_of = events[-1].on
    assert difference(play(terms, events, as_of), play(terms, told, as_of)).nothing


@often
@given(some_terms, seeds, st.data())
def test_an_event_reversed_never_was(terms, seed, data):
    events = histories.history(terms, seed, histories.SIMPLE)
    as_of = events[-1].on
    place = data.draw(st.integers(0, len(events) - 1))
    without = [*events[:place], *events[place + 1 :]]
    try:
        expected = play(terms, without, as_of)
    except machine.NotPlayable:
        return
    found = play(terms, [*events, Reverse(key="not", on=as_of, seq=99, of=events[place].key)], as_of)
    assert found.installments == expected.installments
    assert found.overpayment == expected.overpayment


@given(some_terms, seeds)
@settings(max_examples=15, deadline=None)
def test_everything_reversed_leaves_nothing(terms, seed):
    events = histories.history(terms, seed)
    last = events[-1].on
    gone = [Reverse(key=f"not {each.key}", on=last, seq=100 + n, of=each.key) for n, each in enumerate(events)]
    state = play(terms, [*events, *gone], last)
    assert state.status == "planned"
    assert state.balances.total == state.principal_outstanding == state.overpayment == state.disbursed == 0


@often
@given(some_terms, seeds, st.integers(0, 500))
def test_paid_off_at_any_date_nothing_is_due(terms, seed, days):
    events = histories.history(terms, seed, [kind for kind in histories.ALL if kind not in histories.LAST])
    on = events[-1].on + timedelta(days=days)
    state = play(terms, [*events, PayOff(key="end", on=on, seq=999)], on)
    histories.sound(state)
    assert state.status == "settled"
    assert state.balances.total == state.principal_outstanding == 0
    later = play(terms, [*events, PayOff(key="end", on=on, seq=999)], on + timedelta(days=400))
    assert later.status == "settled"
    assert later.delinquency.past_due_days == 0


@given(histories.terms(), seeds)
@settings(max_examples=15, deadline=None)
def test_interest_that_follows_the_balance_costs_more_when_late_and_nothing_more_when_paid_on_time(terms, seed):
    again = replace(terms, recalculation=Recalculation(), method="equal_installment", grace_on_interest=0, fees=(), day_count="actual/365")
    late = play(again, histories.history(again, 1, (), 0), again.starts_on + timedelta(days=3000))
    planned = sum((row.interest for row in build(again)), D(0))
    assert late.totals()["interest"] >= planned - D("0.05") * again.periods
