"""What a model says is frozen once it left draft; who answers for it is written once. Its history and its data sets' files stay."""

from django.db import migrations

from crm.lib.guards import insert_only

FROZEN = """
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
DROP TRIGGER risk_scorecardversion_frozen ON risk_scorecardversion;
CREATE TRIGGER risk_scorecardversion_frozen BEFORE UPDATE OR DELETE ON risk_scorecardversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_released_model();
"""
BACK = """
DROP TRIGGER risk_scorecardversion_frozen ON risk_scorecardversion;
CREATE TRIGGER risk_scorecardversion_frozen BEFORE UPDATE OR DELETE ON risk_scorecardversion
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_released_version();
DROP FUNCTION refuse_change_of_released_model();
"""


class Migration(migrations.Migration):
    dependencies = [("risk", "0003_model_desk"), ("ledger", "0002_insert_only")]

    operations = [migrations.RunSQL(sql=FROZEN, reverse_sql=BACK), insert_only("risk_modelact")]
