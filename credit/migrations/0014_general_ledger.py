"""The general ledger: accounts, journals in sums, months. The database sets which business date a movement is entered in, refuses
one in a closed month, and a journal that does not sum to zero.
"""

import crm.lib.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from crm.lib.guards import insert_only


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
BALANCED = """
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
UNBALANCED = """
DROP TRIGGER journalline_balances ON credit_journalline;
DROP TRIGGER journal_balances ON credit_journal;
DROP FUNCTION credit_journal_balances();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("credit", "0013_servicing"),
        ('governance', '0013_read_role'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountingPeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField()),
                ('status', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed')], default='open', max_length=6)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AccountMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product_code', models.CharField(blank=True, default='', max_length=20)),
                ('purpose', models.CharField(max_length=20)),
                ('effective_from', models.DateField()),
                ('added_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='BookDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_date', models.DateField()),
                ('journals', models.PositiveIntegerField(default=0)),
                ('posted_at', models.DateTimeField()),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('differences', models.PositiveIntegerField(blank=True, null=True)),
                ('milliseconds', models.PositiveIntegerField(blank=True, null=True)),
                ('findings', models.JSONField(default=list)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='GLAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='GA')),
                ('code', models.CharField(max_length=12)),
                ('name_en', models.CharField(max_length=120)),
                ('name_zh', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('asset', 'Asset'), ('liability', 'Liability'), ('income', 'Income'), ('expense', 'Expense'), ('off_balance', 'Off balance sheet')], max_length=11)),
                ('added_at', models.DateTimeField()),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Journal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='GJ')),
                ('product_code', models.CharField(max_length=20)),
                ('business_date', models.DateField()),
                ('source', models.CharField(choices=[('opening', 'Opening balance'), ('postings', 'Movements of money'), ('accrual', 'Accrual of the day'), ('transfer', 'Transfer to another account'), ('taken_over', 'Movements of a book taken over'), ('taken_accrual', 'Accrual of a book taken over')], max_length=13)),
                ('movements', models.PositiveIntegerField(default=0)),
                ('posted_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='JournalLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=20)),
                ('amount', crm.lib.fields.MoneyField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='transaction',
            name='booked_on',
            field=models.DateField(editable=False, help_text='the business date whose journal sums it; set by the database', null=True),
        ),
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(fields=['booked_on'], name='transaction_booked'),
        ),
        migrations.AddField(
            model_name='accountingperiod',
            name='closed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='accountingperiod',
            name='legal_entity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='accountmapping',
            name='legal_entity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='bookday',
            name='legal_entity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='glaccount',
            name='legal_entity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='accountmapping',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='credit.glaccount'),
        ),
        migrations.AddField(
            model_name='journal',
            name='legal_entity',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='journalline',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='credit.glaccount'),
        ),
        migrations.AddField(
            model_name='journalline',
            name='journal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='credit.journal'),
        ),
        migrations.AddConstraint(
            model_name='accountingperiod',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'month'), name='accountingperiod_once'),
        ),
        migrations.AddConstraint(
            model_name='accountingperiod',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'closed'])), name='accountingperiod_status_known'),
        ),
        migrations.AddConstraint(
            model_name='accountingperiod',
            constraint=models.CheckConstraint(condition=models.Q(('month__day', 1)), name='accountingperiod_is_a_month'),
        ),
        migrations.AddConstraint(
            model_name='bookday',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'business_date'), name='bookday_once'),
        ),
        migrations.AddConstraint(
            model_name='glaccount',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'code'), name='glaccount_code_once'),
        ),
        migrations.AddConstraint(
            model_name='glaccount',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['asset', 'liability', 'income', 'expense', 'off_balance'])), name='glaccount_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='accountmapping',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'product_code', 'purpose', 'effective_from'), name='accountmapping_once'),
        ),
        migrations.AddConstraint(
            model_name='journal',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'business_date', 'product_code', 'source'), name='journal_once'),
        ),
        migrations.AddConstraint(
            model_name='journal',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['opening', 'postings', 'accrual', 'transfer', 'taken_over', 'taken_accrual'])), name='journal_source_known'),
        ),
        migrations.AddConstraint(
            model_name='journalline',
            constraint=models.UniqueConstraint(fields=('journal', 'purpose', 'account'), name='journalline_once'),
        ),
        migrations.AddConstraint(
            model_name='journalline',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='journalline_of_something'),
        ),
        migrations.RunSQL(sql=ENTERS, reverse_sql=LEAVES),
        migrations.RunSQL(sql=BALANCED, reverse_sql=UNBALANCED),
        insert_only("credit_accountmapping"),
        insert_only("credit_journal"),
        insert_only("credit_journalline"),
    ]
