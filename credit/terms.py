"""Everything that shapes a loan, as one frozen value that goes to JSON and back without loss. Pure.

A loan stores its `Terms` as data: with its events they are all that `credit/machine.py` needs. Money is in the installation's
currency, rates are fractions (0.18 = 18 %), days are calendar days. The words follow the trade; where they differ between lenders
(families of schedules, order of allocation, what becomes of too much money) the choice is a field here, never a branch elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from credit.allocation import WATERFALL_RULE, Allocation
from credit.refusals import Impossible, NotPlayable, Refused
from crm.lib.money import Mode, is_cents

__all__ = [
    "METHODS", "NO_PENALTY", "DayCount", "Family", "Fee", "Impossible", "LineTerms", "Method", "MonthEnd", "NotPlayable", "Penalty",
    "Range", "Recalculation", "Refused", "Shift", "Terms", "Unit",
]  # fmt: skip

DayCount = Literal["30/360", "actual/360", "actual/364", "actual/365", "actual/actual"]
MonthEnd = Literal["last_day", "next_first"]
Method = Literal["equal_installment", "equal_principal", "interest_only", "bullet", "flat"]
Family = Literal["house", "progressive", "cumulative"]
Unit = Literal["days", "weeks", "months"]
Shift = Literal["none", "next", "previous"]

METHODS: tuple[Method, ...] = get_args(Method)
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Fee:
    """A charge the contract foresees.

    `when`: `once` with the first instalment; `per_period` with each; `up_front` when the money goes out, due that day;
    `prepayment` on principal paid before it is due; `late` once for each instalment missed beyond the grace.
    What it costs is `amount` and `rate` × the principal (of the loan; prepaid; of the instalment missed and unpaid).
    """

    code: str
    when: Literal["once", "per_period", "up_front", "prepayment", "late"]
    amount: Decimal = ZERO
    rate: Decimal = Decimal(0)
    payee: str = ""


@dataclass(frozen=True, slots=True)
class Penalty:
    """What being late costs.

    `annual_rate` a year of `year` days on the overdue principal, from the due date once `grace_days` have passed (罚息);
    `percent_once` is a fraction of the overdue principal, charged once for each instalment missed.
    """

    annual_rate: Decimal = Decimal(0)
    grace_days: int = 0
    year: int = 360
    percent_once: Decimal = Decimal(0)


NO_PENALTY = Penalty()


@dataclass(frozen=True, slots=True)
class Recalculation:
    """Interest follows the balance day by day: what is late goes on costing interest, what comes early saves it.

    `after_prepayment`: what changes when principal is paid early: `term` (fewer instalments), `installment` (lower ones),
    `last` (the last ones shrink). `payoff`: interest of the running period `to_date` or `to_period_end`.
    """

    after_prepayment: Literal["term", "installment", "last"] = "last"
    payoff: Literal["to_date", "to_period_end"] = "to_date"


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What makes a loan a revolving line; `minimum_share` is a fraction of what is drawn.

    Draws are taken until `ends_on`. A statement is made at the end of `statement_day` (the month's last day where it is shorter) and due
    `due_days` later; the last one, on `ends_on`, asks for everything. Its minimum is `minimum_share` of what is drawn and not billed
    before, at least `minimum_amount`, at most all of it, and the interest in full. `freeze_days`: past due that long, the line is frozen
    by the close of day (0: it is not).
    """

    ends_on: date
    statement_day: int
    due_days: int = 20
    minimum_share: Decimal = Decimal("0.10")
    minimum_amount: Decimal = Decimal("100.00")
    freeze_days: int = 1


LINE_DAY_COUNTS: tuple[DayCount, ...] = ("actual/360", "actual/365")  # each day alike: what is not billed yet is summed in SQL


@dataclass(frozen=True, slots=True)
class Range:
    """A range of delinquency in days past due, both ends in it; no `last`: and more."""

    name: str
    first: int
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a loan is made from.

    `family` says how an equal instalment is found: `house`, the exact annuity in cents; `progressive`, the same with one try to even out
    the last; `cumulative`, rounded to `installment_multiple` and, with daily interest, solved at 30/365 of the yearly rate.
    `interest`: `daily` counts each period by `day_count` (30/360: every month 30 days); `per_period` takes rate × months / 12.
    `first_due_on` or `due_day` fix the days; else they are counted from `starts_on`. A first period shorter than
    `first_period_days` is joined to the next. `partial_period`: how interest inside a period is counted, by `day_count` or as the
    period's share.
    `special_days` are those on which the contract's calendar differs from the plain week, see `credit/business_days.py`.
    `arrears_grace_days` and `ranges` are those of treatment; the penalty's grace is also the grace of the regulatory counter.
    With `line` it is a revolving line: `principal` is its limit, `starts_on` the day it opens, and there is no schedule.
    """

    principal: Decimal
    annual_rate: Decimal
    periods: int
    starts_on: date
    day_count: DayCount = "30/360"
    month_end: MonthEnd = "last_day"
    rounding: Mode = "HALF_UP"
    method: Method = "equal_installment"
    family: Family = "house"
    interest: Literal["daily", "per_period"] = "daily"
    partial_period: Literal["day_count", "period_share"] = "day_count"
    every: int = 1
    unit: Unit = "months"
    first_due_on: date | None = None
    due_day: int | None = None
    first_period_days: int = 1
    holiday_shift: Shift = "none"
    special_days: tuple[date, ...] = ()
    grace_on_principal: int = 0
    grace_on_interest: int = 0
    interest_free: int = 0
    down_payment: Decimal = Decimal(0)
    down_payment_collected: bool = False
    installment_multiple: Decimal | None = None
    fees: tuple[Fee, ...] = ()
    penalty: Penalty = NO_PENALTY
    allocation: Allocation = WATERFALL_RULE
    allocation_of: tuple[tuple[str, Allocation], ...] = ()
    non_accrual_days: int | None = None
    recalculation: Recalculation | None = None
    arrears_grace_days: int = 0
    ranges: tuple[Range, ...] = ()
    line: LineTerms | None = None

    def __post_init__(self) -> None:
        """Refuse what no schedule can be made from.

        :raises Impossible: with the code of the first thing that is wrong
        """
        _check(self)

    def allocation_for(self, kind: str) -> Allocation:
        """Return the order in which money of a transaction of this kind is spread."""
        for name, rule in self.allocation_of:
            if name == kind:
                return rule
        return self.allocation

    def to_json(self) -> dict[str, Any]:
        """Return the terms as JSON values: amounts, rates and days as text, nothing lost."""
        document = {"version": 1, **_plain(self)}
        if self.line is None:
            del document["line"]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Terms":
        """Return the terms that `to_json` wrote; a field of a later time that is missing takes its default.

        :raises Impossible: if they cannot be, or the version or a field is not known
        """
        if document.get("version") != 1:
            raise Impossible("version", f"terms of version {document.get('version')!r} are not known")
        text = {key: value for key, value in document.items() if key != "version"}
        for name in ("principal", "annual_rate", "down_payment", "installment_multiple"):
            if text.get(name) is not None:
                text[name] = Decimal(text[name])
        for name in ("starts_on", "first_due_on"):
            if text.get(name):
                text[name] = date.fromisoformat(text[name])
        unknown = text.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise Impossible("unknown_field", f"terms have no {', '.join(sorted(unknown))}")
        text["fees"] = tuple(_fee(row) for row in text.get("fees", ()))
        if "penalty" in text:
            row = text["penalty"]
            text["penalty"] = Penalty(**{**row, **{n: Decimal(row[n]) for n in ("annual_rate", "percent_once") if n in row}})
        if "allocation" in text:
            text["allocation"] = _allocation(text["allocation"])
        text["allocation_of"] = tuple((kind, _allocation(row)) for kind, row in text.get("allocation_of", ()))
        if text.get("recalculation"):
            text["recalculation"] = Recalculation(**text["recalculation"])
        text["ranges"] = tuple(Range(**row) for row in text.get("ranges", ()))
        if text.get("line"):
            row = text["line"]
            sums = {name: Decimal(row[name]) for name in ("minimum_share", "minimum_amount") if name in row}
            text["line"] = LineTerms(**{**row, **sums, "ends_on": date.fromisoformat(row["ends_on"])})
        text["special_days"] = tuple(date.fromisoformat(day) for day in text.get("special_days", ()))
        return cls(**text)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _fee(row: Mapping[str, Any]) -> Fee:
    return Fee(**{**row, **{name: Decimal(row[name]) for name in ("amount", "rate") if name in row}})


def _allocation(row: Mapping[str, Any]) -> Allocation:
    return Allocation(**{**row, "order": tuple(row["order"])})


def _check(terms: Terms) -> None:
    def refuse(code: str, sentence: str) -> None:
        raise Impossible(code, sentence)

    if not terms.principal.is_finite() or terms.principal <= 0 or not is_cents(terms.principal):
        refuse("amount", f"{terms.principal} is not a positive amount in whole cents")
    if not terms.annual_rate.is_finite() or terms.annual_rate < 0:
        refuse("rate", f"a rate of {terms.annual_rate} a year cannot be")
    if terms.periods < 1 or terms.periods > 1200:
        refuse("periods", f"a schedule needs at least one period and at most 1200, not {terms.periods}")
    if terms.day_count not in get_args(DayCount):
        refuse("day_count", f"unknown day count {terms.day_count!r}")
    if terms.method not in METHODS or terms.family not in get_args(Family):
        refuse("method", f"unknown method {terms.method!r} of family {terms.family!r}")
    if terms.month_end not in get_args(MonthEnd) or terms.holiday_shift not in get_args(Shift):
        refuse("dates", f"unknown rule for month ends {terms.month_end!r} or holidays {terms.holiday_shift!r}")
    if terms.every < 1 or terms.unit not in get_args(Unit):
        refuse("frequency", f"an instalment every {terms.every} {terms.unit} cannot be")
    graces = (terms.grace_on_principal, terms.grace_on_interest, terms.interest_free)
    if min(graces) < 0 or terms.grace_on_principal >= terms.periods or terms.grace_on_interest >= terms.periods:
        refuse("grace", f"a grace leaves at least one of {terms.periods} periods in which what it put off is paid")
    if terms.interest_free > terms.periods:
        refuse("grace", f"{terms.interest_free} periods without interest are more than the {terms.periods} of the loan")
    if terms.first_due_on is not None and terms.first_due_on <= terms.starts_on:
        refuse("dates", f"the first due date {terms.first_due_on} is not after the start {terms.starts_on}")
    if terms.due_day is not None and (not 1 <= terms.due_day <= 31 or terms.unit != "months"):
        refuse("dates", f"a due day is a day of the month, not {terms.due_day}")
    if not 0 <= terms.down_payment < 1:
        refuse("down_payment", f"a down payment of {terms.down_payment} of the amount cannot be")
    if terms.installment_multiple is not None and terms.installment_multiple <= 0:
        refuse("multiple", f"instalments cannot be multiples of {terms.installment_multiple}")
    if any(fee.amount < 0 or fee.rate < 0 or not (fee.amount or fee.rate) or not is_cents(fee.amount) for fee in terms.fees):
        refuse("fee", "a fee has an amount in whole cents or a rate above zero")
    if terms.penalty.annual_rate < 0 or terms.penalty.percent_once < 0 or terms.penalty.grace_days < 0 or terms.penalty.year < 1:
        refuse("penalty", "a penalty is not below zero")
    if terms.line is not None:
        _check_line(terms, terms.line)
    after: int | None = 0
    for each in terms.ranges:
        if after is None or each.first <= after or (each.last is not None and each.last < each.first):
            refuse("ranges", f"the range {each.name} overlaps the one before it or ends before it begins")
        after = each.last
    if terms.arrears_grace_days < 0 or terms.first_period_days < 1:
        refuse("dates", "days of grace and of the first period are not below zero")


def _check_line(terms: Terms, line: LineTerms) -> None:
    if line.minimum_amount < 0 or not is_cents(line.minimum_amount):
        raise Impossible("amount", "a minimum is not below zero, in whole cents")
    if not 0 <= line.minimum_share <= 1:
        raise Impossible("rate", f"a minimum share of {line.minimum_share} cannot be")
    if not 1 <= line.statement_day <= 31 or line.due_days < 1 or line.ends_on <= terms.starts_on or line.freeze_days < 0:
        raise Impossible("dates", "a line ends after it opens; a statement is made on a day of the month and due days later")
    if terms.day_count not in LINE_DAY_COUNTS:
        raise Impossible("day_count", f"interest of a line counts each day alike, not by {terms.day_count}")
    if terms.fees or terms.penalty.percent_once or terms.recalculation or terms.penalty.year != 360:
        raise Impossible("fee", "a line costs interest on what is drawn and a penalty a day, nothing else")
