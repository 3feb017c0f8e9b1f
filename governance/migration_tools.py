"""For migrations: a column in clear becomes a sealed one, in batches, so that a large table is never held by one transaction."""

import uuid
from typing import Any

from django.db import connection, transaction

from governance import vault

BATCH = 1_000


def seal_column(apps: Any, app_label: str, model_name: str, *, old: str, new: str, batch: int = BATCH) -> int:
    """Seal what column `old` holds in clear into the sealed field `new`, and empty `old`; return how many rows.

    For `RunPython` in a migration with `atomic = False`, between the one that adds `new` (nullable) and the one that drops `old`; depend on
    governance's `0008_vault_keys`. A row whose `seal_key` is missing gets one. What was done before it was stopped is not done again. Dropping
    the column and `VACUUM FULL` come after: until then the disk, the write-ahead log and backups hold what was in clear.

    :param apps: the registry of the migration
    :raises ValueError: if the two fields are not what they should be
    """
    model = apps.get_model(app_label, model_name)
    fields = {one.name: one for one in model._meta.concrete_fields}
    if old not in fields or not hasattr(fields.get(new), "aad") or "seal_key" not in fields:
        raise ValueError(f"{model._meta.label}: {old} and seal_key must be there, and {new} a sealed field")
    label, table, done, after = fields[new].label, model._meta.db_table, 0, 0
    clear = f"NULL::{fields[old].db_type(connection)}" if fields[old].null else "''"
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f'SELECT id, seal_key, "{old}" FROM "{table}" '  # noqa: S608  names come from the model
                f'WHERE id > %s AND "{new}" IS NULL AND "{old}" IS NOT NULL AND "{old}"::text <> \'\' ORDER BY id LIMIT %s FOR UPDATE',
                [after, batch],
            )
            rows = cursor.fetchall()
            sealed = []
            for pk, seal_key, value in rows:
                key = seal_key or uuid.uuid4()
                sealed.append((pk, str(key), vault.seal(str(value), aad=f"{label}|{key}")))
            if sealed:
                cursor.execute(
                    f'UPDATE "{table}" AS kept SET "{new}" = made.token, seal_key = made.key, "{old}" = {clear} '  # noqa: S608
                    "FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[]) AS made (pk, key, token) WHERE kept.id = made.pk",
                    [list(column) for column in zip(*sealed, strict=True)],
                )
        if not rows:
            return done
        done, after = done + len(rows), rows[-1][0]
