"""What is written once in risk: released versions say what they said, decisions and histories are insert-only."""

from django.db import migrations

from crm.lib.guards import insert_only

MODEL = """
CREATE FUNCTION refuse_change_of_released_model() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := '{status,tier,validator_id,validated_at,approver_id,approved_at,live_at,retired_at,proof,review_due,fairness_reason,'
                || 'retirement_reason}';
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status <> 'draft' AND to_jsonb(NEW) - free = to_jsonb(OLD) - free
       AND (OLD.validator_id IS NULL OR (OLD.validator_id, OLD.validated_at) IS NOT DISTINCT FROM (NEW.validator_id, NEW.validated_at))
       AND (OLD.approver_id IS NULL OR (OLD.approver_id, OLD.approved_at, OLD.proof, OLD.fairness_reason)
            IS NOT DISTINCT FROM (NEW.approver_id, NEW.approved_at, NEW.proof, NEW.fairness_reason)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% % is released: % refused', TG_TABLE_NAME, OLD.id, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER risk_scorecardversion_frozen BEFORE UPDATE OR DELETE ON risk_scorecardversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_released_model();
"""
STRATEGY = """
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
CREATE TRIGGER risk_strategyversion_frozen BEFORE UPDATE OR DELETE ON risk_strategyversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_strategy_version();
"""
NO_TRUNCATE = """
CREATE TRIGGER risk_scorecardversion_no_truncate BEFORE TRUNCATE ON risk_scorecardversion
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER risk_strategyversion_no_truncate BEFORE TRUNCATE ON risk_strategyversion
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACK = """
DROP TRIGGER risk_scorecardversion_no_truncate ON risk_scorecardversion;
DROP TRIGGER risk_strategyversion_no_truncate ON risk_strategyversion;
DROP TRIGGER risk_scorecardversion_frozen ON risk_scorecardversion;
DROP TRIGGER risk_strategyversion_frozen ON risk_strategyversion;
DROP FUNCTION refuse_change_of_released_model();
DROP FUNCTION refuse_change_of_strategy_version();
"""


class Migration(migrations.Migration):
    replaces = [("risk", "0013_lists")]

    dependencies = [("risk", "0012_tables"), ("ledger", "0002_insert_only")]

    operations = [
        migrations.RunSQL(sql=MODEL + STRATEGY + NO_TRUNCATE, reverse_sql=BACK),
        insert_only("risk_decision"),
        insert_only("risk_modelact"),
        insert_only("risk_strategynote"),
        insert_only("risk_behaviourscore"),
        insert_only("risk_shadowdecision"),
    ]
