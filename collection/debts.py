"""What customers owe that is overdue, read from their loans as they stand now."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import DecimalField, Exists, F, OuterRef, Q, Sum, Value
from django.db.models.functions import Coalesce

from collection.models import Case, CaseDebt
from credit.models import Installment, Loan
from crm.lib.among import among

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Debt:
    """The overdue side of one loan; `amount` is fee, interest, principal and penalty of its missed instalments."""

    loan_id: int
    amount: Decimal
    dpd: int
    bucket: int


UNPAID = (
    F("installments__principal") - F("installments__principal_paid")
    + F("installments__interest") - F("installments__interest_paid")
    + F("installments__fee") - F("installments__fee_paid")
    + F("installments__penalty") - F("installments__penalty_paid")
)  # fmt: skip


def overdue(customer_ids: Collection[int]) -> dict[int, list[Debt]]:
    """Return the overdue loans of each customer, one statement for all; customers who owe nothing overdue are absent.

    Absent too are loans whose case was closed because the matter is worked elsewhere (court, estate, fraud), as long as what was
    unpaid then is unpaid still: one that was paid up and missed a later day is overdue anew.
    """
    elsewhere = CaseDebt.objects.filter(
        loan=OuterRef("pk"),
        case__status=Case.Status.CLOSED,
        case__close_reason__in=Case.ELSEWHERE,
        case__closed_on__gte=OuterRef("oldest_due_on"),
    )
    rows = (
        Loan.objects.overdue()
        .filter(~Exists(elsewhere), customer__among=among(customer_ids))
        .annotate(
            amount=Coalesce(
                Sum(UNPAID, filter=Q(installments__status=Installment.Status.OVERDUE)),
                Value(ZERO),
                output_field=DecimalField(max_digits=14, decimal_places=2),
            )
        )
        .order_by("pk")
        .values_list("customer_id", "pk", "amount", "dpd", "bucket")
    )
    found: dict[int, list[Debt]] = {}
    for customer_id, loan_id, amount, dpd, bucket in rows:
        found.setdefault(customer_id, []).append(Debt(loan_id, amount, dpd, bucket))
    return found


def with_open_loans(customer_ids: Collection[int]) -> set[int]:
    """Return which of the customers have a loan that is not settled."""
    return set(Loan.objects.open().filter(customer__among=among(customer_ids)).values_list("customer_id", flat=True))
