"""Random terms and histories for the machine, and what must hold of every one."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

from hypothesis import strategies as st

from credit import machine
from credit.allocation import WATERFALL, Allocation
from credit.events import (
    Accelerate,
    Charge,
    ChargeOff,
    Die,
    Disburse,
    Event,
    Pause,
    PayOff,
    Prepay,
    Refund,
    Relieve,
    Repay,
    Reschedule,
    Restructure,
    Sell,
    Waive,
    WriteOff,
)
from credit.state import State
from credit.terms import METHODS, Fee, Penalty, Recalculation, Refused, Terms

START = date(2025, 1, 31)
SIMPLE = ("repay", "repay", "repay", "charge", "refund", "waive", "pause")
ALL = (
    *SIMPLE,
    "prepay_term",
    "prepay_installment",
    "extend",
    "move",
    "restructure",
    "accelerate",
    "tranche",
    "pay_off",
    "write_off",
    "relieve",
    "die",
    "charge_off",
    "sell",
)

LAST = ("write_off", "sell")  # after these the loan is nobody's to pay off

FEES = (
    (),
    (Fee("service", "per_period", amount=D("3.00")), Fee("early", "prepayment", rate=D("0.01"))),
    (Fee("once", "once", rate=D("0.01")), Fee("late", "late", amount=D("10.00")), Fee("start", "up_front", amount=D("7.00"))),
)


@st.composite
def terms(draw: st.DrawFn, *, recalculated: bool = False, methods: Sequence[str] = METHODS) -> Terms:
    """Terms of every kind the engine knows."""
    family = draw(st.sampled_from(["house", "house", "progressive", "cumulative"]))
    periods = draw(st.integers(1, 15))
    again = Recalculation(draw(st.sampled_from(["last", "term", "installment"]))) if recalculated else None
    return Terms(
        draw(st.decimals("50", "30000", places=2)),
        draw(st.sampled_from([D(0), D("0.05"), D("0.18"), D("0.36")])),
        periods,
        START,
        day_count=draw(st.sampled_from(["30/360", "actual/360", "actual/364", "actual/365", "actual/actual"])),
        month_end=draw(st.sampled_from(["last_day", "next_first"])),
        rounding=draw(st.sampled_from(["HALF_UP", "HALF_EVEN"])),
        method="equal_installment" if recalculated else draw(st.sampled_from(methods)),  # type: ignore[arg-type]
        family=family,
        interest=draw(st.sampled_from(["daily", "per_period"])),
        partial_period=draw(st.sampled_from(["day_count", "period_share"])),
        unit=draw(st.sampled_from(["months", "months", "weeks", "days"])),
        every=draw(st.integers(1, 3)),
        grace_on_principal=draw(st.integers(0, min(2, periods - 1))),
        grace_on_interest=0 if recalculated else draw(st.integers(0, min(2, periods - 1))),
        interest_free=draw(st.integers(0, min(1, periods))),
        down_payment=draw(st.sampled_from([D(0), D(0), D("0.25")])),
        down_payment_collected=draw(st.booleans()),
        installment_multiple=draw(st.sampled_from([None, D("0.10")])),
        fees=draw(st.sampled_from(FEES)),
        penalty=draw(st.sampled_from([Penalty(), Penalty(D("0.27"), 3), Penalty(percent_once=D("0.015"))])),
        allocation=Allocation.of(
            draw(st.permutations(WATERFALL)),
            draw(st.permutations(WATERFALL)),
            processing=draw(st.sampled_from(["horizontal", "vertical"])),
            excess=draw(st.sampled_from(["running", "none", "next", "last", "reamortize"])),
        ),
        recalculation=again,
    )


def history(made: Terms, seed: int, kinds: Sequence[str] = ALL, length: int = 6) -> list[Event]:
    """Return a random history the machine plays, event by event; what it refuses is left out."""
    chance = random.Random(seed)
    first = made.principal if "tranche" not in kinds or chance.random() < 0.7 else (made.principal / 2).quantize(D("0.01"))
    events: list[Event] = [Disburse(key="out", on=START, amount=first)]
    on = START
    for n in range(1, length + 1):
        on += timedelta(days=chance.choice([0, 1, 10, 29, 31, 45, 60]))
        event = _event(chance, chance.choice(kinds), f"e{n}", on, n, made, events)
        try:
            machine.play(made, [*events, event], on)
        except Refused:
            continue
        events.append(event)
    return events


def _event(chance: random.Random, kind: str, key: str, on: date, seq: int, made: Terms, before: list[Event]) -> Event:
    amount = (made.principal * D(chance.choice(["0.01", "0.1", "0.3", "0.9", "1.3"]))).quantize(D("0.01")) or D("0.01")
    at = {"key": key, "on": on, "seq": seq}
    match kind:
        case "repay":
            return Repay(**at, amount=amount)
        case "charge":
            part = chance.choice(["fee", "penalty"])
            return Charge(**at, amount=D("12.34"), due_on=on + timedelta(days=chance.choice([0, 5, 40, 900])), part=part)  # type: ignore[arg-type]
        case "refund":
            return Refund(**at, amount=machine.play(made, before, on).overpayment or D("0.01"))
        case "waive":
            return Waive(**at, part=chance.choice(["fee", "penalty", "interest"]), amount=D("1.00"))  # type: ignore[arg-type]
        case "pause":
            return Pause(**at, until=on + timedelta(days=20))
        case "prepay_term" | "prepay_installment":
            return Prepay(**at, amount=amount, keeps="installment" if kind == "prepay_installment" else "term")
        case "extend":
            return Reschedule(**at, more=chance.randint(1, 4))
        case "move":
            return Reschedule(**at, due_day=chance.choice([5, 15, 31]))
        case "restructure":
            return Restructure(**at, terms=replace(made, periods=made.periods + 3), capitalises=chance.random() < 0.5)
        case "accelerate":
            return Accelerate(**at)
        case "tranche":
            return Disburse(**at, amount=made.principal - (made.principal / 2).quantize(D("0.01")))
        case "pay_off":
            return PayOff(**at, amount=None if chance.random() < 0.7 else amount)
        case "relieve":
            until = on + timedelta(days=chance.choice([20, 60, 100]))
            return Relieve(**at, until=until, installment=chance.choice([D("0.00"), D("5.00"), amount]), adds=chance.random() < 0.5)
        case "die":
            return Die(**at, died_on=on - timedelta(days=chance.choice([0, 5, 50])))
        case "charge_off":
            return ChargeOff(**at)
        case "sell":
            return Sell(**at, amount=amount)
    return WriteOff(**at)


def sound(state: State) -> None:
    """Assert what must hold of every state."""
    rows, capitalised = state.installments, sum((line.amount for each in state.splits.values() for line in each.capitalised), D(0))
    written = sum((row.written_off.principal for row in rows), D(0))
    paid = sum((row.paid.principal for row in rows), D(0))
    assert state.principal_outstanding == state.disbursed + capitalised - paid - written
    assert state.principal_outstanding == sum((row.left("principal") for row in rows), D(0))
    for row in rows:
        for part in ("principal", "interest", "fee", "penalty"):
            assert getattr(row.due, part) >= 0 and getattr(row.paid, part) >= 0 and row.left(part) >= 0, (row.seq, part)
        assert (row.met_on is not None) == (row.outstanding == 0), row.seq
        assert row.paid_in_advance + row.paid_late <= row.paid.total
    assert state.overpayment >= 0
    assert [row.due_on for row in rows] == sorted(row.due_on for row in rows)
    assert len({row.seq for row in rows}) == len(rows)
    sums: dict[tuple[int, str], D] = {}
    for split in state.splits.values():
        if isinstance(split.event, Repay | Prepay | PayOff):
            lines = sum((line.amount for line in split.lines), D(0))
            assert split.amount == lines + split.fee + split.overpayment + split.recovered
        assert all(line.amount > 0 for line in (*split.lines, *split.waived, *split.written_off))
        for line in split.lines:
            sums[line.installment, line.part] = sums.get((line.installment, line.part), D(0)) + line.amount
    there = {(row.seq, part): getattr(row.paid, part) for row in rows for part in ("principal", "interest", "fee", "penalty")}
    assert {place: amount for place, amount in there.items() if amount} == sums
