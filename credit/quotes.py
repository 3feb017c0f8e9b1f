"""What a loan would cost before anything is decided: one line per grade the product serves. Reads, writes nothing."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit import costing, offers
from credit.models import Application, Product


@dataclass(frozen=True, slots=True)
class Quote:
    """Terms at the rate of one grade; `draft` is None where the annualised cost would pass the cap, or no schedule can be made."""

    grade: str
    annual_rate: Decimal
    draft: offers.Draft | None

    @property
    def installment(self) -> Decimal | None:
        return Decimal(self.draft.table["installment"]) if self.draft else None

    @property
    def total_cost(self) -> Decimal | None:
        return Decimal(self.draft.table["total_cost"]) if self.draft else None

    @property
    def total_to_repay(self) -> Decimal | None:
        return Decimal(self.draft.table["total_to_repay"]) if self.draft else None

    @property
    def nominal(self) -> Decimal | None:
        return self.draft.nominal_rate if self.draft else None

    @property
    def effective(self) -> Decimal | None:
        return self.draft.effective_rate if self.draft else None


def by_grade(product: Product, *, amount: Decimal, term: int, on: date) -> list[Quote]:
    """Return a quote for each grade that `product` serves, the best first."""
    request = Application(product=product, legal_entity=product.legal_entity)
    quotes = []
    for grade in sorted(product.rates_by_grade):
        rate = product.rate_for(grade)
        if rate is None:
            continue
        try:
            drawn = offers.draft(request, amount=amount, term=term, annual_rate=rate, on=on)
        except (offers.OverRateCap, costing.ImpossibleSchedule):
            drawn = None
        quotes.append(Quote(grade, rate, drawn))
    return quotes
