"""The door every other door uses: record what was done, let subscribers know after commit.

An entry and its delivery rows are one INSERT statement, so that no crash can keep one and lose the other.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction
from kombu.exceptions import OperationalError
from psycopg2.extras import execute_values

from crm.lib.context import request_id
from ledger.models import Entry

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]
_broker_off: ContextVar[bool] = ContextVar("broker_off", default=False)
_here: ContextVar[list[int] | None] = ContextVar("here", default=None)
_handlers: dict[str, list[str]] = {}
_by_name: dict[str, Handler] = {}


class Row(NamedTuple):
    """One entry for `record_many`: which record, whose customer, what facts; `at` where it differs from the others'."""

    subject_type: str
    subject_id: int
    customer_id: int | None
    facts: Mapping[str, Any]
    at: datetime | None = None


def on(*events: str) -> Callable[[Handler], Handler]:
    """Subscribe a function `handler(*, entry, **_)` to entries of these names.

    It runs on a worker after commit, may run twice and must not mind. Its dotted name is the delivery's key,
    so renaming a handler needs a migration of open deliveries.
    """

    def decorate(handler: Handler) -> Handler:
        name = f"{handler.__module__}.{handler.__name__}"
        _by_name[name] = handler
        for event in events:
            known = _handlers.setdefault(event, [])
            if name not in known:
                known.append(name)
        return handler

    return decorate


@contextmanager
def without_broker() -> Iterator[None]:
    """Tell the broker nothing: the caller runs `deliveries.run_all` when it is time. For loads in one transaction."""
    token = _broker_off.set(True)
    try:
        yield
    finally:
        _broker_off.reset(token)


def broker_is_off() -> bool:
    """Return whether the caller runs inside `without_broker`."""
    return _broker_off.get()


@contextmanager
def kept_here() -> Iterator[list[int]]:
    """Collect what becomes deliverable instead of telling the broker: a worker carries the next few steps itself."""
    kept: list[int] = []
    token = _here.set(kept)
    try:
        yield kept
    finally:
        _here.reset(token)


def handlers_of(event: str) -> list[str]:
    """Return the names of the subscribers of `event`."""
    return _handlers.get(event, [])


def handler_named(name: str) -> Handler | None:
    """Return the subscriber registered under `name`, None when it no longer exists."""
    return _by_name.get(name)


PLAIN = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: amounts and dates as text, exactly."""
    if type(value) in PLAIN:  # most of what a close records; asking for each kind costs more than the rest of it
        return value
    if isinstance(value, Decimal | date | datetime | UUID):
        return value.isoformat() if isinstance(value, date) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def record(
    event: str,
    subject: models.Model,
    *,
    actor: Any,
    at: datetime,
    customer_id: int | None = None,
    **facts: Any,
) -> int:
    """Record that `actor` did `event` to `subject` at `at`; return the entry's id.

    `facts` carry ids, amounts and codes, never a personal value. The customer is taken from the subject's
    `customer_id` when not given. Runs inside the caller's transaction.

    :raises ValueError: if `at` has no time zone
    """
    label = subject._meta.label_lower
    if customer_id is None:
        customer_id = subject.pk if label == "customers.customer" else getattr(subject, "customer_id", None)
    return record_many(event, [Row(label, subject.pk, customer_id, facts)], actor=actor, at=at)[0]


INSERT = """
WITH entry AS (
    INSERT INTO ledger_entry (event, subject_type, subject_id, customer_id, actor_id, at, request_id, facts)
    VALUES %s RETURNING id
), delivery AS (
    INSERT INTO ledger_delivery (entry_id, handler)
    SELECT entry.id, handler FROM entry CROSS JOIN unnest(ARRAY[{handlers}]::text[]) AS handler
    RETURNING id, entry_id
)
SELECT entry.id, array_remove(array_agg(delivery.id), NULL)
FROM entry LEFT JOIN delivery ON delivery.entry_id = entry.id GROUP BY entry.id ORDER BY entry.id
"""
PAGE = 2_000


def record_many(event: str, rows: Iterable[Row], *, actor: Any, at: datetime, tell: bool = True) -> list[int]:
    """Record one entry per row with one statement per 2,000 rows; return the ids in the rows' order.

    Without `tell` no subscriber hears of it: for a past that is brought in from elsewhere and has had its consequences.

    :raises ValueError: if `at` has no time zone
    """
    if at.tzinfo is None:
        raise ValueError(f"{event}: `at` needs a time zone")
    actor_id, marks_for = getattr(actor, "pk", None), getattr(actor, "marks_for", _no_marks)
    asked = request_id()
    values = [
        (
            event,
            row.subject_type,
            row.subject_id,
            row.customer_id,
            actor_id,
            row.at or at,
            asked,
            dump({**row.facts, **marks_for(row.customer_id)}),
        )
        for row in rows
    ]
    if not values:
        return []
    handlers = handlers_of(event) if tell else []
    statement = INSERT.format(handlers=", ".join("'" + name.replace("'", "") + "'" for name in handlers))
    ids: list[int] = []
    deliveries: list[int] = []
    with connection.cursor() as cursor:
        for start in range(0, len(values), PAGE):
            found = execute_values(
                cursor.cursor,
                statement,
                values[start : start + PAGE],
                page_size=PAGE,
                fetch=True,
            )
            ids += [entry for entry, _ in found]
            deliveries += [delivery for _, made in found for delivery in made]
    if deliveries and not _broker_off.get():
        transaction.on_commit(lambda: hand_over(deliveries), robust=True)
    return ids


def _no_marks(_customer_id: int | None) -> dict[str, str]:
    return {}


def dump(facts: Mapping[str, Any]) -> str:
    """Return `facts` as JSON text."""
    return json.dumps(plain(facts), ensure_ascii=False)


def hand_over(deliveries: list[int]) -> None:
    """Tell the broker of `deliveries`. It is a hint only: what the broker loses, the sweeper finds."""
    from ledger.tasks import deliver

    kept = _here.get()
    if kept is not None:
        kept.extend(deliveries)
        return
    for start in range(0, len(deliveries), 100):
        try:
            deliver.delay(deliveries=deliveries[start : start + 100])
        except (OSError, OperationalError):
            logger.warning("broker away; the sweeper will deliver", extra={"deliveries": len(deliveries)})
            return


def history(subject: models.Model) -> models.QuerySet[Entry]:
    """Return the entries about `subject`, newest first."""
    return Entry.objects.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk).order_by("-id")


def of_customer(customer_id: int) -> models.QuerySet[Entry]:
    """Return the entries about a customer and what belongs to them, newest first."""
    return Entry.objects.filter(customer_id=customer_id).order_by("-at", "-id")
