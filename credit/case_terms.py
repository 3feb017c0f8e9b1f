"""How the published cases of another servicing system say a loan, read as our `Terms`. Pure; used by `manage.py replay_cases`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from credit.allocation import Allocation, Excess
from credit.terms import DayCount, Family, Impossible, Method, Penalty, Range, Recalculation, Terms

DAY_COUNTS: Mapping[str, DayCount] = {
    "30/360": "30/360",
    "ACTUAL/360": "actual/360",
    "ACTUAL/364": "actual/364",
    "ACTUAL/365": "actual/365",
    "ACTUAL/ACTUAL": "actual/actual",
}
METHODS: Mapping[tuple[str, str], Method] = {
    ("FLAT", "EQUAL_INSTALLMENTS"): "flat",
    ("DECLINING_BALANCE", "EQUAL_INSTALLMENTS"): "equal_installment",
    ("DECLINING_BALANCE", "EQUAL_PRINCIPAL_PAYMENTS"): "equal_principal",
}
FAMILIES: Mapping[str, Family] = {"PROGRESSIVE": "progressive", "CUMULATIVE": "cumulative"}
EXCESS: Mapping[str, Excess] = {"NEXT_INSTALLMENT": "next", "LAST_INSTALLMENT": "last", "REAMORTIZATION": "reamortize"}
PARTS = {"penalty": "penalty", "penalties": "penalty", "fee": "fee", "fees": "fee", "interest": "interest", "principal": "principal"}


class NotOurs(Exception):
    """A case needs what the engine lacks: it is skipped, and the sentence says why."""


def read_terms(case: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> Terms:
    """Return the terms of a case.

    :raises NotOurs: if it names a rule the engine lacks
    """
    given = case["terms"]
    try:
        return _read(given, ranges)
    except KeyError as error:
        raise NotOurs(f"the terms say {error}, which the engine does not know") from error
    except Impossible as error:
        raise NotOurs(f"the engine refuses the terms: {error}") from error


def _read(given: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> Terms:
    family = FAMILIES[given["schedule"]]
    rate = Decimal(given["annual_rate_percent"]) / 100
    kind = given["interest_type"]
    if family == "progressive" and not rate:
        kind = "DECLINING_BALANCE"  # without interest the two say the same
    words = given["day_count"]
    by_months = words.startswith("rate x periods")
    again = given.get("interest_recalculation") or "OFF"
    penalty = given.get("overdue_penalty") or {}
    multiple = given.get("instalment_multiple_of")
    if penalty and (penalty.get("of") != "OVERDUE_PRINCIPAL" or not penalty.get("once_per_instalment")):
        raise NotOurs("an overdue penalty that is not once a share of the overdue principal")
    return Terms(
        principal=Decimal(given["principal"]),
        annual_rate=rate,
        periods=int(given["number_of_repayments"]),
        starts_on=date.fromisoformat(given["submitted_on"]),
        day_count="30/360" if by_months else DAY_COUNTS[words],
        month_end={"LAST_DAY_OF_MONTH": "last_day", "FIRST_DAY_OF_NEXT_MONTH": "next_first"}[  # type: ignore[arg-type]
            given.get("month_end_rule", "LAST_DAY_OF_MONTH")
        ],
        rounding=given["rounding"],
        method=METHODS[kind, given["amortization_type"]],
        family=family,
        interest="per_period" if family == "cumulative" and given["interest_calculation_period"] != "DAILY" else "daily",
        partial_period="period_share" if family == "progressive" else "day_count",
        every=int(given["repay_every"]),
        unit=given["repay_unit"].lower(),
        grace_on_principal=int(given.get("grace_on_principal", 0)),
        grace_on_interest=int(given.get("grace_on_interest_payment", 0)),
        interest_free=int(given.get("interest_free_periods", 0)),
        down_payment=Decimal(given.get("down_payment_percent", "0")) / 100,
        down_payment_collected=bool(given.get("down_payment_auto_paid", False)),
        installment_multiple=Decimal(multiple) if multiple and family == "cumulative" else None,
        penalty=Penalty(percent_once=Decimal(penalty.get("percent", "0")) / 100),
        allocation=read_order(given["allocation_order"], given.get("processing", "HORIZONTAL"), again, family),
        recalculation=None if again == "OFF" else read_recalculation(again),
        arrears_grace_days=int(given.get("arrears_grace_days", 0)),
        ranges=tuple(Range(row["name"], row["min_days"], row["max_days"]) for row in ranges),
    )


def read_order(words: str, processing: str, again: Any, family: Family) -> Allocation:
    """Return an order of allocation told in words: "past due: …; due: …; in advance: …", or "per instalment, oldest first: …"."""
    orders: dict[str, tuple[str, ...]] = {}
    for clause in words.split(";"):
        head, _colon, names = clause.partition(":")
        when = re.sub(r"^\s*(then )?|\s*$", "", head)
        orders["due" if when.startswith("per instalment") else when] = tuple(PARTS[name.strip()] for name in names.split(","))
    # Where interest is recalculated the cumulative family takes what is too much as principal paid before its time.
    excess: Excess = "none" if again != "OFF" and family == "cumulative" else "next"
    return Allocation.of(
        orders["due"],
        orders.get("in advance"),
        past_due=orders.get("past due"),
        processing="vertical" if processing == "VERTICAL" else "horizontal",
        excess=excess,
    )


def read_recalculation(words: Any) -> Recalculation:
    """Return the settings of recalculated interest.

    :raises NotOurs: for compounding, or a rest that is not daily
    """
    if words.get("compounding", "NONE") != "NONE" or words.get("rest", "DAILY") != "DAILY":
        raise NotOurs(f"interest recalculated with {words}")
    payoff = {"UNTIL_PAYOFF_DATE": "to_date", "UNTIL_END_OF_CURRENT_PERIOD": "to_period_end"}
    after = {"REDUCE_NUMBER_OF_INSTALLMENTS": "term", "REDUCE_EMI_AMOUNT": "installment", "": "last"}
    return Recalculation(
        after_prepayment=after[words.get("after_prepayment", "")],  # type: ignore[arg-type]
        payoff=payoff[words.get("preclose_interest", "UNTIL_PAYOFF_DATE")],  # type: ignore[arg-type]
    )


def with_excess(terms: Terms, kind: str, rule: str) -> Terms:
    """Return `terms` under which money of one transaction type beyond what is due goes by `rule`; DEFAULT is every type.

    :raises NotOurs: for a rule the engine lacks
    """
    if rule not in EXCESS:
        raise NotOurs(f"a rule for future instalments called {rule}")
    changed = replace(terms.allocation_for(kind.lower()), excess=EXCESS[rule])
    if kind == "DEFAULT":
        return replace(terms, allocation=changed)
    others = tuple(each for each in terms.allocation_of if each[0] != kind.lower())
    return replace(terms, allocation_of=(*others, (kind.lower(), changed)))
