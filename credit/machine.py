"""A loan as a function of its terms and its events: `play(terms, events, as_of)`. Pure: no clock, no database, no framework.

Events are played by value date, then by `seq`; whatever stands at the same place keeps the order in which it was given. A back-dated
event is therefore the same as one that was recorded in time, and a reversed one never was. Every split of money comes out of here, so a
door posts what the machine says and a preview is two plays and their `difference`.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from credit import early_end, recalculation, reshaping, revolving
from credit.due_dates import Holidays
from credit.events import (
    Accelerate,
    Cancel,
    Charge,
    ChargeOff,
    Die,
    Disburse,
    Event,
    Pause,
    PayOff,
    Prepay,
    Recover,
    Refund,
    Relieve,
    Repay,
    Reschedule,
    Restructure,
    Resume,
    Reverse,
    Sell,
    Waive,
    WriteOff,
)
from credit.schedule import PRECISION
from credit.state import Split, State
from credit.terms import NotPlayable, Terms
from credit.working import Working

ZERO = Decimal("0.00")
RESHAPES = (Disburse, Reschedule, Restructure, Relieve)
Watch = Callable[[Working, Event | None], None]

PLAYS: dict[type[Event], Callable[[Working, Any], None]] = {
    Disburse: reshaping.disburse,
    Repay: reshaping.repay,
    Charge: Working.charge,
    Waive: Working.waive,
    Refund: Working.refund,
    Pause: Working.pause,
    Resume: Working.resume,
    Recover: Working.recover,
    Prepay: reshaping.prepay,
    Reschedule: reshaping.reschedule,
    Restructure: reshaping.restructure,
    Accelerate: early_end.accelerate,
    PayOff: early_end.pay_off,
    ChargeOff: early_end.charge_off,
    WriteOff: early_end.write_off,
    Cancel: early_end.cancel,
    Sell: early_end.sell,
    Die: early_end.die,
    Relieve: reshaping.relieve,
}


def play(terms: Terms, events: Iterable[Event], as_of: date, *, holidays: Holidays = (), watch: Watch | None = None) -> State:
    """Return the loan of `terms` after `events`; lateness, penalty and recalculated interest are told as of `as_of`.

    All events given count, whatever their day: `as_of` is the day of looking (the last business date closed), not a filter.
    `watch` is shown the workings after every event, and once more at the end, without one.

    :raises NotPlayable: with a `code` for a history that cannot be
    """
    with localcontext() as context:
        context.prec = PRECISION
        line = terms.line is not None
        loan = revolving.LineWorking(terms, holidays) if line else Working(terms, holidays)
        plays = revolving.PLAYS if line else PLAYS
        given = list(events)
        ordered = in_order(given)
        loan.dies_on = min((event.died_on for event in ordered if isinstance(event, Die)), default=None)
        for event in ordered:
            if isinstance(event, Reverse):
                _may_reverse(loan, next(each for each in given if each.key == event.of))
            loan.begin(event)
            if not isinstance(event, Reverse):
                if type(event) not in plays:
                    raise NotPlayable("not_of_a_loan", f"{event.key!r} is an event of a revolving line")
                plays[type(event)](loan, event)
                if loan.terms.recalculation and isinstance(event, RESHAPES):
                    recalculation.refresh(loan, event.on)  # an instalment left with nothing is met today, not when somebody looks next
            if watch is not None:
                watch(loan, event)
        state = loan.state(as_of)
        if watch is not None:
            watch(loan, None)
        return state


def _may_reverse(loan: Working, event: Event) -> None:
    """After a write-off or a sale only what came after it is reversed; to reverse more, that itself has to be reversed first."""
    if loan.sold_on is not None and not isinstance(event, Refund):
        raise NotPlayable("sold", f"{event.key!r} came before the sale of {loan.sold_on}")
    if loan.written_off_on is not None and not isinstance(event, Recover | Refund):
        raise NotPlayable("written_off", f"{event.key!r} came before the write-off of {loan.written_off_on}")


def quote(terms: Terms, events: Iterable[Event], on: date, *, settles_on: date | None = None, holidays: Holidays = ()) -> Split:
    """Return what ends the loan when it is paid `on`, interest and penalty counted to `settles_on`: the split of that payment.

    Its `amount` is the sum to pay, its `waived` what of interest and fees is then no longer owed; nothing to pay gives an amount of zero.
    """
    asked = PayOff(key="quote", on=on, seq=sys.maxsize, settles_on=settles_on)
    return play(terms, [*events, asked], on, holidays=holidays).splits[asked.key]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return the events that stand, by value date and `seq`, without those that were reversed.

    :raises NotPlayable: (repeated_key, unknown_key, not_reversible) if keys repeat or a reversal names nothing that can be reversed
    """
    given = list(events)
    by_key = {event.key: event for event in given}
    if len(by_key) != len(given):
        raise NotPlayable("repeated_key", "two events carry the same key")
    gone = set()
    for event in given:
        if isinstance(event, Reverse):
            if event.of not in by_key:
                raise NotPlayable("unknown_key", f"there is no event {event.of!r} to reverse")
            if isinstance(by_key[event.of], Reverse) or event.of in gone:
                raise NotPlayable("not_reversible", f"{event.of!r} is itself a reversal, or was reversed before")
            gone.add(event.of)
    return sorted((event for event in given if event.key not in gone), key=lambda event: (event.on, event.seq))


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of one instalment (seq) that differs; None where the instalment is not there."""

    installment: int
    figure: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """What two plays of a loan differ by: figures of instalments, sums (after − before), lateness and splits of events."""

    installments: tuple[Change, ...]
    totals: Mapping[str, Decimal]
    past_due_days: tuple[int, int]
    regulatory_days: tuple[int, int]
    treatment_days: tuple[int, int]
    status: tuple[str, str]
    splits: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether the two are the same."""
        pairs = (self.past_due_days, self.regulatory_days, self.treatment_days, self.status)
        return not (self.installments or any(self.totals.values()) or self.splits or any(a != b for a, b in pairs))


def difference(before: State, after: State) -> Difference:
    """Return what changed from one play to another: schedule, interest, penalty, days past due, and which events split differently."""
    figures = ("due_on", "principal", "interest", "fee", "penalty", "paid", "waived", "written_off", "outstanding", "met_on")
    rows = [{row.seq: row for row in state.installments} for state in (before, after)]
    changes = []
    for seq in sorted(rows[0].keys() | rows[1].keys()):
        old, new = (_figures(side.get(seq)) for side in rows)
        changes += [Change(seq, name, old.get(name), new.get(name)) for name in figures if old.get(name) != new.get(name)]
    old_totals, new_totals = before.totals(), after.totals()
    totals = {name: new_totals[name] - old_totals[name] for name in new_totals}
    totals |= {name: getattr(after, name) - getattr(before, name) for name in ("principal_outstanding", "overpayment", "recovered")}
    moved = tuple(key for key in before.splits | after.splits if before.splits.get(key) != after.splits.get(key))
    was, now = before.delinquency, after.delinquency
    return Difference(
        tuple(changes),
        totals,
        (was.past_due_days, now.past_due_days),
        (was.regulatory_days, now.regulatory_days),
        (was.treatment_days, now.treatment_days),
        (before.status, after.status),
        moved,
    )


def _figures(row: Any) -> dict[str, Any]:
    if row is None:
        return {}
    due = row.due
    sums: Sequence[tuple[str, Any]] = (
        ("due_on", row.due_on), ("principal", due.principal), ("interest", due.interest), ("fee", due.fee), ("penalty", due.penalty),
        ("paid", row.paid.total), ("waived", row.waived.total), ("written_off", row.written_off.total),
        ("outstanding", row.outstanding), ("met_on", row.met_on),
    )  # fmt: skip
    return dict(sums)
