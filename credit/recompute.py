"""A loan made anew from its terms and its movements, held against what is stored. Nothing is changed."""

import copy
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from credit import lines, movements
from credit.models import Installment, Loan, Posting
from credit.revolving import LineState

ZERO = Decimal("0.00")
LOAN = (
    "principal",
    "principal_outstanding",
    "overpayment",
    "undrawn",
    "penalty_rate",
    "capitalised",
    "dpd",
    "bucket",
    "oldest_due_on",
    "charged_off_on",
    "matures_on",
    "late_fee",
    "late_fee_rate",
    "late_fee_passed",
    "late_rate_passed",
)

Difference = dict[str, str]


def differences(loan: Loan) -> list[Difference]:
    """Return every place where what is stored of `loan` is not what terms and movements make of it.

    :raises movements.CannotBe: if its movements make no history
    """
    stored = list(loan.installments.order_by("seq"))
    as_of = loan.closed_on
    if loan.status != Loan.Status.OPEN:
        # No close looked at it since it ended: what it was then is what it is.
        as_of = max(as_of, loan.legal_entity.business_date - timedelta(days=1))
    state = movements.played(loan, movements.events(loan), as_of=as_of)
    twin = copy.copy(loan)
    movements.balance(twin, state)
    return [
        *_differ("status", str(movements.STATUS[state.status]), str(loan.status)),
        *(each for name in LOAN for each in _differ(name, getattr(twin, name), getattr(loan, name))),
        *_installments(loan, stored, state),
        *_postings(loan, stored, state),
        *(_line(loan, state) if isinstance(state, LineState) else ()),
    ]


def _line(loan: Loan, state: LineState) -> Iterable[Difference]:
    """Compare what a line keeps; its interest not billed yet is told by sums, which look alike however far they were counted."""
    kept, wanted = loan.line, lines.columns(state)
    for name in ("frozen_on", "freeze_days", *(("next_statement_on",) if loan.status == Loan.Status.OPEN else ())):
        yield from _differ(f"line.{name}", wanted[name], getattr(kept, name))
    if loan.status == Loan.Status.OPEN:
        yield from _differ("line.unbilled", state.unbilled, lines.unbilled(loan, kept, max(state.as_of, state.counted_to)))


def _installments(loan: Loan, stored: list[Installment], state: Any) -> Iterable[Difference]:
    kept = {row.seq: row for row in stored}
    made = {each.seq: movements.fill(Installment(loan=loan, seq=each.seq), each, state, loan) for each in state.installments}
    for seq in sorted({*kept, *made}):
        if seq not in made and not kept[seq].payment and not kept[seq].penalty:
            continue  # a shorter schedule left it, and money was posted to it: it is one of nothing
        for name in movements.WRITTEN:
            yield from _differ(f"{seq}.{name}", getattr(made.get(seq), name, None), getattr(kept.get(seq), name, None))


def _postings(loan: Loan, stored: list[Installment], state: Any) -> Iterable[Difference]:
    wanted: dict[tuple[str, int], Decimal] = defaultdict(lambda: ZERO)
    posted: dict[tuple[str, int], Decimal] = defaultdict(lambda: ZERO)
    for split in state.splits.values():
        for account, amount, seq in movements.entries(split):
            wanted[str(account), seq or 0] += amount
    seq_of = {each.pk: each.seq for each in stored}
    moved = Posting.objects.filter(transaction__loan=loan).values_list("account", "installment_id").annotate(sum=Sum("amount"))
    for account, part, amount in moved:
        posted[account, seq_of.get(part, 0)] += amount
    for account, seq in sorted({*wanted, *posted}, key=lambda place: (place[1], place[0])):
        place = f"{seq}.posted.{account}" if seq else f"posted.{account}"
        yield from _differ(place, wanted[account, seq], posted[account, seq])


def _differ(place: str, expected: Any, found: Any) -> Iterable[Difference]:
    if expected != found:
        yield {"place": place, "expected": str(expected), "found": str(found)}
