"""Money rows are insert-only and posted in balance, nothing enters closed books, and the rows a close of day rewrites leave room for it."""

from django.db import migrations

from crm.lib.guards import insert_only

BALANCED = """
CREATE FUNCTION credit_movement_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE movement bigint; total numeric; debit numeric; plain numeric; moved numeric; what text; mirrored bigint;
BEGIN
    movement := CASE TG_TABLE_NAME WHEN 'credit_transaction' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'transaction_id')::bigint END;
    SELECT coalesce(sum(amount), 0), coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
        coalesce(sum(amount) FILTER (WHERE amount > 0 AND NOT (
            account = 'charged_off' OR account IN ('interest', 'fee', 'penalty') AND installment_id IS NULL
        )), 0)
    INTO total, debit, plain FROM credit_posting WHERE transaction_id = movement;
    SELECT amount, kind, reverses_id INTO moved, what, mirrored FROM credit_transaction WHERE id = movement;
    IF what NOT IN ('reversal', 'reallocation') THEN
        debit := plain;
    END IF;
    IF what = 'reversal' THEN
        SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0) INTO moved FROM credit_posting WHERE transaction_id = mirrored;
    ELSIF what IN ('charge', 'waiver', 'reschedule', 'acceleration', 'relief', 'death', 'limit') THEN
        moved := 0;
    ELSIF what = 'write_off' THEN
        moved := least(moved, debit);
    ELSIF what = 'sale' THEN  -- a loss on the price is a debit too
        moved := greatest(moved, debit);
    END IF;
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
ENTERS = """
CREATE FUNCTION credit_movement_enters_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entity bigint; open_on date;
BEGIN
    SELECT legal_entity_id INTO entity FROM credit_loan WHERE id = NEW.loan_id;
    -- shared: the close of a business date takes it alone, so that no movement enters a day whose journals are being written
    PERFORM pg_advisory_xact_lock_shared(7301, entity::int);
    IF NEW.booked_on IS NULL THEN
        SELECT business_date INTO open_on FROM governance_legalentity WHERE id = entity;
        NEW.booked_on := greatest(NEW.value_on, open_on);
    END IF;
    IF EXISTS (
        SELECT 1 FROM credit_accountingperiod
        WHERE legal_entity_id = entity AND status = 'closed' AND month = date_trunc('month', NEW.value_on)::date
    ) THEN
        RAISE EXCEPTION 'the books of % are closed', to_char(NEW.value_on, 'YYYY-MM')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_in_open_period';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transaction_enters_books BEFORE INSERT ON credit_transaction
    FOR EACH ROW EXECUTE FUNCTION credit_movement_enters_books();
"""
LEAVES = """
DROP TRIGGER transaction_enters_books ON credit_transaction;
DROP FUNCTION credit_movement_enters_books();
"""
JOURNALS = """
CREATE FUNCTION credit_journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE one bigint; total numeric; lines bigint;
BEGIN
    one := CASE TG_TABLE_NAME WHEN 'credit_journal' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'journal_id')::bigint END;
    SELECT coalesce(sum(amount), 0), count(*) INTO total, lines FROM credit_journalline WHERE journal_id = one;
    IF total <> 0 OR lines = 0 THEN
        RAISE EXCEPTION 'journal % is not balanced: % lines sum to %', one, lines, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON credit_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_journal_balances();
CREATE CONSTRAINT TRIGGER journalline_balances AFTER INSERT ON credit_journalline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_journal_balances();
"""
NO_JOURNALS = """
DROP TRIGGER journalline_balances ON credit_journalline;
DROP TRIGGER journal_balances ON credit_journal;
DROP FUNCTION credit_journal_balances();
"""
KEPT = """
CREATE FUNCTION credit_product_keeps_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE free text[] := ARRAY['live', 'sunset_on', 'released_at', 'retired_at', 'reviewed_at', 'reviewed_by_id', 'review', 'examples', 'papers'];
BEGIN
    IF OLD.released_at IS NOT NULL AND to_jsonb(OLD) - free <> to_jsonb(NEW) - free THEN
        RAISE EXCEPTION 'product version % was released: its terms are kept', OLD.public_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'product_keeps_terms';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER product_keeps_terms BEFORE UPDATE ON credit_product FOR EACH ROW EXECUTE FUNCTION credit_product_keeps_terms();
"""
NOT_KEPT = """
DROP TRIGGER product_keeps_terms ON credit_product;
DROP FUNCTION credit_product_keeps_terms();
"""
SUSPENSE = """
CREATE FUNCTION credit_suspense_enters_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entity bigint; came date; open_on date;
BEGIN
    SELECT legal_entity_id, received_on INTO entity, came FROM credit_receipt WHERE id = NEW.receipt_id;
    -- as a movement of money does: no step enters a day whose journals are being written
    PERFORM pg_advisory_xact_lock_shared(7301, entity::int);
    SELECT business_date INTO open_on FROM governance_legalentity WHERE id = entity;
    NEW.booked_on := greatest(NEW.booked_on, came, open_on);
    RETURN NEW;
END $$;
CREATE TRIGGER suspense_enters_books BEFORE INSERT ON credit_suspensemove
    FOR EACH ROW EXECUTE FUNCTION credit_suspense_enters_books();
CREATE FUNCTION credit_manual_journal_in_open_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM credit_accountingperiod
        WHERE legal_entity_id = NEW.legal_entity_id AND status = 'closed' AND month = date_trunc('month', NEW.business_date)::date
    ) THEN
        RAISE EXCEPTION 'the books of % are closed', to_char(NEW.business_date, 'YYYY-MM')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'manual_journal_in_open_month';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER manual_journal_in_open_month BEFORE INSERT ON credit_journal
    FOR EACH ROW WHEN (NEW.source = 'manual') EXECUTE FUNCTION credit_manual_journal_in_open_month();
"""
NO_SUSPENSE = """
DROP TRIGGER manual_journal_in_open_month ON credit_journal;
DROP FUNCTION credit_manual_journal_in_open_month();
DROP TRIGGER suspense_enters_books ON credit_suspensemove;
DROP FUNCTION credit_suspense_enters_books();
"""
# A close writes every open loan of a page in one transaction: only with room for a second version of each does no index notice.
ROOM = "ALTER TABLE credit_loan SET (fillfactor = 45); ALTER TABLE credit_installment SET (fillfactor = 85);"
NO_ROOM = "ALTER TABLE credit_loan RESET (fillfactor); ALTER TABLE credit_installment RESET (fillfactor);"


class Migration(migrations.Migration):
    replaces = [("credit", "0022_revolving_lines")]

    dependencies = [("credit", "0021_tables"), ("ledger", "0002_insert_only")]

    operations = [
        migrations.RunSQL(sql=BALANCED, reverse_sql=UNBALANCED),
        migrations.RunSQL(sql=ENTERS, reverse_sql=LEAVES),
        migrations.RunSQL(sql=JOURNALS, reverse_sql=NO_JOURNALS),
        migrations.RunSQL(sql=KEPT, reverse_sql=NOT_KEPT),
        migrations.RunSQL(sql=SUSPENSE, reverse_sql=NO_SUSPENSE),
        migrations.RunSQL(sql=ROOM, reverse_sql=NO_ROOM),
        insert_only("credit_transaction"),
        insert_only("credit_posting"),
        insert_only("credit_accountmapping"),
        insert_only("credit_journal"),
        insert_only("credit_journalline"),
        insert_only("credit_loansnapshot"),
        insert_only("credit_quote"),
        insert_only("credit_loandocument"),
        insert_only("credit_invoicedmovement"),
        insert_only("credit_suspensemove"),
        insert_only("credit_manualjournal"),
        insert_only("credit_rangemove"),
        insert_only("credit_delinquencyranges"),
        insert_only("credit_paymentshare"),
    ]
