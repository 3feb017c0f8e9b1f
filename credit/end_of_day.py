"""The close of a business date: days past due, penalty, bucket, in partitions; then the date moves on.

The rule is the one of `credit/accrual.py`, here as one statement per range of loans; a property test holds the two against
each other. The database is the truth about the work: a partition is claimed, worked and marked done in one transaction, so
that whatever is killed leaves it untouched, and every part may be called again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from credit import general_ledger
from credit.models import ClosePartition, CloseRun, Loan, ParkedLoan
from credit.repayments import bucket_event
from crm.lib.errors import DomainError
from governance import users
from governance.lifecycle import MovedMeanwhile, move
from governance.models import LegalEntity
from ledger import log

PARTITION = 5_000  # loans; about a second of work, so that progress shows and a lost worker costs little
ERROR_KEPT = 500

CLOSE = """
WITH scope AS (
    SELECT id, grace_days, penalty_rate, bucket AS was
    FROM credit_loan
    WHERE id BETWEEN %(first)s AND %(last)s AND legal_entity_id = %(entity)s AND status = 'open' AND closed_on < %(day)s
    ORDER BY id
    FOR NO KEY UPDATE
), late AS (
    UPDATE credit_installment AS i
    SET status = 'overdue',
        penalty = i.penalty_base
            + round((i.principal - i.principal_paid) * scope.penalty_rate * greatest(%(day)s - i.penalty_since, 0) / 360, 2)
    FROM scope
    WHERE i.loan_id = scope.id AND i.status <> 'paid' AND i.due_on + scope.grace_days < %(day)s
    RETURNING i.loan_id, i.due_on,
        i.principal + i.interest + i.fee - i.principal_paid - i.interest_paid - i.fee_paid AS owed
), oldest AS (
    SELECT loan_id, min(due_on) AS due_on FROM late WHERE owed > 0 GROUP BY loan_id
)
UPDATE credit_loan AS l
SET dpd = coalesce(%(day)s - oldest.due_on, 0),
    bucket = least((coalesce(%(day)s - oldest.due_on, 0) + 29) / 30, 7),
    oldest_due_on = oldest.due_on,
    closed_on = %(day)s
FROM scope LEFT JOIN oldest ON oldest.loan_id = scope.id
WHERE l.id = scope.id
RETURNING l.id, l.customer_id, scope.was, l.bucket, l.dpd
"""

RANGES = """
SELECT first_id, coalesce(lead(first_id) OVER (ORDER BY first_id) - 1, last_id)
FROM (
    SELECT id AS first_id, row_number() OVER (ORDER BY id) AS n, max(id) OVER () AS last_id
    FROM credit_loan WHERE legal_entity_id = %(entity)s AND status = 'open' AND closed_on < %(day)s
) AS numbered
WHERE n %% %(size)s = 1 OR %(size)s = 1
ORDER BY first_id
"""


class OutOfOrder(DomainError):
    """Business dates are closed one after the other: this one is not open yet."""

    code = "business_date_not_open"


@dataclass(slots=True)
class Count:
    """What closing a range did."""

    loans: int = 0
    moved: int = 0
    parked: int = 0

    def add(self, other: "Count") -> None:
        self.loans += other.loans
        self.moved += other.moved
        self.parked += other.parked


def close(legal_entity: LegalEntity, business_date: date, *, at: datetime) -> CloseRun:
    """Close `business_date` here and now and advance the books by a day. A date already closed is left as it is.

    :raises OutOfOrder: if the date is not open yet
    """
    run = plan(legal_entity, business_date, at=at)
    for partition_id in pending(run):
        close_partition(partition_id, at=at)
    finish(run, at=at)
    run.refresh_from_db()
    legal_entity.refresh_from_db(fields=["business_date"])
    return run


@transaction.atomic
def plan(legal_entity: LegalEntity, business_date: date, *, at: datetime, size: int = PARTITION) -> CloseRun:
    """Start the run of a date, cut into ranges of loans; the run that exists is returned as it is.

    :raises OutOfOrder: if the date is not open yet, or was closed before these books began
    """
    entity = LegalEntity.objects.select_for_update(no_key=True).get(pk=legal_entity.pk)
    run = CloseRun.objects.filter(legal_entity=entity, business_date=business_date).first()
    if run is not None:
        return run
    if business_date != entity.business_date:
        raise OutOfOrder(
            _("The open business date is %(open)s; %(day)s cannot be closed.")
            % {"open": entity.business_date.isoformat(), "day": business_date.isoformat()},
            business_date=entity.business_date.isoformat(),
        )
    run = CloseRun.objects.create(legal_entity=entity, business_date=business_date, started_at=at)
    with connection.cursor() as cursor:
        cursor.execute(RANGES, {"entity": entity.pk, "day": business_date, "size": size})
        ranges = cursor.fetchall()
    ClosePartition.objects.bulk_create(ClosePartition(run=run, first_id=first, last_id=last) for first, last in ranges)
    return run


def pending(run: CloseRun) -> list[int]:
    """Return the partitions of a run that are not done."""
    return list(run.partitions.filter(status=ClosePartition.Status.PENDING).order_by("first_id").values_list("pk", flat=True))


@transaction.atomic
def close_partition(partition_id: int, *, at: datetime) -> bool:
    """Close one range in one transaction; return whether it was done here. One that another worker holds is left to it."""
    started = time.monotonic()
    partition = (
        ClosePartition.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("run")
        .filter(pk=partition_id, status=ClosePartition.Status.PENDING)
        .first()
    )
    if partition is None:
        return False
    done = _close_range(partition.run, partition.first_id, partition.last_id, at=at)
    ClosePartition.objects.filter(pk=partition.pk, status=ClosePartition.Status.PENDING).update(
        status=ClosePartition.Status.DONE,
        loans=done.loans,
        moved=done.moved,
        parked=done.parked,
        milliseconds=int((time.monotonic() - started) * 1000),
        done_at=at,
    )
    return True


@transaction.atomic
def finish(run: CloseRun, *, at: datetime) -> bool:
    """End a run whose partitions are all done: the business date advances by a day. Return whether it was this call."""
    row = CloseRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if row.status != CloseRun.Status.RUNNING or pending(row):
        return False
    after = row.business_date + timedelta(days=1)
    general_ledger.close(row.legal_entity, row.business_date, at=at)
    moved = LegalEntity.objects.filter(pk=row.legal_entity_id, business_date=row.business_date).update(business_date=after)
    if not moved:
        raise MovedMeanwhile(_("The business date of %(entity)s is no longer %(day)s.") % {"entity": row.legal_entity_id, "day": row})
    sums = list(row.partitions.all())
    move(
        row,
        CloseRun.Status.DONE,
        actor=users.system(),
        at=at,
        event="credit.day.closed",
        facts={
            "legal_entity": row.legal_entity_id,
            "business_date": row.business_date,
            "next": after,
            "loans": sum(partition.loans for partition in sums),
            "moved": sum(partition.moved for partition in sums),
            "parked": sum(partition.parked for partition in sums),
        },
        finished_at=at,
    )
    return True


def retry(parked: ParkedLoan, *, at: datetime) -> bool:
    """Close a parked loan for the last date closed, once its cause is cured; return whether it succeeded."""
    loan = parked.loan
    last = loan.legal_entity.business_date - timedelta(days=1)
    run = CloseRun.objects.filter(legal_entity_id=loan.legal_entity_id, business_date=last).first()
    if run is None:
        return False
    with transaction.atomic():
        _close_range(run, loan.pk, loan.pk, at=at)
    parked.refresh_from_db()
    return parked.cleared_at is not None


def _close_range(run: CloseRun, first: int, last: int, *, at: datetime) -> Count:
    """Close a range; where a row refuses, halve the range until it stands alone, park it and go on."""
    try:
        with transaction.atomic():
            return _close_rows(run, first, last, at=at)
    except (DataError, IntegrityError) as error:
        middle = _middle(run, first, last)
        if middle is None:
            return _park(run, first, last, str(error), at=at)
    done = _close_range(run, first, middle, at=at)
    done.add(_close_range(run, middle + 1, last, at=at))
    return done


def _close_rows(run: CloseRun, first: int, last: int, *, at: datetime) -> Count:
    day = run.business_date
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, {"first": first, "last": last, "entity": run.legal_entity_id, "day": day})
        rows = cursor.fetchall()
    moves: dict[str, list[log.Row]] = {}
    for pk, customer_id, was, bucket, dpd in sorted(rows):
        if was != bucket:
            facts: dict[str, Any] = {"was": was, "bucket": bucket, "dpd": dpd, "as_of": day}
            moves.setdefault(bucket_event(was, bucket), []).append(log.Row("credit.loan", pk, customer_id, facts))
    actor = users.system()
    for event, entries in sorted(moves.items()):
        log.record_many(event, entries, actor=actor, at=run.started_at)
    ParkedLoan.objects.filter(loan_id__gte=first, loan_id__lte=last, loan__closed_on=day, cleared_at__isnull=True).update(cleared_at=at)
    return Count(loans=len(rows), moved=sum(map(len, moves.values())))


def _middle(run: CloseRun, first: int, last: int) -> int | None:
    """Return the id that halves the loans still to close in a range, None when only one is left."""
    ids = list(_open_ids(run, first, last))
    return ids[(len(ids) - 1) // 2] if len(ids) > 1 else None


def _park(run: CloseRun, first: int, last: int, error: str, *, at: datetime) -> Count:
    parked = 0
    for loan_id in _open_ids(run, first, last):
        # The first cause stays until it is cured; the database's own words carry the row's values, so only the first line is kept.
        ParkedLoan.objects.get_or_create(
            loan_id=loan_id,
            cleared_at=None,
            defaults={"business_date": run.business_date, "error": error.splitlines()[0][:ERROR_KEPT], "parked_at": at},
        )
        parked += 1
    return Count(parked=parked)


def _open_ids(run: CloseRun, first: int, last: int) -> Iterator[int]:
    rows = Loan.objects.open().filter(legal_entity_id=run.legal_entity_id, pk__range=(first, last), closed_on__lt=run.business_date)
    yield from rows.order_by("pk").values_list("pk", flat=True)
