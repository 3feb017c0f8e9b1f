"""Entries are insert-only. The one exception is the sealer, which gives an entry its position once."""

from django.db import migrations

from crm.lib.guards import FUNCTION, insert_only

SEALABLE = """
CREATE FUNCTION refuse_change_but_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
       AND to_jsonb(NEW) - 'position' = to_jsonb(OLD) - 'position' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is insert-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(sql=FUNCTION, reverse_sql="DROP FUNCTION refuse_change()"),
        migrations.RunSQL(sql=SEALABLE, reverse_sql="DROP FUNCTION refuse_change_but_position()"),
        insert_only("ledger_entry", function="refuse_change_but_position"),
    ]
