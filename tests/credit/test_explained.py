"""An instalment explained: its lines are the play's own, each is reckoned again here by its rule, and they add up to the cent."""

import itertools
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal as D
from decimal import localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.due_dates import day_fraction
from credit.events import Disburse, Repay
from credit.explained import Line, Witness, taken, year_share
from credit.machine import play
from credit.state import PARTS, State
from credit.terms import METHODS, Fee, Penalty, Recalculation, Terms
from crm.lib.money import quantize
from tests.credit import histories

START = date(2025, 1, 31)
DAY_COUNTS = ("30/360", "actual/360", "actual/364", "actual/365", "actual/actual")


def explained(terms: Terms, events: list, as_of: date) -> tuple[State, dict[int, Witness]]:
    """Play once for each instalment, as the page does for one."""
    seqs = [row.seq for row in play(terms, events, as_of).installments]
    witnesses = {seq: Witness(seq, as_of) for seq in seqs}

    def watch(loan, event):
        for each in witnesses.values():
            each(loan, event)

    return play(terms, events, as_of, watch=watch), witnesses


def reckoned(line: Line) -> D:
    """Return the amount of a line by its own figures, by the rule its code names."""
    told = line.figures
    if line.code == "interest":
        share = Fraction(told["share"]) if "/" in told["share"] else Fraction(told["factor"]) / Fraction(told["rate"])
        exact = Fraction(told["opening"]) * Fraction(told["rate"]) * share
        with localcontext() as context:
            context.prec = 60
            return quantize(D(exact.numerator) / D(exact.denominator), told["rounding"])
    if line.code == "payment":
        return told["payment"] - told["interest"]
    if line.code == "stretch":
        share = Fraction(told["share"]) if "/" in told["share"] else Fraction(told["exact"]) / Fraction(told["principal"] * told["rate"])
        with localcontext() as context:
            context.prec = 60
            exact = Fraction(told["principal"]) * Fraction(told["rate"]) * share
            assert abs(D(exact.numerator) / D(exact.denominator) - told["exact"]) < D("1e-12")
        assert abs(line.amount - told["exact"]) <= D("0.01")  # in cents with those beside it
        return line.amount
    if line.code in ("penalty", "died"):
        return quantize(told["principal"] * told["rate"] * told["days"] / told["year"])
    if line.code in ("fee", "late_fee"):
        return told["amount"] + quantize(told["principal"] * told["rate"])
    if line.code == "last":
        return told["opening"]
    if line.code == "late_once":
        return quantize(told["principal"] * told["share"])
    return line.amount


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", ["house", "progressive", "cumulative"])
def test_every_line_is_reckoned_again_and_they_add_up(method, day_count, family):
    fees = (Fee("service", "per_period", amount=D("3.00")), Fee("once", "once", rate=D("0.01")))
    terms = Terms(
        D("12345.67"), D("0.1835"), 9, START, day_count=day_count, method=method, family=family, fees=fees, penalty=Penalty(D("0.27"), 3)
    )
    events = [Disburse(key="out", on=START, amount=terms.principal), Repay(key="part", on=date(2025, 3, 20), amount=D("100.00"), seq=1)]
    state, witnesses = explained(terms, events, date(2025, 6, 15))
    codes = Counter(line.code for each in witnesses.values() for line in each.lines)
    for row in state.installments:
        for part in PARTS:
            assert witnesses[row.seq].sum(part) == getattr(row.due, part), (row.seq, part)
        for line in witnesses[row.seq].lines:
            assert reckoned(line) == line.amount, (row.seq, line)
    assert not codes.keys() & {"recalculated", "changed", "planned", "floor"}
    assert codes["fee"] and (codes["penalty"] or method in ("interest_only", "bullet"))
    if method == "flat":
        assert codes["flat_last"] == 1
    else:
        assert codes["interest"] == len(state.installments)
    if method == "equal_installment":
        assert codes["last"] == 1 and codes["payment"] == 8
        paid = {line.figures["payment"] for each in witnesses.values() for line in each.lines if line.code == "payment"}
        assert len(paid) == 1
        if family != "progressive":
            solved = {line.figures["exact"] for each in witnesses.values() for line in each.lines if line.code == "payment"}
            assert solved == paid


@settings(max_examples=60, deadline=None)
@given(histories.terms(), st.integers(0, 10_000))
def test_the_lines_add_up_after_any_history(terms, seed):
    events = histories.history(terms, seed)
    state, witnesses = explained(terms, events, max(event.on for event in events) + timedelta(days=40))
    for row in state.installments:
        for part in PARTS:
            assert witnesses[row.seq].sum(part) == getattr(row.due, part), (row.seq, part)
        assert not [line for line in witnesses[row.seq].lines if line.code in ("recalculated", "changed")], row.seq
        for line in witnesses[row.seq].lines:
            assert reckoned(line) == line.amount, line
        paid = sum((line.amount for split in taken(state.splits, row.seq) for line in split.lines if line.installment == row.seq), D(0))
        assert paid == row.paid.total


@settings(max_examples=60, deadline=None)
@given(histories.terms(recalculated=True), st.integers(0, 10_000))
def test_interest_that_follows_the_balance_is_told_stretch_by_stretch(terms, seed):
    events = histories.history(terms, seed)
    state, witnesses = explained(terms, events, max(event.on for event in events) + timedelta(days=40))
    for row in state.installments:
        lines = witnesses[row.seq].lines
        for part in PARTS:
            assert witnesses[row.seq].sum(part) == getattr(row.due, part), (row.seq, part)
        assert not [line for line in lines if line.part == "interest" and line.code in ("recalculated", "changed")], row.seq
        for line in lines:
            assert reckoned(line) == line.amount, line
        told = [line for line in lines if line.code in ("stretch", "free") and "from" in line.figures]
        assert all(first.figures["to"] == then.figures["from"] for first, then in itertools.pairwise(told))


def test_a_part_paid_late_makes_two_stretches_of_the_next_period():
    terms = Terms(D("12000.00"), D("0.12"), 12, START, day_count="actual/365", recalculation=Recalculation())
    events = [Disburse(key="out", on=START, amount=terms.principal), Repay(key="p", on=date(2025, 3, 10), amount=D("1066.19"), seq=1)]
    state, witnesses = explained(terms, events, date(2025, 3, 20))
    stretches = [line for line in witnesses[2].lines if line.code == "stretch"]
    assert [(line.figures["from"], line.figures["to"]) for line in stretches] == [
        (date(2025, 2, 28), date(2025, 3, 10)), (date(2025, 3, 10), date(2025, 3, 20)), (date(2025, 3, 20), date(2025, 3, 31)),
    ]  # fmt: skip
    assert stretches[0].figures["principal"] == D("12000.00") > stretches[1].figures["principal"]
    assert sum(line.amount for line in stretches) == state.installments[1].due.interest


@pytest.mark.parametrize("days", range(1, 31))
def test_a_part_of_a_year_of_360_days_is_told_in_whole_days(days):
    """Many of them have no end in decimals: cut off instead of rounded, 7/360 would be told as 6."""
    terms = Terms(D("12000.00"), D("0.12"), 12, START, day_count="30/360", every=5)
    start, end = date(2025, 2, 1), date(2025, 2, 1) + timedelta(days=days)
    nominal = 30 * (end.month - 2) + end.day - 1
    factor = terms.annual_rate * day_fraction("30/360", start, end)
    assert year_share(terms, factor, days, start, end) == f"{nominal}/360"


def test_what_changed_inside_a_period_is_told_with_what_it_saved():
    from credit.events import Prepay

    terms = Terms(D("12000.00"), D("0.12"), 12, START, day_count="actual/365")
    events = [Disburse(key="out", on=START, amount=terms.principal), Prepay(key="early", on=date(2025, 2, 10), amount=D("4000.00"), seq=1)]
    state, witnesses = explained(terms, events, date(2025, 2, 10))
    first = {line.code: line for line in witnesses[1].lines}
    assert first["inside"].amount == -quantize(D("4000.00") * D("0.12") * 18 / 365)
    assert first["interest"].amount + first["inside"].amount == state.installments[0].due.interest
    assert first["already"].amount == D("4000.00") and len(witnesses[1].earlier) == 1
