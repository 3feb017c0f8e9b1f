"""Carrying entries to their subscribers: claim, run, finish; retry later; park what keeps failing."""

import json
import logging
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from crm.lib.scrub import cause
from ledger import log
from ledger.models import Delivery, Entry

logger = logging.getLogger(__name__)

ATTEMPTS = 8
LEASE = timedelta(minutes=5)  # a claim older than this belongs to a worker that died


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after the given number of failures: 5 s doubling to about ten minutes."""
    return timedelta(seconds=min(5 * 2**attempts, 600))


def run(delivery_id: int, *, at: datetime) -> bool:
    """Deliver once; return whether the subscriber finished. A delivery that another worker holds is left alone."""
    delivery = claim(delivery_id, at=at)
    if delivery is None:
        return False
    if delivery.attempts > ATTEMPTS:  # each worker that took it died of it
        return fail(delivery, "the worker ended without an answer", at=at)
    handler = log.handler_named(delivery.handler)
    if handler is None:
        return fail(delivery, f"no subscriber named {delivery.handler}", at=at)
    try:
        handler(entry=delivery.entry)
    except Exception as error:  # the one place where any failure of a subscriber becomes a retry
        logger.exception("delivery failed", extra={"delivery": delivery.pk, "handler": delivery.handler})
        return fail(delivery, f"{type(error).__name__}: {error}", at=at)
    finish(delivery, at=at)
    return True


# A claim or a "done" that a power cut takes back is a delivery that runs again, which it may: it need not wait for the disk.
UNHURRIED = "SET LOCAL synchronous_commit TO off; "
CLAIM = """
UPDATE ledger_delivery AS delivery
SET status = 'running', claimed_at = %(at)s, attempts = attempts + 1
FROM ledger_entry AS entry
WHERE delivery.id = %(id)s AND entry.id = delivery.entry_id
    AND (delivery.status = 'pending' OR (delivery.status = 'running' AND delivery.claimed_at < %(lost)s))
RETURNING delivery.handler, delivery.attempts,
    entry.id, entry.event, entry.subject_type, entry.subject_id, entry.customer_id, entry.actor_id, entry.at, entry.request_id, entry.facts
"""
ENTRY = ("id", "event", "subject_type", "subject_id", "customer_id", "actor_id", "at", "request_id", "facts")


def claim(delivery_id: int, *, at: datetime) -> Delivery | None:
    """Take a delivery, with its entry, in one statement; None when it is done or another worker holds it."""
    with connection.cursor() as cursor:
        cursor.execute(UNHURRIED + CLAIM, {"id": delivery_id, "at": at, "lost": at - LEASE})
        found = cursor.fetchone()
    if found is None:
        return None
    handler, attempts, *columns = found
    told = dict(zip(ENTRY, columns, strict=True))
    entry = Entry(**told | {"facts": json.loads(told["facts"])})
    entry._state.adding = False
    return Delivery(id=delivery_id, entry=entry, handler=handler, status=Delivery.Status.RUNNING, attempts=attempts, claimed_at=at)


DONE = """
UPDATE ledger_delivery SET status = 'done', done_at = %(at)s, error = ''
WHERE id = %(id)s AND status = 'running' AND claimed_at = %(claimed)s
"""


def finish(delivery: Delivery, *, at: datetime) -> None:
    """Mark a delivery as done, if this worker still holds it."""
    with connection.cursor() as cursor:
        cursor.execute(UNHURRIED + DONE, {"id": delivery.pk, "at": at, "claimed": delivery.claimed_at})


def held(delivery: Delivery) -> QuerySet[Delivery]:
    """Return the delivery if this worker still holds it: one that outlived its lease does not undo another's work."""
    return Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.RUNNING, claimed_at=delivery.claimed_at)


def fail(delivery: Delivery, error: str, *, at: datetime) -> bool:
    """Put a failed delivery back for later, or park it after the last attempt; return False."""
    parked = delivery.attempts >= ATTEMPTS
    held(delivery).update(
        status=Delivery.Status.PARKED if parked else Delivery.Status.PENDING,
        due_at=at + backoff(delivery.attempts),
        error=cause(error, most=2_000),
    )
    return False


def due(*, at: datetime, limit: int = 1_000) -> list[int]:
    """Return deliveries that the broker lost or whose worker died, oldest first."""
    lost = Q(status=Delivery.Status.PENDING, due_at__lt=at) | Q(status=Delivery.Status.RUNNING, claimed_at__lt=at - LEASE)
    return list(Delivery.objects.filter(lost).order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def run_all(*, at: datetime) -> int:
    """Deliver everything that is due, and what that brings about, here and now; return how many finished.

    For commands and tests that must not wait for a worker.
    """
    done = 0
    while batch := due(at=at):
        progress = sum(run(pk, at=at) for pk in batch)
        done += progress
        if not progress:
            break
    return done


@transaction.atomic
def retry(delivery: Delivery, *, actor: object, at: datetime) -> None:
    """Give a parked delivery another round of attempts."""
    woken = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PARKED).update(
        status=Delivery.Status.PENDING, attempts=0, due_at=at
    )
    if woken:
        log.record("ledger.delivery.retried", delivery, actor=actor, at=at)
        transaction.on_commit(lambda: log.hand_over([delivery.pk]))
