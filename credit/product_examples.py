"""A version tried on examples: schedule, totals, rates and caps for an amount, a term and a grade. Reads, writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credit import cap_rules, costing, product_terms
from credit.models import Product, RateCap
from credit.schedule import Row
from crm.lib.errors import Invalid

MOST = 12
USUAL = ((Decimal("10000.00"), 12), (Decimal("30000.00"), 24))


@dataclass(frozen=True, slots=True)
class Tried:
    """What one example comes to under one version."""

    amount: Decimal
    term: int
    grade: str
    rows: list[Row]
    table: dict[str, Any]
    verdicts: list[cap_rules.Verdict]
    penalty_rate: Decimal

    @property
    def passes(self) -> bool:
        return all(verdict.passes for verdict in self.verdicts if verdict.cap.binding)

    def figure(self, name: str) -> Decimal:
        return Decimal(self.table[name])

    def rate(self, name: str) -> Decimal:
        return Decimal(self.table["annualised"][name])


def examples_of(product: Product) -> list[dict[str, Any]]:
    """Return the stored examples, or two usual loans for the best and the worst grade."""
    if product.examples:
        return list(product.examples)
    grades = sorted(product.rates_by_grade)
    ends = [grades[0], grades[-1]] if len(grades) > 1 else grades
    usual = [
        (
            min(max(amount, product.amount_min), product.amount_max),
            product_terms.nearest(product.terms, term, product.term_min, product.term_max),
        )
        for amount, term in USUAL
    ]
    return [{"amount": str(amount), "term": term, "grade": grade} for amount, term in usual for grade in ends]


def cleaned(product_bounds: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return examples as they are stored.

    :raises Invalid: if one lies outside the product
    """
    found = []
    for one in examples[: MOST + 1]:
        amount, term, grade = Decimal(str(one["amount"])), int(one["term"]), str(one["grade"])
        inside = product_bounds["amount_min"] <= amount <= product_bounds["amount_max"]
        if (
            not inside
            or not product_bounds["term_min"] <= term <= product_bounds["term_max"]
            or not product_terms.serves(product_bounds["terms"], term)
            or grade not in product_bounds["rates_by_grade"]
        ):
            sentence = _("Each example lies within the product's amounts, terms and grades: %(amount)s, %(term)s, %(grade)s does not.")
            told = sentence % {"amount": amount, "term": term, "grade": grade}
            raise Invalid(told, fields={"examples": told})
        found.append({"amount": str(amount), "term": term, "grade": grade})
    if len(found) > MOST:
        raise Invalid(_("At most 12 examples."), fields={"examples": _("At most 12 examples.")})
    return found


def run(product: Product, caps: Sequence[RateCap], *, on: date, of: Sequence[Mapping[str, Any]] | None = None) -> list[Tried]:
    """Try a version on its examples, or on those of another one, leaving out what it does not serve."""
    found = []
    for one in examples_of(product) if of is None else of:
        amount, term, grade = Decimal(one["amount"]), int(one["term"]), one["grade"]
        rate = product.rate_for(grade)
        if rate is not None and product.amount_min <= amount <= product.amount_max and product.term_min <= term <= product.term_max:
            found.append(tried(product, caps, amount=amount, term=term, grade=grade, rate=rate, on=on))
    return found


def tried(product: Product, caps: Sequence[RateCap], *, amount: Decimal, term: int, grade: str, rate: Decimal, on: date) -> Tried:
    """Return one example: every cap of the product is held against it, also those that refuse nothing.

    :raises ImpossibleSchedule: if there can be no schedule
    """
    mine = [cap for cap in caps if cap.per == RateCap.Per.LOAN and cap.holds_for(product.code, "")]
    binding = [cap for cap in mine if cap.binding]
    worked = costing.work_out(product, amount=amount, term=term, annual_rate=rate, on=on, caps=binding)
    return Tried(
        amount, term, grade, worked.rows, worked.table(), [cap_rules.judge(cap, worked.costs) for cap in mine], worked.penalty_rate
    )
