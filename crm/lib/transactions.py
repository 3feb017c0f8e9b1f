"""Transactions of the floor: joining one that is open, and an update that tells what it wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connections, models, router, transaction
from django.db.models.sql import UpdateQuery


@contextmanager
def joined() -> Iterator[None]:
    """Join the open transaction, or open one. Unlike `atomic` it sets no savepoint, which costs two round trips.

    Only for doors that refuse before they write: what such a block wrote is not undone while the outer transaction goes on.
    """
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        yield
    else:
        with transaction.atomic():
            yield


def update_returning(rows: "models.QuerySet[Any]", changes: dict[str, Any], column: str) -> Any:
    """Update `rows` with `changes` and return `column` of one updated row; None when no row matched. One statement."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))  # what QuerySet.update() does, which cannot return columns
    query.add_update_values(changes)
    using = router.db_for_write(rows.model)
    sql, params = query.get_compiler(using).as_sql()
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {connection.ops.quote_name(column)}", params)
        found = cursor.fetchone()
    return found[0] if found else None
