"""Terms of a product beside its columns: what may be said, and what the booking door can keep. Pure.

A version may be written with any of them; it goes on sale only when every one stands in `SUPPORTED`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.refusals import Impossible
from crm.lib.errors import Invalid
from crm.lib.money import CENT


@dataclass(frozen=True, slots=True)
class Term:
    """One key of `Product.terms`: what it is called, what stands when nothing is said, and what can be said."""

    label: Any
    default: Any
    choices: Mapping[str, Any] | None = None  # a word of these
    most: int | None = None  # a whole number from 0 to this
    decimal: bool = False  # an amount or share as text
    may_be_empty: bool = False


TERMS: dict[str, Term] = {
    "interest": Term(_("Interest runs"), "daily", {"per_period": _("by whole periods"), "daily": _("daily")}),
    "frequency": Term(_("Instalments every"), "month", {"day": _("days"), "week": _("weeks"), "month": _("months")}),
    "every": Term(_("How many of them"), 1, most=366),
    "due_day": Term(_("Due on this day of the month"), None, most=31, may_be_empty=True),
    "first_due_days": Term(_("Days from the payout to the first due date"), None, most=366, may_be_empty=True),
    "first_period_days": Term(_("A first period shorter than this many days joins the next"), 1, most=60),
    "holiday_shift": Term(
        _("A due day that is no business day"), "none",
        {"none": _("stays"), "next": _("moves to the next business day"), "previous": _("moves to the business day before")},
    ),
    "calendar": Term(_("Calendar"), "CN", {"CN": _("China")}),
    "grace_principal": Term(_("Instalments without principal at the start"), 0, most=60),
    "grace_interest_payment": Term(_("Instalments in which interest is not yet paid"), 0, most=60),
    "interest_free": Term(_("Instalments without interest at the start"), 0, most=60),
    "down_payment": Term(_("Down payment, as a share of the price"), "0", decimal=True),
    "instalment_multiple": Term(_("Instalments in multiples of (CNY)"), "0.01", decimal=True),
    "prepayment": Term(
        _("Paying early"), "choice",
        {
            "choice": _("whole or in part, as the customer chooses"),
            "full_only": _("the whole loan only"), "shorten_term": _("in part, which shortens the term"),
            "lower_instalment": _("in part, which lowers the instalment"), "none": _("not foreseen"),
        },
    ),
    "over_payment": Term(
        _("What is paid too much"), "refund",
        {
            "refund": _("is given back"), "next": _("goes to the next instalment"), "last": _("goes to the last instalment"),
            "re_amortise": _("lowers the instalments"),
        },
    ),
    "cooling_off_days": Term(_("Cooling-off days"), 0, most=60),
    "tranches": Term(_("Paid out in up to so many parts"), 1, most=12),
    "late_fee": Term(_("Fee for a late instalment (CNY)"), "0.00", decimal=True),
    "statement_day": Term(_("Line: statement day"), 10, most=31),
    "statement_due_days": Term(_("Line: days to its due date"), 20, most=60),
    "minimum_share": Term(_("Line: minimum, share drawn"), "0.10", decimal=True),
    "minimum_amount": Term(_("Line: minimum (CNY)"), "100.00", decimal=True),
    "freeze_days": Term(_("Line: frozen at days late"), 1, most=365),
    "pack": Term(pgettext_lazy("rules of a country", "Pack of caps"), "cn", {"cn": _("China")}),
}  # fmt: skip

# What the doors that book and collect can keep; a term that is not named here they keep whatever it says. Widen it together with them.
SUPPORTED_METHODS = {"equal_installment", "equal_principal", "interest_only", "bullet", "flat_fee", "revolving"}
SUPPORTED_DAY_COUNTS = {"30/360", "actual/360", "actual/365", "actual/actual"}
SUPPORTED: dict[str, set[Any]] = {
    "calendar": {"CN"}, "pack": {"cn"},
}  # fmt: skip
LINE = ("statement_day", "statement_due_days", "minimum_share", "minimum_amount", "freeze_days")  # what only a revolving line has
OF_SCHEDULES = (  # what only loans with a schedule have: a line leaves it as it is
    "interest", "frequency", "every", "due_day", "first_due_days", "first_period_days", "holiday_shift", "grace_principal",
    "grace_interest_payment", "interest_free", "down_payment", "instalment_multiple", "over_payment", "tranches", "late_fee",
)  # fmt: skip
LINE_DAY_COUNTS = ("actual/360", "actual/365")
AT_THE_END = ("interest_only", "bullet")  # methods that repay all principal with the last instalment
WEEKS, YEAR, MONTH_DAYS = 52, 12, 30


def whole(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return every term, those left unsaid with their defaults."""
    return {name: terms.get(name, term.default) for name, term in TERMS.items()}


def cleaned(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms as they are stored.

    :raises Invalid: with a sentence per term that cannot be
    """
    problems: dict[str, Any] = {name: _("There is no such term.") for name in set(terms) - set(TERMS)}
    found: dict[str, Any] = {}
    for name, value in whole(terms).items():
        try:
            found[name] = _clean(TERMS[name], value)
        except (ValueError, TypeError, InvalidOperation):
            problems[name] = _("This cannot be.")
    if not problems and found["due_day"] == 0:
        problems["due_day"] = _("From 1 to 31.")
    if not problems and found["due_day"] is not None and found["frequency"] != "month":
        problems["due_day"] = _("Only instalments by months have a day of the month.")
    if not problems and found["first_due_days"] == 0:
        problems["first_due_days"] = _("From 1 to 366.")
    if not problems and found["first_period_days"] == 0:
        problems["first_period_days"] = _("From 1 to 60.")
    if not problems and found["every"] == 0:
        problems["every"] = _("From 1 to 366.")
    if not problems and Decimal(found["down_payment"]) >= 1:
        problems["down_payment"] = _("Less than the whole price.")
    if not problems and Decimal(found["instalment_multiple"]) < Decimal("0.01"):
        problems["instalment_multiple"] = _("A cent or more.")
    if not problems and found["statement_day"] == 0:
        problems["statement_day"] = _("From 1 to 31.")
    if not problems and found["statement_due_days"] == 0:
        problems["statement_due_days"] = _("From 1 to 60.")
    if not problems and Decimal(found["minimum_share"]) > 1:
        problems["minimum_share"] = _("A share: 0.10 is a tenth.")
    if problems:
        raise Invalid(_("Some terms cannot be; see the fields."), fields=problems)
    return found


def _clean(term: Term, value: Any) -> Any:
    if value in (None, ""):
        if not term.may_be_empty:
            raise ValueError("empty")
        return None
    if term.choices is not None:
        if value not in term.choices:
            raise ValueError(value)
        return value
    if term.decimal:
        number = Decimal(str(value))
        if not number.is_finite() or not 0 <= number < 10**6:
            raise ValueError(value)
        return str(value)
    whole_number = int(value)
    if not 0 <= whole_number <= (term.most or 0):
        raise ValueError(value)
    return whole_number


def periods(terms: Mapping[str, Any], months: int) -> int:
    """Return how many periods a term of `months` has: its weeks (52 a year) or days (30 a month) in whole periods.

    :raises Impossible: (frequency) if months are counted by n and the term is no multiple of n
    """
    frequency, every = (terms.get(name, TERMS[name].default) for name in ("frequency", "every"))
    if frequency == "month":
        if months % every:
            raise Impossible("frequency", f"{months} months cannot be cut into periods of {every}")
        return int(months // every)
    days = months * WEEKS // YEAR if frequency == "week" else months * MONTH_DAYS
    return int(days // every)


def serves(terms: Mapping[str, Any], months: int) -> bool:
    """Tell whether a term of `months` can be cut into whole periods."""
    try:
        return periods(terms, months) > 0
    except Impossible:
        return False


def nearest(terms: Mapping[str, Any], months: int, least: int, most: int) -> int:
    """Return the term between `least` and `most` next to `months` that can be cut into whole periods; `months` held to them if there is none."""
    held = min(max(months, least), most)
    return min((term for term in range(least, most + 1) if serves(terms, term)), key=lambda term: (abs(term - held), term), default=held)


def together(method: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of cleaned terms cannot stand beside the method or beside each other, a sentence each."""
    problems: dict[str, Any] = {}
    if method == "revolving":
        for name in OF_SCHEDULES:
            plain = TERMS[name].default
            if (Decimal(terms[name]) != Decimal(plain)) if TERMS[name].decimal else (terms[name] != plain):
                problems[name] = _("A revolving line has no schedule: leave this as it was.")
    if method in AT_THE_END and terms["grace_principal"]:
        problems["grace_principal"] = _("This method repays principal only at the end: it has no grace on principal.")
    if method == "bullet":
        for name in ("grace_interest_payment", "interest_free"):
            if terms[name]:
                problems[name] = _("With all at the end there is one instalment: it has no grace.")
    if method in AT_THE_END and Decimal(terms["instalment_multiple"]) > CENT:
        problems["instalment_multiple"] = _("This method has no instalment that could be rounded.")
    if terms["first_due_days"] and terms["first_period_days"] > 1:
        problems["first_period_days"] = _("The first due date is fixed already by the days from the payout.")
    return problems


def is_of(method: str, name: str) -> bool:
    """Tell whether a term says anything about a product of this method."""
    return name not in (OF_SCHEDULES if method == "revolving" else LINE)


def unsupported(method: str, day_count: str, terms: Mapping[str, Any]) -> list[Any]:
    """Return what of a version the doors cannot keep yet, in words."""
    found = []
    if method not in SUPPORTED_METHODS:
        found.append(_("Method of repayment"))
    if day_count not in (LINE_DAY_COUNTS if method == "revolving" else SUPPORTED_DAY_COUNTS):
        found.append(_("Day count"))
    return found + [TERMS[name].label for name, value in whole(terms).items() if not _supported(name, value)]


def _supported(name: str, value: Any) -> bool:
    if name not in SUPPORTED:
        return True
    if TERMS[name].decimal:
        return Decimal(str(value)) in {Decimal(each) for each in SUPPORTED[name]}
    return value in SUPPORTED[name]


def said(name: str, value: Any) -> Any:
    """Return a term's value as people read it."""
    if name == "down_payment":
        return f"{(Decimal(str(value)) * 100).normalize():f}%" if value not in (None, "", "0") else ""
    term = TERMS[name]
    return term.choices.get(value, value) if term.choices else "" if value is None else value
