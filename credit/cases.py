"""Published cases played on the live engine: steps to events, expectations to checks. Pure; run by `manage.py replay_cases`.

`MachineLoan` is the adapter: one method for each kind of step. Another engine (a loan booked in the database) is another class with the
same methods; the player and its checks do not change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol

from credit import case_terms, machine
from credit.case_terms import NotOurs
from credit.events import Charge, Disburse, Event, Pause, PayOff, Repay, Resume, Reverse
from credit.schedule import build
from credit.state import Split, State
from credit.terms import Refused, Terms

ZERO = Decimal("0.00")
STATUSES = {"planned": "APPROVED", "open": "ACTIVE", "settled": "CLOSED_OBLIGATIONS_MET", "written_off": "CLOSED_WRITTEN_OFF"}


class Differs(Exception):
    """An expectation is not met; the sentence says where, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case; `sentence` is the first difference, or why it was skipped."""

    case: str
    tier: int
    category: str
    result: Literal["passed", "failed", "skipped"]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """A transaction as a case lists it."""

    on: date
    kind: str
    amount: Decimal
    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fee: Decimal = ZERO
    penalty: Decimal = ZERO
    principal_after: Decimal = ZERO
    reversed: bool = False


class Engine(Protocol):
    """What the player needs of an engine."""

    terms: Terms

    def disburse(self, on: date, amount: Decimal) -> None: ...
    def repay(self, on: date, amount: Decimal, kind: str) -> None: ...
    def pay_off(self, on: date) -> None: ...
    def charge(self, on: date, part: str, amount: Decimal, due_on: date) -> None: ...
    def reverse(self, on: date, made_on: date, nth: int) -> None: ...
    def pause(self, start: date, end: date) -> None: ...
    def resume(self, start: date) -> None: ...
    def look(self, on: date, *, closes: bool) -> None: ...
    def state(self) -> State | None: ...
    def movements(self) -> Sequence[Movement]: ...


class MachineLoan:
    """A loan that lives in the machine alone: its events are a list, its state is one play."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.events: list[Event] = []
        self.seen: dict[str, Split] = {}  # the split of an event as it last stood: a reversed one is still listed
        self.gone: set[str] = set()
        self.accruals: list[Movement] = []
        self.accrued = ZERO
        self.as_of: date | None = None
        self._state: State | None = None

    def _add(self, event: Event, on: date) -> None:
        self.events.append(event)
        self.look(on, closes=False)

    def _next(self) -> dict[str, Any]:
        return {"key": f"e{len(self.events)}", "seq": len(self.events)}

    def disburse(self, on: date, amount: Decimal) -> None:
        self._add(Disburse(**self._next(), on=on, amount=amount), on)

    def repay(self, on: date, amount: Decimal, kind: str) -> None:
        self._add(Repay(**self._next(), on=on, amount=amount, kind=kind), on)

    def pay_off(self, on: date) -> None:
        self._add(PayOff(**self._next(), on=on), on)

    def charge(self, on: date, part: str, amount: Decimal, due_on: date) -> None:
        self._add(Charge(**self._next(), on=on, part=part, amount=amount, due_on=due_on), on)  # type: ignore[arg-type]

    def reverse(self, on: date, made_on: date, nth: int) -> None:
        made = [event.key for event in self.events if event.on == made_on and isinstance(event, Repay | PayOff)]
        self.gone.add(made[nth - 1])
        self._add(Reverse(**self._next(), on=on, of=made[nth - 1]), on)

    def pause(self, start: date, end: date) -> None:
        self.events.append(Pause(**self._next(), on=start, until=end))

    def resume(self, start: date) -> None:
        self.events.append(Resume(**self._next(), on=start))

    def look(self, on: date, *, closes: bool) -> None:
        """Bring the loan to a day: interest, penalty and lateness are told as of it; a close books what has accrued."""
        was = self._state.status if self._state else "planned"
        self.as_of = on
        self._state = machine.play(self.terms, self.events, on)
        self.seen |= self._state.splits
        if closes:
            for row in self._state.installments:
                if row.due_on <= on:
                    self._accrue(row.due_on, row.due.interest, row.due.fee, row.due.penalty)
        if was == "open" and self._state.status == "settled":
            totals = self._state.totals()
            self._accrue(on, *(totals[part] - self._booked(part) for part in ("interest", "fee", "penalty")))

    def _booked(self, part: str) -> Decimal:
        return sum((getattr(each, part) for each in self.accruals), ZERO)

    def _accrue(self, on: date, interest: Decimal, fee: Decimal, penalty: Decimal) -> None:
        if interest + fee + penalty and not any(each.on == on for each in self.accruals):
            self.accruals.append(Movement(on, "Accrual", interest + fee + penalty, ZERO, interest, fee, penalty))

    def state(self) -> State | None:
        return self._state

    def movements(self) -> Sequence[Movement]:
        """Return what moved money, in the order of its days, with accruals behind what came the same day."""
        rows = []
        for key, split in self.seen.items():
            if split.amount:
                row = Movement(
                    on=split.event.on,
                    kind=_name(split.event),
                    amount=split.amount,
                    principal=split.part("principal"),
                    interest=split.part("interest"),
                    fee=split.part("fee"),
                    penalty=split.part("penalty"),
                    principal_after=split.principal_after,
                    reversed=key in self.gone,
                )
                rows.append(row)
        return sorted([*rows, *self.accruals], key=lambda each: each.on)


def _name(event: Event) -> str:
    if isinstance(event, Repay):
        return event.kind.replace("_", " ").title()
    return "Disbursement" if isinstance(event, Disburse) else "Repayment"


class Player:
    """One case on one engine."""

    def __init__(self, case: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]], engine: Callable[[Terms], Engine]) -> None:
        self.case = case
        self.loan = engine(case_terms.read_terms(case, ranges))
        self.business_date = self.loan.terms.starts_on
        self.last_closed: date | None = None
        self.disbursed: list[tuple[date, Decimal]] = []
        self.actions: list[dict[str, Any]] = []
        self.pauses: list[tuple[date, date]] = []

    def play(self) -> None:
        """Play all steps.

        :raises Differs: at the first expectation that is not met
        :raises NotOurs: at a step the engine lacks
        """
        for n, step in enumerate(self.case["steps"], start=1):
            take = getattr(self, f"do_{step['op']}", None)
            if take is None:
                raise NotOurs(f"step {n} is {step['op']!r}, which the engine lacks")
            try:
                take(step)
            except Differs as differs:
                raise Differs(f"step {n}, {step['op']} on {self.business_date}: {differs}") from differs

    @property
    def state(self) -> State:
        found = self.loan.state()
        if found is None:
            raise Differs("there is no loan yet")
        return found

    # --- steps ------------------------------------------------------------------------------------------------------
    def do_note(self, step: Mapping[str, Any]) -> None:
        """A remark."""

    def do_set_business_date(self, step: Mapping[str, Any]) -> None:
        self.business_date = date.fromisoformat(step["date"])

    def do_set_future_installment_rule(self, step: Mapping[str, Any]) -> None:
        if not self.disbursed:  # a product's rule: a loan made before keeps its own
            self.loan.terms = case_terms.with_excess(self.loan.terms, step["transaction_type"], step["rule"])

    def do_approve(self, step: Mapping[str, Any]) -> None:
        if date.fromisoformat(step["date"]) > self.business_date or Decimal(step["amount"]) > self.loan.terms.principal:
            raise Differs("the approval lies ahead, or is of more than was applied for")

    def do_disburse(self, step: Mapping[str, Any]) -> None:
        on, amount = date.fromisoformat(step["date"]), Decimal(step["amount"])
        self.loan.disburse(on, amount)
        self.disbursed.append((on, amount))

    def do_repay(self, step: Mapping[str, Any]) -> None:
        self.loan.repay(date.fromisoformat(step["date"]), Decimal(step["amount"]), "repayment")

    def do_credit(self, step: Mapping[str, Any]) -> None:
        self.loan.repay(date.fromisoformat(step["date"]), Decimal(step["amount"]), step["kind"].lower())

    def do_pay_off(self, step: Mapping[str, Any]) -> None:
        self.loan.pay_off(date.fromisoformat(step["date"]))

    def do_add_charge(self, step: Mapping[str, Any]) -> None:
        part = {"FEE": "fee", "PENALTY": "penalty"}.get(step["kind"])
        if part is None:
            raise NotOurs(f"a charge of kind {step['kind']}")
        self.loan.charge(self.business_date, part, Decimal(step["amount"]), date.fromisoformat(step["due_date"]))

    def do_reverse_transaction(self, step: Mapping[str, Any]) -> None:
        self.loan.reverse(self.business_date, date.fromisoformat(step["made_on"]), int(step["nth_on_that_day"]))

    def do_close_of_business(self, step: Mapping[str, Any]) -> None:
        """Close the day before the business date; the loan is looked at on the business date. One that has ended is not closed any more."""
        if self.state.status == "open":
            self.last_closed = self.business_date - timedelta(days=1)
            self.loan.look(self.business_date, closes=True)

    def do_delinquency_pause(self, step: Mapping[str, Any]) -> None:
        start, end = date.fromisoformat(step["start"]), date.fromisoformat(step["end"])
        self.loan.pause(start, end)
        self.pauses.append((start, end))
        self.actions.append({"action": "PAUSE", "start": start, "end": end})

    def do_delinquency_resume(self, step: Mapping[str, Any]) -> None:
        start = date.fromisoformat(step["start"])
        self.loan.resume(start)
        self.pauses = [(first, start if first <= start < last else last) for first, last in self.pauses]
        self.actions.append({"action": "RESUME", "start": start})

    # --- expectations -----------------------------------------------------------------------------------------------
    def do_expect_schedule(self, step: Mapping[str, Any]) -> None:
        paid_out = [row for row in step["rows"] if row["type"] == "disbursement"]
        went = self.disbursed or [(self.loan.terms.starts_on, self.loan.terms.principal)]
        found = [{"date": on, "amount": amount} for on, amount in went]
        compare("disbursement", [_without(row, "type") for row in paid_out], found)
        compare("instalment", [_without(row, "type") for row in step["rows"] if row["type"] == "installment"], self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        if not self.disbursed:
            return [
                _row(n, row.days, row.due_on, None, row.balance, row.principal, row.interest, row.fee, ZERO, ZERO, ZERO, ZERO)
                for n, row in enumerate(build(self.loan.terms), start=1)
            ]
        return [
            _row(
                n, row.days, row.due_on, row.met_on, row.balance, row.due.principal, row.due.interest, row.due.fee, row.due.penalty,
                row.paid.total, row.paid_in_advance, row.paid_late,
            )
            for n, row in enumerate(self.state.installments, start=1)
        ]  # fmt: skip

    def do_expect_totals(self, step: Mapping[str, Any]) -> None:
        rows = self._rows()
        found = {name: sum((row[name] for row in rows), ZERO) for name in rows[0] if isinstance(rows[0][name], Decimal)}
        compare_one("totals", step["totals"], found)

    def do_expect_transactions(self, step: Mapping[str, Any]) -> None:
        """The source lists accruals for some products and leaves them out for others: they are compared where a case shows any."""
        accruals = any(row["type"] == "Accrual" for row in step["rows"])
        found = [
            {
                "date": each.on, "type": each.kind, "amount": each.amount, "principal": each.principal, "interest": each.interest,
                "fees": each.fee, "penalties": each.penalty, "principal_balance_after": each.principal_after, "reversed": each.reversed,
            }
            for each in self.loan.movements()
            if accruals or each.kind != "Accrual"
        ]  # fmt: skip
        compare("transaction", step["rows"], found)

    def do_expect_status(self, step: Mapping[str, Any]) -> None:
        compare_one("status", {"status": step["status"]}, {"status": STATUSES.get(self.state.status, self.state.status)})

    def do_expect_outstanding(self, step: Mapping[str, Any]) -> None:
        compare_one("outstanding", {"amount": step["amount"]}, {"amount": self.state.totals()["outstanding"]})

    def do_expect_all_obligations_met(self, step: Mapping[str, Any]) -> None:
        open_rows = [row.seq for row in self.state.installments if row.met_on is None]
        if open_rows:
            raise Differs(f"instalments {open_rows} are not met")

    def do_expect_last_closed_business_date(self, step: Mapping[str, Any]) -> None:
        compare_one("last closed business date", {"date": step["date"]}, {"date": self.last_closed})

    def do_expect_delinquency(self, step: Mapping[str, Any]) -> None:
        late = self.state.delinquency
        found = {
            "range": late.range_name or "NO_DELINQUENCY",
            "delinquent_since": late.since,
            "delinquent_amount": late.amount,
            "delinquent_days": late.treatment_days,
            "past_due_days": late.past_due_days,
        }
        compare_one("delinquency", _without(step, "op"), found)

    do_expect_loan_delinquency = do_expect_delinquency

    def do_expect_installment_delinquency(self, step: Mapping[str, Any]) -> None:
        compare("range", step["rows"], [{"range": name, "amount": amount} for name, amount in self.state.delinquency.amounts])

    def do_expect_delinquency_actions(self, step: Mapping[str, Any]) -> None:
        compare("action", step["rows"], self.actions)

    def do_expect_pause_periods(self, step: Mapping[str, Any]) -> None:
        on = self.business_date
        found = [{"active": first <= on <= last, "start": first, "end": last} for first, last in self.pauses]
        compare("pause", step["rows"], found)


def _row(nr: int, days: int, due_on: date, met_on: date | None, balance: Decimal, *amounts: Decimal) -> dict[str, Any]:
    principal, interest, fee, penalty, paid, in_advance, late = amounts
    due = principal + interest + fee + penalty
    return {
        "nr": nr, "days": days, "due_date": due_on, "obligations_met_on": met_on, "balance_after": balance, "principal": principal,
        "interest": interest, "fees": fee, "penalties": penalty, "due": due, "paid": paid, "paid_in_advance": in_advance,
        "paid_late": late, "outstanding": due - paid,
    }  # fmt: skip


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def compare(what: str, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> None:
    """Compare two lists row by row.

    :raises Differs: at the first figure that differs, or if one list is longer
    """
    for n, (row, ours) in enumerate(zip(expected, found, strict=False), start=1):
        compare_one(f"{what} {n}", row, ours)
    if len(expected) != len(found):
        raise Differs(f"{len(expected)} of {what} expected, {len(found)} found")


def compare_one(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare what is expected with what was found; only what is expected counts.

    :raises Differs: at the first figure that differs
    """
    for name, value in expected.items():
        ours = found.get(name)
        if not _same(value, ours):
            raise Differs(f"{what}: {name} expected {value}, found {ours}")


def _same(value: Any, ours: Any) -> bool:
    if isinstance(ours, Decimal):
        return value is not None and Decimal(value) == ours
    if isinstance(ours, date):
        return bool(value == ours.isoformat())
    return bool(value == ours)


def replay(document: Mapping[str, Any], *, tier: int | None = None, engine: Callable[[Terms], Engine] = MachineLoan) -> Iterable[Outcome]:
    """Play the cases of a file, tiers 1 to `tier`, and tell what became of each."""
    for case in document["cases"]:
        if tier is not None and case["tier"] > tier:
            continue
        told = (case["id"], case["tier"], case["category"])
        try:
            Player(case, document.get("delinquency_ranges", ()), engine).play()
        except NotOurs as why:
            yield Outcome(*told, "skipped", str(why))
        except Differs as why:
            yield Outcome(*told, "failed", str(why))
        except Refused as why:
            yield Outcome(*told, "failed", f"the engine refuses: {why} ({why.code})")
        else:
            yield Outcome(*told, "passed")
