"""How an instalment came about, line by line, out of the same play of the loan that its figures come from. Pure.

A `Witness` watches the machine: what a schedule made of the instalment is told as that schedule reckoned it (principal × rate × part of
the year, rounding, what the last one takes), every later change by the event that made it. The lines of a part add up to what is due of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from credit.due_dates import YEARS, day_fraction, remaining
from credit.events import Accelerate, Charge, Disburse, Event, Prepay, Relieve, Repay, Reschedule, Restructure, Sell, WriteOff
from credit.recalculation import rounded
from credit.schedule import solve
from credit.state import PARTS, Installment, Making, Split, Stretch
from credit.terms import Terms
from credit.working import Working
from crm.lib.money import quantize

ZERO = Decimal("0.00")
CAUSES: Mapping[type[Event], str] = {
    Prepay: "prepaid",
    Accelerate: "accelerated",
    Restructure: "restructured",
    Reschedule: "rescheduled",
    Disburse: "paid_out",
    Charge: "charged",
    WriteOff: "written_off",
    Sell: "sold",
    Relieve: "relieved",
}

BILLED = ("statement", "rest")  # of a revolving line: billed by a statement, and not yet


@dataclass(frozen=True, slots=True)
class Line:
    """An amount of one part and why: `code` names the rule, `figures` what it was reckoned from, `event` the movement that brought it.

    Codes: interest (opening × rate × part of the year, rounded), free, flat, flat_last, put_off and held (a grace collects it later),
    planned (given by the schedule before), inside (the balance changed inside the period); payment (the instalment less its interest),
    last, equal, none, whole, down_payment, already (paid in it before the schedule was made anew); fee, late_fee, late_once; charge;
    penalty (overdue principal × rate × days), died (to the day of death); and the causes of a change by an event: prepaid, accelerated, restructured, rescheduled,
    paid_out, written_off; statement_principal, statement_interest, rest_principal, rest_interest (of a line); stretch (interest follows the
    balance: principal × rate × part of the year of some days), recalculated (what else that changed), floor (what was paid or waived is
    not given back).
    """

    part: str
    code: str
    amount: Decimal
    on: date
    event: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Before:
    """What the instalment stood at after the event before."""

    since: date = date.min
    unpaid: Decimal = ZERO
    late: bool = False
    charges: int = 0
    prepaid: Decimal = ZERO


class Witness:
    """Watches one instalment while the machine plays to a day."""

    def __init__(self, seq: int, as_of: date) -> None:
        self.seq, self.as_of = seq, as_of
        self.lines: list[Line] = []
        self.earlier: list[list[Line]] = []  # what it was made of before it was made anew
        self.making: Making | None = None
        self._seen = 0
        self._row: Installment | None = None
        self._was = Before()
        self._stretches: tuple[Stretch, ...] = ()

    def __call__(self, loan: Working, event: Event | None) -> None:
        """Note what `event` did to the instalment; without one, what has grown to the day of the state."""
        row = next((each for each in loan.rows if each.seq == self.seq), None)
        if row is None:
            return
        key, on = (event.key, event.on) if event is not None else ("", self.as_of)
        for making in row.makings[self._seen :]:
            self._make(loan, row, making, event)
        self._seen = len(row.makings)
        for charge in row.charges[self._was.charges :]:
            self.lines.append(Line(charge.part, "charge", charge.amount, charge.due_on, charge.key.split(":")[0]))
        self._late(loan, row, key)
        fixed = event is None or row.met_on is not None
        penalty = row.due.penalty if fixed else row.penalty_base
        self._penalty(loan, row, key, on, penalty)
        self._stretched(loan, row, key)
        self._rest(row, event, key, on, penalty)
        self._row = row
        self._was = Before(row.penalty_since, row.unpaid, row.late_charged, len(row.charges), row.prepaid)

    def sum(self, part: str) -> Decimal:
        """Return what the lines of a part add up to."""
        return sum((line.amount for line in self.lines if line.part == part), ZERO)

    def _make(self, loan: Working, row: Installment, making: Making, event: Event | None) -> None:
        before = [line for line in self.lines if line.part in ("principal", "interest")]
        interest = [line for line in before if line.part == "interest" and line.code != "held"]
        lines = made(loan, row, making)
        if making.changed and interest and sum((line.amount for line in interest), ZERO) == making.was:
            # The balance changed inside its period: what it would have cost stands, and what that changed.
            held = [line for line in lines if line.part == "interest" and line.code in ("held", "put_off")]
            lines = [*(line for line in lines if line.part != "interest"), *interest, *self._inside(loan, row, making, event), *held]
        if before:
            self.earlier.append(before)
        self.lines = [*(line for line in self.lines if line.part not in ("principal", "interest")), *lines]
        if self._row is None:
            self.lines += foreseen(loan, row, making)
        self.making = making

    def _inside(self, loan: Working, row: Installment, making: Making, event: Event | None) -> list[Line]:
        change = making.earned - making.was
        if not change or making.period is None:
            return []
        amount = -(row.prepaid - self._was.prepaid) if isinstance(event, Prepay | Repay) else getattr(event, "amount", ZERO)
        share = remaining(loan.terms, making.period, making.on)
        figures = {"principal": amount, "rate": loan.terms.annual_rate, "share": share, "factor": making.period.factor}
        exact = quantize(amount * making.period.factor * share, loan.terms.rounding) == change
        return [Line("interest", "inside", change, making.on, making.event, figures if exact else {})]

    def _late(self, loan: Working, row: Installment, key: str) -> None:
        if not row.late_charged or self._was.late:
            return
        was = self._was.unpaid if self._row is not None else row.unpaid
        if once := quantize(was * loan.terms.penalty.percent_once):
            figures: dict[str, Any] = {"principal": was, "share": loan.terms.penalty.percent_once}
            self.lines.append(Line("penalty", "late_once", once, row.due_on, key, figures))
        for fee in loan.terms.fees:
            if fee.when == "late":
                amount = fee.amount + quantize(was * fee.rate)
                figures = {"fee": fee.code, "amount": fee.amount, "principal": was, "rate": fee.rate}
                self.lines.append(Line("fee", "late_fee", amount, row.due_on, key, figures))

    def _penalty(self, loan: Working, row: Installment, key: str, on: date, penalty: Decimal) -> None:
        """Tell what grew since it was last fixed: on what was unpaid until now, for the days to where it is fixed now."""
        rule, was = loan.terms.penalty, self._was
        grown = penalty - self.sum("penalty")
        if grown <= 0 or not rule.annual_rate or self._row is None:
            return
        for end in (row.penalty_since, on, row.met_on, loan.written_off_on, loan.dies_on):
            days = (end - was.since).days if end is not None else 0
            if days > 0 and quantize(was.unpaid * rule.annual_rate * days / rule.year) == grown:
                figures = {"principal": was.unpaid, "rate": rule.annual_rate, "days": days, "year": rule.year, "from": was.since, "to": end}
                self.lines.append(Line("penalty", "died" if end == loan.dies_on else "penalty", grown, was.since, key, figures))
                return

    def _stretched(self, loan: Working, row: Installment, key: str) -> None:
        """Tell interest that follows the balance stretch by stretch, and what that leaves of the instalment for principal."""
        if row.stretches is self._stretches or not row.stretches or row.period is None:
            return  # it was not reckoned anew
        self._stretches = row.stretches
        keep = [line for line in self.lines if line.part not in ("principal", "interest")]
        interest = stretched(loan.terms, row, key)
        principal = _repaid(loan, row, key) if loan.terms.method == "equal_installment" else None
        if principal is None or sum((line.amount for line in principal), ZERO) != row.due.principal:
            principal = [line for line in self.lines if line.part == "principal"]
        self.lines = [*keep, *principal, *interest]

    def _rest(self, row: Installment, event: Event | None, key: str, on: date, penalty: Decimal) -> None:
        """Tell by its cause what no rule above told."""
        cause = CAUSES.get(type(event), "") if event is not None else ""
        for part in PARTS:
            change = (penalty if part == "penalty" else getattr(row.due, part)) - self.sum(part)
            if not change:
                continue
            code = cause
            if part == "interest" and row.stretches and row.period is not None and change > 0:
                code = "floor"
            elif row.kind in BILLED and part in ("principal", "interest") and not isinstance(event, WriteOff | Sell):
                code = f"{row.kind}_{part}"
            elif part in ("principal", "interest") and not cause:
                code = "recalculated"
            elif part == "interest" and self.making is not None and self.making.event == key and change > 0 and cause != "restructured":
                code = "floor"
            self.lines.append(Line(part, code or "changed", change, on, key))


# --- what a schedule made ------------------------------------------------------------------------------------------
def made(loan: Working, row: Installment, making: Making) -> list[Line]:
    """Return the lines of principal and interest as the schedule of `making` reckoned them."""
    told: dict[str, Any] = {"on": making.on, "event": making.event}
    if row.kind == "down_payment":
        figures = {"share": making.terms.down_payment, "principal": making.opening}
        return [Line("principal", "down_payment", making.principal, figures=figures, **told)]
    beside = [
        each.makings[-1] for each in loan.rows if each.makings and each.makings[-1].event == making.event and each.kind == "installment"
    ]
    lines = [Line("principal", "already", making.paid, **told)] if making.paid else []
    lines += [Line("principal", code, amount, figures=figures, **told) for code, amount, figures in _principal(making, beside)]
    lines += [Line("interest", code, amount, figures=figures, **told) for code, amount, figures in _interest(making, beside)]
    return lines


Told = list[tuple[str, Decimal, dict[str, Any]]]


def _principal(making: Making, beside: list[Making]) -> Told:
    amount, opening = making.principal, making.opening
    if making.period is None:
        return [("whole", amount, {})] if amount else []
    is_last = making is beside[-1] or amount == opening
    if not amount and not is_last:
        return [("none", ZERO, {})]
    if making.terms.method in ("bullet", "interest_only") or (is_last and len(beside) == 1):
        return [("whole", amount, {"opening": opening})]
    if is_last:
        return [("last", amount, {"opening": opening})]
    if making.terms.method in ("equal_principal", "flat"):
        repaying = [each for each in beside if each.principal or each is beside[-1]]
        figures = {"principal": sum((each.principal for each in beside), ZERO), "periods": len(repaying), "kept": making.kept}
        return [("equal", amount, figures)]
    payment = amount + making.earned
    figures = {"payment": payment, "interest": making.earned, "spread": beside[0].opening, "periods": len(beside), "kept": making.kept}
    figures["exact"] = _solved(making.terms, beside)
    return [("payment", amount, figures)]


def _solved(terms: Terms, beside: list[Making]) -> Decimal | None:
    """Return the instalment that the formula of equal instalments gives, None where it was not solved for."""
    periods = [each.period for each in beside if each.period is not None]
    if beside[0].kept is not None or len(periods) != len(beside):
        return None
    free = [each.principal_free for each in periods]
    free[-1] = False
    return solve(terms, periods, beside[0].opening, free, beside[0].earned if beside[0].changed else None)


def _interest(making: Making, beside: list[Making]) -> Told:
    found: Told = []
    period, terms = making.period, making.terms
    if making.changed and making.was != making.earned:
        found += [("planned", making.was, {}), ("inside", making.earned - making.was, {})]
    elif making.changed or period is None:
        found += [("planned", making.earned, {})] if making.earned else []
    elif not period.factor:
        found += [("free", ZERO, {})]
    elif terms.method == "flat":
        whole = quantize(beside[0].opening * sum((each.period.factor for each in beside if each.period), Decimal(0)), terms.rounding)
        bearing = [each for each in beside if each.period and each.period.factor and not each.changed]
        figures = {"principal": beside[0].opening, "whole": whole, "periods": len(bearing), "rate": terms.annual_rate}
        found += [("flat_last" if making is bearing[-1] else "flat", making.earned, figures)]
    else:
        found += [("interest", making.earned, basis(making))]
    if making.interest != making.earned:
        put_off = bool(period and period.interest_held and not making.interest)
        found += [("put_off" if put_off else "held", making.interest - making.earned, {})]
    return found


def stretched(terms: Terms, row: Installment, key: str) -> list[Line]:
    """Return a line for each stretch of days over which the balance was one; in cents they add up to the period's interest."""
    found = []
    for each, amount in zip(row.stretches, rounded(terms, row.stretches), strict=True):
        days = (each.end - each.start).days
        factor = each.interest / each.balance if each.balance else ZERO
        figures = {
            "principal": each.balance, "rate": terms.annual_rate, "from": each.start, "to": each.end, "days": days,
            "share": year_share(terms, factor, days, each.start, each.end), "exact": each.interest,
        }  # fmt: skip
        found.append(Line("interest", "stretch" if factor else "free", amount, each.start, key, figures if factor else {}))
    return found


def _repaid(loan: Working, row: Installment, key: str) -> list[Line] | None:
    """Return what an instalment repays once its interest follows the balance, None where it is less than its plan leaves for it."""
    told: dict[str, Any] = {"on": row.from_on, "event": key}
    following = [each for each in loan.rows if each.period is not None]
    if following and row is following[-1]:
        lines = [Line("principal", "already", row.paid.principal, **told)] if row.paid.principal else []
        left = row.due.principal - row.paid.principal
        return [*lines, Line("principal", "last", left, figures={"opening": left}, **told)]
    if row.period is not None and row.period.principal_free:
        return None
    figures = {"payment": row.plan, "interest": row.due.interest, "kept": row.plan}
    lines = [Line("principal", "already", row.prepaid, **told)] if row.prepaid else []
    return [*lines, Line("principal", "payment", row.plan - row.due.interest, figures=figures, **told)]


def basis(making: Making) -> dict[str, Any]:
    """Return what the interest of a whole period was reckoned from; `opening` × `factor` is `exact`, rounded it is the interest."""
    terms, period = making.terms, making.period
    assert period is not None
    days = (period.due_on - period.from_on).days
    return {
        "opening": making.opening,
        "rate": terms.annual_rate,
        "from": period.from_on,
        "to": period.due_on,
        "days": days,
        "day_count": terms.day_count,
        "share": year_share(terms, period.factor, days, period.from_on, period.due_on),
        "factor": period.factor,
        "exact": making.opening * period.factor,
        "rounding": terms.rounding,
    }


def year_share(terms: Terms, factor: Decimal, days: int, start: date, end: date) -> str:
    """Return the part of a year that a period is, as people read it: "1/12", "31/365", or a decimal fraction."""
    rate = terms.annual_rate
    year = YEARS.get(terms.day_count)
    shares = [(str(terms.every), "12")] if terms.unit == "months" else []
    shares += [(str(days), str(year or 360))]
    for top, below in shares:
        if factor == rate * int(top) / int(below):
            return f"{top}/{below}"
    if terms.day_count == "30/360":
        share = day_fraction("30/360", start, end)
        if factor == rate * share:
            return f"{(share * 360).to_integral_value()}/360"
    return f"{factor / rate:.10f}" if rate else "0"


def foreseen(loan: Working, row: Installment, making: Making) -> list[Line]:
    """Return the fees that the contract puts into an instalment when it is first made."""
    if row.kind != "installment":
        return []
    rows = [each for each in loan.rows if each.makings and each.makings[0].event == making.event]
    principal = rows[0].makings[0].opening if making.born else loan.terms.principal
    first = making.born and row is next(each for each in rows if each.kind == "installment")
    found = []
    for fee in making.terms.fees:
        if fee.when == "per_period" or (fee.when == "once" and first):
            figures = {"fee": fee.code, "amount": fee.amount, "rate": fee.rate, "principal": principal}
            amount = fee.amount + quantize(principal * fee.rate)
            found.append(Line("fee", "fee", amount, making.on, making.event, figures))
    return found


def taken(splits: Mapping[str, Split], seq: int) -> list[Split]:
    """Return what every event took of the instalment `seq`, or gave up of it, in the order played."""
    kinds = ("lines", "waived", "written_off", "capitalised")
    return [split for split in splits.values() if any(line.installment == seq for kind in kinds for line in getattr(split, kind))]
