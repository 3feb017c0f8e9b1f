"""What agencies earn: a share of each movement of money while they have the case. A reversal takes its share back."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from collection import agency_math
from collection.models import Placement, PlacementFee
from credit.models import Transaction

ZERO = Decimal("0.00")
Kind = Transaction.Kind
BRINGS = (Kind.REPAYMENT, Kind.PREPAYMENT, Kind.RECOVERY)


def earn(rows: Sequence[Placement]) -> int:
    """Book what the movements since these placements earned and is not booked; return how many movements. The caller holds the rows.

    A movement after the case came back earns nothing; the reversal of one that earned takes it back whenever it comes. The sum of the fees
    is the rate of the sum that came in, rounded once. Three statements for all.
    """
    if not rows:
        return 0
    known: dict[int, set[int]] = defaultdict(set)
    for placement_id, movement_id in PlacementFee.objects.filter(placement__in=rows).values_list("placement_id", "movement_id"):
        known[placement_id].add(movement_id)
    moves: dict[int, list[Transaction]] = defaultdict(list)
    since = min(row.counts_after for row in rows)
    came = Transaction.objects.filter(
        loan__customer__in=[row.case.customer_id for row in rows], pk__gt=since, kind__in=[*BRINGS, Kind.REVERSAL]
    ).select_related("loan")
    for each in came.order_by("pk"):
        moves[each.loan.customer_id].append(each)
    made: list[PlacementFee] = []
    changed: list[Placement] = []
    for row in rows:
        mine = known[row.pk]
        before = len(made)
        for each in moves[row.case.customer_id]:
            if each.pk in mine or not _counts(each, row, mine):
                continue
            amount = -each.amount if each.kind == Kind.REVERSAL else each.amount
            fee = agency_math.fee(amount, row.rate, before=row.collected)
            made.append(PlacementFee(placement=row, movement=each, collected=amount, fee=fee, on=each.value_on))
            mine.add(each.pk)
            row.collected += amount
            row.fee += fee
        if len(made) > before:
            changed.append(row)
    PlacementFee.objects.bulk_create(made)
    Placement.objects.bulk_update(changed, ["collected", "fee"])
    return len(made)


def _counts(move: Transaction, row: Placement, mine: set[int]) -> bool:
    if move.kind == Kind.REVERSAL:
        return move.reverses_id in mine
    return move.pk > row.counts_after and (row.counts_until is None or move.pk <= row.counts_until)
