"""A loan whose days are closed after their journals were written: what that changes is added to the last day of the general ledger."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max

from credit import books, chart, general_ledger
from credit.books import PeriodClosed
from credit.models import BookDay, Journal, Loan, Transaction
from governance.models import LegalEntity

Source = Journal.Source


@dataclass(frozen=True, slots=True)
class Mark:
    """What the allowance holds of a loan: its expected loss, by stage."""

    loan: int
    stage: int
    ecl: Decimal


def mark(loan_id: int) -> Mark:
    return Mark(*Loan.objects.values_list("pk", "stage", "ecl").get(pk=loan_id))


def post(entity: LegalEntity, before: Mark, *, at: datetime, accrues: bool) -> int:
    """Add to the last day of the general ledger what the close of a loan's missed days changed; return how many journals.

    The allowance by what the loan's expected loss is more or less than `before`. Where it `accrues`, and nothing was entered on a later
    day, the receivables too; else the next close finds them, as it does if the month of the day is closed.
    """
    loan = Loan.objects.select_related("product").get(pk=before.loan)
    day = BookDay.objects.filter(legal_entity=entity).aggregate(last=Max("business_date"))["last"]
    if day is None or loan.closed_on != day or loan.status != Loan.Status.OPEN:
        return 0
    try:
        books.check_open(entity, day)
    except PeriodClosed:
        return 0
    code, sums = loan.product.code, dict.fromkeys(chart.ALLOWANCES.values(), Decimal("0.00"))
    sums[chart.ALLOWANCES[before.stage]] += before.ecl
    sums[chart.ALLOWANCES[loan.stage]] -= loan.ecl
    made = _add(entity, day, Source.PROVISION, {code: sums | {chart.PROVISION: -sum(sums.values(), Decimal("0.00"))}}, at=at)
    if accrues and not Transaction.objects.filter(loan__legal_entity=entity, booked_on__gt=day).exists():
        general_ledger.lock(entity)
        made += _add(entity, day, Source.ACCRUAL, general_ledger.accrual(entity, day, at=at), at=at)
    return made


def _add(entity: LegalEntity, day: date, source: str, sums: general_ledger.Sums, *, at: datetime) -> int:
    places = chart.on(entity, day, at=at)
    there = Journal.objects.filter(legal_entity=entity, business_date=day, source=source)
    numbers = dict(there.values_list("product_code").annotate(last=Max("serial")))
    return general_ledger.store(
        (
            Journal(
                legal_entity=entity, product_code=code, business_date=day, source=source, posted_at=at, serial=numbers.get(code, -1) + 1
            ),
            [(purpose, places.account(code, purpose), amount) for purpose, amount in sorted(parts.items())],
        )
        for code, parts in sorted(sums.items())
    )
