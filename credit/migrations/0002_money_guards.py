"""Money rows are insert-only, and every movement is posted in balance; the rows a close of day rewrites leave room for it."""

from django.db import migrations

from crm.lib.guards import insert_only

BALANCED = """
CREATE FUNCTION credit_movement_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE movement bigint; total numeric; debit numeric; moved numeric;
BEGIN
    movement := CASE TG_TABLE_NAME WHEN 'credit_transaction' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'transaction_id')::bigint END;
    SELECT coalesce(sum(amount), 0), coalesce(sum(amount) FILTER (WHERE amount > 0), 0) INTO total, debit
    FROM credit_posting WHERE transaction_id = movement;
    SELECT amount INTO moved FROM credit_transaction WHERE id = movement;
    IF total <> 0 OR debit <> moved THEN
        RAISE EXCEPTION 'transaction % is not balanced: postings sum to %, debits to % of %', movement, total, debit, moved
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_balances AFTER INSERT ON credit_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_movement_balances();
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON credit_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_movement_balances();
"""
UNBALANCED = """
DROP TRIGGER posting_balances ON credit_posting;
DROP TRIGGER transaction_balances ON credit_transaction;
DROP FUNCTION credit_movement_balances();
"""

# The close of day rewrites unindexed columns of every open loan: with room on the page such an update touches no index.
ROOM = "ALTER TABLE credit_loan SET (fillfactor = 70); ALTER TABLE credit_installment SET (fillfactor = 85);"
NO_ROOM = "ALTER TABLE credit_loan RESET (fillfactor); ALTER TABLE credit_installment RESET (fillfactor);"


class Migration(migrations.Migration):
    dependencies = [("credit", "0001_initial"), ("ledger", "0002_insert_only")]

    operations = [
        migrations.RunSQL(sql=BALANCED, reverse_sql=UNBALANCED),
        insert_only("credit_transaction"),
        insert_only("credit_posting"),
        migrations.RunSQL(sql=ROOM, reverse_sql=NO_ROOM),
    ]
