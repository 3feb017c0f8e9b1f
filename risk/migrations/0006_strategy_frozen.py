"""What a strategy version says is frozen once it left draft; from testing it may go back. Comments are insert-only."""

from django.db import migrations

from crm.lib.guards import insert_only

FROZEN = """
CREATE FUNCTION refuse_change_of_strategy_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE open text[] := '{status,live_at,retired_at,sent_by_id,sent_at,decided_by_id,decided_at,decision_note,evidence,release_at,released_by_id,release_reason}';
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.status <> 'draft' OR OLD.status = 'testing')
       AND to_jsonb(NEW) - open = to_jsonb(OLD) - open THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% % is released: % refused', TG_TABLE_NAME, OLD.id, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER risk_strategyversion_frozen ON risk_strategyversion;
CREATE TRIGGER risk_strategyversion_frozen BEFORE UPDATE OR DELETE ON risk_strategyversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_strategy_version();
"""
BACK = """
DROP TRIGGER risk_strategyversion_frozen ON risk_strategyversion;
CREATE TRIGGER risk_strategyversion_frozen BEFORE UPDATE OR DELETE ON risk_strategyversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_released_version();
DROP FUNCTION refuse_change_of_strategy_version();
"""


class Migration(migrations.Migration):
    dependencies = [("risk", "0005_strategy_life"), ("ledger", "0002_insert_only")]

    operations = [migrations.RunSQL(sql=FROZEN, reverse_sql=BACK), insert_only("risk_strategynote")]
