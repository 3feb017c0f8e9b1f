"""The terms of a stored loan as the machine plays them: its own document, or what its columns and its product say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from credit import product_terms
from credit.allocation import Allocation, Excess
from credit.business_days import special_days
from credit.cost import read_fees
from credit.due_dates import YEARS
from credit.models import Loan, Product
from credit.terms import DayCount, Fee, LineTerms, Method, MonthEnd, Penalty, Terms, Unit
from crm.lib.dates import add_months
from crm.lib.money import CENT, Mode

ZERO = Decimal("0.00")
# What becomes of money beyond what is due and the instalment that runs.
EXCESS: dict[str, Excess] = {"refund": "running", "next": "next", "last": "last", "re_amortise": "reamortize"}
EXAMPLE = 12  # months in which the example of a line is repaid
UNITS: dict[str, Unit] = {"day": "days", "week": "weeks", "month": "months"}


def of(loan: Loan) -> Terms:
    """Return the terms `loan` was booked on. `loan.product` is read where the loan keeps no document of its own.

    A loan of the time before it kept one has them in its columns; its fees are those of the product's version, which never changes, all of
    them posted as the lender's.
    """
    if loan.terms:
        return Terms.from_json(loan.terms)
    terms = from_columns(loan)
    return replace(terms, fees=tuple(replace(fee, payee="") for fee in terms.fees))


def from_columns(loan: Loan) -> Terms:
    """Return the terms that a loan's columns and its product's version make."""
    return terms_for(
        loan.product,
        principal=loan.principal,
        annual_rate=loan.annual_rate,
        term=loan.term,
        on=loan.starts_on,
        day_count=loan.day_count,
        month_end=loan.month_end,
        rounding=loan.rounding,
        penalty=Penalty(annual_rate=loan.penalty_rate, grace_days=loan.grace_days),
        order=loan.allocation_order,
    )


def of_product(product: Product, *, amount: Decimal, term: int, annual_rate: Decimal, on: date, penalty_rate: Decimal = ZERO) -> Terms:
    """Return the terms of a loan that `product` would make, money out `on`.

    :raises Impossible: if there can be no schedule
    """
    if product.method == Product.Method.REVOLVING:
        return example(product, limit=amount, annual_rate=annual_rate, on=on)
    return terms_for(
        product,
        principal=amount,
        annual_rate=annual_rate,
        term=term,
        on=on,
        day_count=product.day_count,
        month_end=product.month_end,
        rounding=product.rounding,
        penalty=Penalty(annual_rate=penalty_rate, grace_days=product.grace_days),
        order=product.allocation_order,
    )


def terms_for(
    product: Product, *, principal: Decimal, annual_rate: Decimal, term: int, on: date, day_count: str, month_end: str, rounding: str,
    penalty: Penalty, order: Sequence[str],
) -> Terms:  # fmt: skip
    """Return what columns and the further terms of a product make together. `term` is in months, whatever the instalments' rhythm.

    :raises Impossible: if there can be no schedule
    """
    said = product_terms.whole(product.terms)
    if product.method == Product.Method.REVOLVING:
        return Terms(
            principal=principal, annual_rate=annual_rate, periods=EXAMPLE, starts_on=on, day_count=cast(DayCount, day_count),
            month_end=cast(MonthEnd, month_end), rounding=cast(Mode, rounding), method="equal_principal", penalty=penalty,
            allocation=Allocation.of(tuple(order)), line=line_terms(said, on=on, term=term),
        )  # fmt: skip
    unit = UNITS[said["frequency"]]
    multiple = Decimal(said["instalment_multiple"])
    first = said["first_due_days"]
    shift = said["holiday_shift"]
    return Terms(
        principal=principal,
        annual_rate=annual_rate,
        periods=product_terms.periods(product.terms, term),
        starts_on=on,
        day_count=cast(DayCount, day_count),
        month_end=cast(MonthEnd, month_end),
        rounding=cast(Mode, rounding),
        method=method_of(product),
        interest=said["interest"],
        every=said["every"],
        unit=unit,
        first_due_on=on + timedelta(days=first) if first else None,
        due_day=said["due_day"],
        first_period_days=said["first_period_days"],
        holiday_shift=shift,
        special_days=() if shift == "none" else special_days(on, add_months(on, term + 1, on.day), said["calendar"]),
        grace_on_principal=said["grace_principal"],
        grace_on_interest=said["grace_interest_payment"],
        interest_free=said["interest_free"],
        down_payment=Decimal(said["down_payment"]),
        installment_multiple=multiple if multiple > CENT else None,
        fees=fees(product),
        penalty=penalty,
        allocation=Allocation.of(tuple(order), excess=EXCESS[said["over_payment"]]),
    )


def line_terms(said: Mapping[str, Any], *, on: date, term: int) -> LineTerms:
    """Return what makes a loan a line that opens `on` and lasts `term` months, as a product says it."""
    return LineTerms(
        ends_on=add_months(on, term, on.day),
        statement_day=said["statement_day"],
        due_days=said["statement_due_days"],
        minimum_share=Decimal(said["minimum_share"]),
        minimum_amount=Decimal(said["minimum_amount"]).quantize(CENT),
        freeze_days=said["freeze_days"],
    )


def example(product: Product, *, limit: Decimal, annual_rate: Decimal, on: date) -> Terms:
    """Return the loan by which the cost of a line is told: its whole limit drawn on the first day, repaid in twelve equal monthly parts.

    The assumption is that for open-end credit of directive 2008/48/EC, Annex I Part II, as amended by 2011/90/EU, (e): a year, capital in
    equal monthly payments from a month after the first drawdown (from memory, the text was not at hand). No Chinese rule names one.
    Months are counted alike, a twelfth of 365 days each, so that the example costs the same whatever day it begins on.
    """
    year = YEARS.get(product.day_count, 360)
    return Terms(
        principal=limit, annual_rate=annual_rate * 365 / year, periods=EXAMPLE, starts_on=on, day_count="30/360",
        month_end=cast(MonthEnd, product.month_end), rounding=cast(Mode, product.rounding), method="equal_principal",
        penalty=Penalty(grace_days=product.grace_days), allocation=Allocation.of(tuple(product.allocation_order)),
    )  # fmt: skip


def said(product: Product, name: str) -> Any:
    """Return what a product's version says about one of its further terms, its default where it says nothing."""
    return product_terms.whole(product.terms)[name]


def method_of(product: Product) -> Method:
    """Return the machine's word for how a product's instalments are made; the cost of a line is told by one draw paid down evenly."""
    words: dict[str, str] = {Product.Method.FLAT_FEE: "flat", Product.Method.REVOLVING: "equal_principal"}
    return cast(Method, words.get(product.method, product.method))


def fees(product: Product) -> tuple[Fee, ...]:
    """Return the charges a product's version foresees, that of paying early with them."""
    own = {"en": "", "zh-hans": ""}
    found = [Fee(each.code, each.method, each.amount, each.rate, payee(each.payee)) for each in read_fees(product.fees, own)]
    late = Decimal(product_terms.whole(product.terms)["late_fee"])
    if late:
        found.append(Fee("late_fee", "late", late))
    if product.early_fee_rate:
        found.append(Fee("prepayment", "prepayment", ZERO, product.early_fee_rate))
    return tuple(found)


def payee(names: Mapping[str, str]) -> str:
    """Return the name of who a charge goes to, in both languages; empty for the lender."""
    return f"{names['zh-hans']} · {names['en']}"[:120] if names["en"] else ""


def late_fees(terms: Terms) -> tuple[Decimal, Decimal]:
    """Return what `terms` charge once for an instalment missed: an amount, and a share of its unpaid principal."""
    late = [fee for fee in terms.fees if fee.when == "late"]
    return sum((fee.amount for fee in late), ZERO), sum((fee.rate for fee in late), Decimal(0))
