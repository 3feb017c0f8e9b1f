"""Insert-only tables: a trigger refuses UPDATE, DELETE and TRUNCATE, and every role but the owner loses the right."""

from django.db import migrations

# Made by ledger.0002, used by every app that keeps insert-only rows.
FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

REVOKE = """
DO $$ DECLARE grantee name; BEGIN
    FOR grantee IN SELECT DISTINCT g.grantee FROM information_schema.role_table_grants AS g
        WHERE g.table_schema = current_schema() AND g.table_name = '{table}' AND g.grantee NOT IN (current_user, 'postgres')
    LOOP EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM %I', grantee); END LOOP;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

UNDO = """
DROP TRIGGER {table}_insert_only ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
"""


def insert_only(table: str, *, function: str = "refuse_change") -> migrations.RunSQL:
    """Return the migration operation that makes `table` insert-only; depend on `("ledger", "0002_insert_only")`."""
    return migrations.RunSQL(
        sql=TRIGGERS.format(table=table, function=function) + REVOKE.format(table=table),
        reverse_sql=UNDO.format(table=table),
    )
