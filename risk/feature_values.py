"""Doors to the values of features: of one customer now, of all customers, of a training set each row as of its own moment.

All three run the same statements (`crm/lib/features.py`) over another relation of who is asked about. Erased people have no features.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

from crm.lib import features
from crm.lib.features import Source
from customers.models import Customer

CHUNK = 5_000  # customers a statement; a chunk's rows are held in memory
Values = dict[str, Any]

ASKED = """
WITH asked AS MATERIALIZED (
    SELECT given.n::int AS n, c.id AS customer_id, given.as_of, (given.as_of AT TIME ZONE e.zone)::date AS today
    FROM unnest(%(customers)s::bigint[], %(moments)s::timestamptz[]) WITH ORDINALITY AS given(customer_id, as_of, n)
        JOIN customers_customer AS c ON c.id = given.customer_id AND c.created_at <= given.as_of AND c.erased_at IS NULL
        JOIN governance_legalentity AS e ON e.id = c.legal_entity_id
)
"""


def online(customer_id: int, *, as_of: datetime, names: Iterable[str] | None = None) -> Values:
    """Return every feature of one customer as it was known at `as_of`, or those of `names`; None where there is no value.

    One statement a source, prepared once a connection: planning them takes several times as long as running them for one customer.
    Types: Decimal for money and decimals, int, str, bool.
    """
    return next(_rows([(customer_id, as_of)], names, run=_prepared))


def bulk(*, as_of: datetime, customer_ids: Sequence[int] | None = None, names: Iterable[str] | None = None) -> Iterator[tuple[int, Values]]:
    """Return each customer's id with what `online` says of them, in the order of ids; of all that had a file at `as_of`, or of those named.

    Reads a few thousand customers a statement, so that a book of any size passes through little memory.
    """
    wanted = None if names is None else tuple(names)
    if customer_ids is None:
        found = Customer.objects.filter(created_at__lte=as_of, erased_at__isnull=True)
        ids: Iterable[int] = found.order_by("pk").values_list("pk", flat=True).iterator(CHUNK)
    else:
        ids = sorted(customer_ids)
    left = iter(ids)
    while chunk := list(islice(left, CHUNK)):
        yield from zip(chunk, _rows([(customer, as_of) for customer in chunk], wanted), strict=True)


def training_set(subjects: Iterable[tuple[int, datetime]], *, names: Iterable[str] | None = None) -> Iterator[Values]:
    """Return for each pair of customer and moment what was known then, in the order given: nothing that was entered later."""
    wanted, left = None if names is None else tuple(names), iter(subjects)
    while chunk := list(islice(left, CHUNK)):
        yield from _rows(chunk, wanted)


def as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON keeps them: money and decimals as text, without those that are missing."""
    plain = (bool, int, str)
    return {name: value if isinstance(value, plain) else str(value) for name, value in values.items() if value is not None}


def _planned(cursor: Any, source: Source, asked: dict[str, Any]) -> None:
    cursor.execute(statement(source), asked)


_names: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # of what each connection has prepared; a statement outlives a rollback


def _prepared(cursor: Any, source: Source, asked: dict[str, Any]) -> None:
    """Run a source by a statement prepared on this connection. Behind a pooler that hands connections round, which says so, plainly."""
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        _planned(cursor, source, asked)
        return
    known = _names.setdefault(connection.connection, set())
    text = statement(source) % {"customers": "$1", "moments": "$2"}
    name = f"features_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    if name not in known:
        cursor.execute(f"PREPARE {name} (bigint[], timestamptz[]) AS {text}")
        known.add(name)
    cursor.execute(f"EXECUTE {name} (%(customers)s, %(moments)s)", asked)


def _rows(
    pairs: list[tuple[int, datetime]], names: Iterable[str] | None, *, run: Callable[[Any, Source, dict[str, Any]], None] = _planned
) -> Iterator[Values]:
    wanted = None if names is None else set(names)
    sources = list(features.SOURCES.values()) if wanted is None else features.sources_of(sorted(wanted))
    empty = {f.name: None for source in sources for f in source.features if wanted is None or f.name in wanted}
    found: list[Values] = [dict(empty) for _ in pairs]
    asked: dict[str, Any] = {"customers": [customer for customer, _moment in pairs], "moments": [moment for _customer, moment in pairs]}
    with connection.cursor() as cursor:
        for source in sources:
            run(cursor, source, asked)
            columns = [(place, f.name) for place, f in enumerate(source.features, start=1) if f.name in empty]
            for row in cursor.fetchall():
                values = found[row[0] - 1]
                for place, name in columns:
                    values[name] = row[place]
    yield from found


def statement(source: Source) -> str:
    """Return a source's statement behind the relation of who is asked about."""
    return f"{ASKED} SELECT * FROM ({source.sql}) AS known"  # noqa: S608  text of our own files alone
