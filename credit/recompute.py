"""A loan made anew from its terms and its movements, held against what is stored. Nothing is changed."""

import copy
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django.db.models import Sum

from credit import replay
from credit.models import Installment, Loan, Posting, Transaction
from credit.schedule import DayCount, MonthEnd, Terms, equal_installment
from crm.lib.money import Mode

ZERO = Decimal("0.00")
LOAN = ("principal_outstanding", "overpayment", "dpd", "bucket", "oldest_due_on")
PART = (
    "status", "principal_paid", "interest_paid", "fee_paid", "penalty_paid", "interest_waived", "fee_waived", "penalty", "penalty_base",
    "penalty_since",
)  # fmt: skip

Difference = dict[str, str]


def differences(loan: Loan) -> list[Difference]:
    """Return every place where what is stored of `loan` is not what terms and movements make of it.

    :raises RefundedMeanwhile: if a refund took more than its movements ever held
    """
    stored = list(loan.installments.order_by("seq"))
    return [*_schedule(loan, stored), *_state(loan, stored)]


def _schedule(loan: Loan, stored: list[Installment]) -> Iterable[Difference]:
    """Compare dates and amounts of instalments with the schedule of the terms."""
    terms = Terms(
        principal=loan.principal, annual_rate=loan.annual_rate, periods=loan.term, starts_on=loan.starts_on,
        day_count=cast(DayCount, loan.day_count), month_end=cast(MonthEnd, loan.month_end), rounding=cast(Mode, loan.rounding),
    )  # fmt: skip
    rows = {row.seq: row for row in equal_installment(terms)}
    kept = {each.seq: each for each in stored}
    for seq in sorted({*rows, *kept}):
        for name in ("from_on", "due_on", "principal", "interest"):
            yield from _differ(f"{seq}.{name}", getattr(rows.get(seq), name, None), getattr(kept.get(seq), name, None))


def _state(loan: Loan, stored: list[Installment]) -> Iterable[Difference]:
    """Compare loan, instalments and postings with a replay of the movements that stand."""
    twin, rows = copy.copy(loan), [copy.copy(each) for each in stored]
    if loan.status != Loan.Status.OPEN:
        # No close looked at it since it was settled: what it was then is what it is.
        twin.closed_on = max(loan.closed_on, loan.legal_entity.business_date - timedelta(days=1))
    sums = replay.run(twin, rows, replay.events(loan))
    for name in LOAN:
        yield from _differ(name, getattr(twin, name), getattr(loan, name))
    settled = all(row.status == Installment.Status.PAID for row in rows)
    yield from _differ("status", Loan.Status.SETTLED if settled else Loan.Status.OPEN, loan.status)
    for made, kept in zip(rows, stored, strict=True):
        for name in PART:
            yield from _differ(f"{kept.seq}.{name}", getattr(made, name), getattr(kept, name))
    wanted: dict[tuple[str, int | None], Decimal] = defaultdict(lambda: ZERO, sums)
    posted: dict[tuple[str, int | None], Decimal] = defaultdict(lambda: ZERO)
    moved = Posting.objects.filter(transaction__loan=loan).exclude(account=Posting.Account.CASH)
    moved = moved.exclude(transaction__kind=Transaction.Kind.DISBURSEMENT)
    for account, part, amount in moved.values_list("account", "installment_id").annotate(sum=Sum("amount")):
        posted[account, part] = amount
    seq_of = {each.pk: each.seq for each in stored}
    for account, part in sorted({*wanted, *posted}, key=lambda place: (place[1] or 0, place[0])):
        place = f"{seq_of.get(part, '?')}.posted.{account}" if part else f"posted.{account}"
        yield from _differ(place, wanted[account, part], posted[account, part])
    paid_out = Posting.objects.filter(transaction__loan=loan, transaction__kind=Transaction.Kind.DISBURSEMENT, account="principal")
    yield from _differ("posted.disbursement", loan.principal, paid_out.aggregate(sum=Sum("amount"))["sum"] or ZERO)


def _differ(place: str, expected: Any, found: Any) -> Iterable[Difference]:
    if expected != found:
        yield {"place": place, "expected": str(expected), "found": str(found)}
