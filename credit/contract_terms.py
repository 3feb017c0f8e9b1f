"""The terms of a stored loan as the machine plays them: its own document, or what its columns and its product say."""

from decimal import Decimal
from typing import Any, cast

from credit import product_terms
from credit.allocation import Allocation, Excess
from credit.cost import read_fees
from credit.models import Loan, Product
from credit.terms import Fee, Method, Penalty, Terms

ZERO = Decimal("0.00")
# What becomes of money beyond what is due and the instalment that runs.
EXCESS: dict[str, Excess] = {"refund": "running", "next": "next", "last": "last", "re_amortise": "reamortize"}


def of(loan: Loan) -> Terms:
    """Return the terms `loan` was booked on. `loan.product` is read where the loan keeps no document of its own.

    A loan of the time before it kept one has them in its columns; its fees are those of the product's version, which never changes.
    """
    return Terms.from_json(loan.terms) if loan.terms else from_columns(loan)


def from_columns(loan: Loan) -> Terms:
    """Return the terms that a loan's columns and its product's version make."""
    return Terms(
        principal=loan.principal,
        annual_rate=loan.annual_rate,
        periods=loan.term,
        starts_on=loan.starts_on,
        day_count=loan.day_count,  # type: ignore[arg-type]
        month_end=loan.month_end,  # type: ignore[arg-type]
        rounding=loan.rounding,  # type: ignore[arg-type]
        method=method_of(loan.product),
        grace_on_principal=int(loan.product.terms.get("grace_principal", 0)),
        fees=fees(loan.product),
        penalty=Penalty(annual_rate=loan.penalty_rate, grace_days=loan.grace_days),
        allocation=Allocation.of(tuple(loan.allocation_order), excess=EXCESS[said(loan.product, "over_payment")]),
    )


def said(product: Product, name: str) -> Any:
    """Return what a product's version says about one of its further terms, its default where it says nothing."""
    return product_terms.whole(product.terms)[name]


def method_of(product: Product) -> Method:
    """Return the machine's word for how a product's instalments are made; a line, not on sale yet, is tried as one draw paid down evenly."""
    words: dict[str, str] = {Product.Method.FLAT_FEE: "flat", Product.Method.REVOLVING: "equal_principal"}
    return cast(Method, words.get(product.method, product.method))


def fees(product: Product) -> tuple[Fee, ...]:
    """Return the charges a product's version foresees, that of paying early with them."""
    found = [Fee(each.code, each.method, each.amount, each.rate) for each in read_fees(product.fees, {"en": "", "zh-hans": ""})]
    if product.early_fee_rate:
        found.append(Fee("prepayment", "prepayment", ZERO, product.early_fee_rate))
    return tuple(found)
