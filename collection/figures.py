"""Figures of collections: what is overdue by bucket, what became of promises, what came in. Sums are made by the database."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.db.models import Case as Choose
from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from collection import cash
from collection.models import ACTIVE, Case, CaseDebt, Promise
from credit.models import Transaction

ZERO = Decimal("0.00")
MONEY = DecimalField(max_digits=18, decimal_places=2)
KEPT, BROKEN = Promise.Status.KEPT, Promise.Status.BROKEN


@dataclass(frozen=True, slots=True)
class KeptRate:
    """Kept over kept and broken, by number and by amount; what runs, was replaced or cancelled is left out."""

    kept: int
    broken: int
    kept_amount: Decimal
    broken_amount: Decimal

    @property
    def by_number(self) -> Decimal | None:
        return Decimal(self.kept) / (self.kept + self.broken) if self.kept + self.broken else None

    @property
    def by_amount(self) -> Decimal | None:
        judged = self.kept_amount + self.broken_amount
        return self.kept_amount / judged if judged else None


def kept_rate(promises: QuerySet[Promise], *, since: date, until: date) -> KeptRate:
    """Return the kept rate of the promises that were judged in `[since, until]`; one statement."""
    row = promises.filter(ended_on__gte=since, ended_on__lte=until).aggregate(
        kept=Count("pk", filter=Q(status=KEPT)),
        broken=Count("pk", filter=Q(status=BROKEN)),
        kept_amount=Coalesce(Sum("amount", filter=Q(status=KEPT)), ZERO, output_field=MONEY),
        broken_amount=Coalesce(Sum("amount", filter=Q(status=BROKEN)), ZERO, output_field=MONEY),
    )
    return KeptRate(**row)


def by_status(promises: QuerySet[Promise], *, since: date) -> dict[str, tuple[int, Decimal]]:
    """Return number and amount of the promises taken since a day, by what became of them."""
    rows = promises.filter(taken_on__gte=since).order_by().values_list("status").annotate(Count("pk"), Sum("amount"))
    return {status: (number, amount) for status, number, amount in rows}


def by_bucket(cases: QuerySet[Case]) -> dict[int, tuple[int, Decimal]]:
    """Return number and overdue amount of open cases, by bucket."""
    rows = cases.filter(status__in=ACTIVE).order_by().values_list("bucket").annotate(Count("pk"), Sum("overdue_amount"))
    return {bucket: (number, amount) for bucket, number, amount in rows}


def collected(cases: QuerySet[Case], *, since: date, until: date, by: Literal["day", "who"]) -> dict[Any, Decimal]:
    """Return what came in on loans while they were in a case, in `[since, until]`, reversals taken off; by day or by person.

    A person's money is that of the cases assigned to them, else of those they were in touch about last. Read from the cases'
    side: they are few, and repayments are many.
    """
    way = "loan__transactions"
    within = {f"{way}__value_on__gte": since, f"{way}__value_on__lte": until}
    open_then = Q(case__closed_on__isnull=True) | Q(case__closed_on__gte=F(f"{way}__value_on"))
    signed = Choose(
        When(**{f"{way}__kind": Transaction.Kind.REVERSAL, "then": -F(f"{way}__amount")}), default=F(f"{way}__amount"), output_field=MONEY
    )
    key = F(f"{way}__value_on") if by == "day" else Coalesce("case__assigned_to", "case__last_contact_by")
    rows = (
        CaseDebt.objects.filter(
            open_then,
            cash.came(f"{way}__"),
            Q(case__closed_on__isnull=True) | Q(case__closed_on__gte=since),
            case__in=cases.order_by().values("pk"),
            case__opened_on__lte=F(f"{way}__value_on"),
            **within,
        )
        .order_by()
        .annotate(key=key)
        .values_list("key")
        .annotate(whole=Sum(signed))
    )
    return dict(rows)
