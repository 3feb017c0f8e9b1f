"""The close of a business date in partitions; then the date moves on.

What a day does to a range of loans is `credit/close_steps.py`; the rule for one loan is `credit/daily.py`. The database is the
truth about the work: a partition is claimed, worked and marked done in one transaction, so that whatever is killed leaves it
untouched, and every part may be called again.
"""

import time
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from credit import close_ranges, general_ledger
from credit.close_ranges import ERROR_KEPT, retry
from credit.models import ClosePartition, CloseRun
from crm.lib.errors import DomainError
from crm.lib.scrub import cause
from governance import users
from governance.lifecycle import MovedMeanwhile, move
from governance.models import LegalEntity

__all__ = ["PARTITION", "OutOfOrder", "close", "close_partition", "failed", "finish", "pending", "plan", "retry"]

PARTITION = 5_000  # loans; about a second of work, so that progress shows and a lost worker costs little

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
    run = partition.run
    with connection.cursor() as cursor:
        # What a crash takes is a whole partition, pending as before; `finish` waits for the disk, and with it for every one before it.
        cursor.execute("SET LOCAL synchronous_commit TO off")
    done = close_ranges.close(
        run.legal_entity_id, partition.first_id, partition.last_id, until=run.business_date, at=at, told_at=run.started_at
    )
    ClosePartition.objects.filter(pk=partition.pk, status=ClosePartition.Status.PENDING).update(
        status=ClosePartition.Status.DONE,
        error="",
        loans=done.loans,
        moved=done.moved,
        parked=done.parked,
        milliseconds=int((time.monotonic() - started) * 1000),
        done_at=at,
    )
    return True


def failed(partition_id: int, error: Exception) -> None:
    """Keep why a range could not be closed as a whole; it stays to be done, and whoever tries next may succeed."""
    first = cause(str(error), most=ERROR_KEPT) or type(error).__name__
    ClosePartition.objects.filter(pk=partition_id, status=ClosePartition.Status.PENDING).update(error=first)


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
