"""Decisions are insert-only. What a version says is frozen once it left draft: only its status and the moments of it may change."""

from django.db import migrations

from crm.lib.guards import insert_only

FROZEN = """
CREATE FUNCTION refuse_change_of_released_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status <> 'draft'
       AND to_jsonb(NEW) - '{status,live_at,retired_at}'::text[] = to_jsonb(OLD) - '{status,live_at,retired_at}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% % is released: % refused', TG_TABLE_NAME, OLD.id, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
TRIGGERS = """
CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change_of_released_version();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
UNDO = "DROP TRIGGER {table}_frozen ON {table}; DROP TRIGGER {table}_no_truncate ON {table};"


def frozen(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(sql=TRIGGERS.format(table=table), reverse_sql=UNDO.format(table=table))


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_initial"), ("ledger", "0002_insert_only")]

    operations = [
        migrations.RunSQL(sql=FROZEN, reverse_sql="DROP FUNCTION refuse_change_of_released_version()"),
        frozen("risk_strategyversion"),
        frozen("risk_scorecardversion"),
        insert_only("risk_decision"),
    ]
