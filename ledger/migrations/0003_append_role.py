"""The right to append to the ledger comes through the role crm_ledger alone, so that it can be given to a program that may do nothing else."""

from django.db import migrations

# An installation that makes its roles by hand may not have this one yet: nothing changes there then.
FORWARD = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'crm_ledger')
       AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'crm_app')
       AND current_user <> 'crm_app' THEN
        IF pg_has_role('crm_app', 'crm_ledger', 'usage') THEN
            GRANT SELECT, INSERT ON ledger_entry, ledger_delivery TO crm_ledger;
            GRANT USAGE, SELECT ON SEQUENCE ledger_entry_id_seq, ledger_delivery_id_seq TO crm_ledger;
            REVOKE INSERT ON ledger_entry FROM crm_app;
        END IF;
    END IF;
END $$;
"""
BACK = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'crm_app') AND current_user <> 'crm_app' THEN
        GRANT INSERT ON ledger_entry TO crm_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_insert_only")]

    operations = [migrations.RunSQL(sql=FORWARD, reverse_sql=BACK)]
