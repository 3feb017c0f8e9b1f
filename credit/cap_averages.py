"""What the live portfolio costs on average, beside each cap: of new loans, and of the open book by what is outstanding. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from credit import cap_rules
from credit.models import Loan, RateCap
from crm.lib.dates import add_months

ZERO = Decimal("0.00")
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Average:
    """One cap and the average cost a year of the loans it holds for, weighted by amount; None where there is no loan.

    `new` are the loans paid out from `since` on; `book` all open loans by their principal outstanding. A loan costs what its offer says,
    every charge with it: where the cap leaves a kind of charge out, the average is that or higher.
    """

    cap: Any
    since: date
    new: Decimal | None
    new_amount: Decimal
    book: Decimal | None
    book_amount: Decimal

    @property
    def passes(self) -> bool:
        """Tell whether the loans that the cap speaks of keep it on average."""
        return all(rate is None or cap_rules.two(rate) <= cap_rules.two(self.cap.value) for rate in (self.new, self.book))


def averages(caps: Sequence[RateCap], loans: QuerySet[Loan], *, on: date) -> list[Average]:
    """Return the averages beside each cap: new loans are those since it holds, of the last twelve months at most; a statement a cap."""
    return [average(cap, loans, on=on) for cap in caps]


def average(cap: RateCap, loans: QuerySet[Loan], *, on: date) -> Average:
    """Return the averages of the loans one cap holds for."""
    since = max(cap.effective_from, add_months(on, -MONTHS, on.day))
    if cap.products:
        loans = loans.filter(product__code__in=cap.products)
    if cap.channels:
        loans = loans.filter(channel__in=cap.channels)
    rate = F("offer__effective_rate") if cap.basis == RateCap.Basis.EFFECTIVE else F("offer__nominal_rate")
    new, still = Q(starts_on__gte=since), Q(status=Loan.Status.OPEN)
    told = loans.filter(new | still).aggregate(
        new=Sum(F("principal") * rate, filter=new),
        new_amount=Sum("principal", filter=new),
        book=Sum(F("principal_outstanding") * rate, filter=still),
        book_amount=Sum("principal_outstanding", filter=still),
    )

    def weighted(name: str) -> Decimal | None:
        amount = told[f"{name}_amount"]
        return (told[name] / amount).quantize(Decimal("0.000001")) if amount else None

    return Average(cap, since, weighted("new"), told["new_amount"] or ZERO, weighted("book"), told["book_amount"] or ZERO)
