"""Money in suspense, provisions and journals by hand in the general ledger; spans of days late and what loans came into and left."""

import crm.lib.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from crm.lib.guards import insert_only

ENTERS = """
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
LEAVES = """
DROP TRIGGER manual_journal_in_open_month ON credit_journal;
DROP FUNCTION credit_manual_journal_in_open_month();
DROP TRIGGER suspense_enters_books ON credit_suspensemove;
DROP FUNCTION credit_suspense_enters_books();
"""
# What waited before there was a place for it in the books enters with the next close.
WAITING = """
INSERT INTO credit_suspensemove (receipt_id, amount, at)
SELECT id, amount, entered_at FROM credit_receipt WHERE status IN ('unmatched', 'proposed') ORDER BY id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("credit", "0017_loan_documents"),
        ('governance', '0014_person_keys'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DelinquencyRanges',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('product_code', models.CharField(max_length=20)),
                ('effective_from', models.DateField()),
                ('ranges', models.JSONField(blank=True, default=list, help_text='[[name, first day, last day or null], …]')),
                ('added_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ManualJournal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('correction', 'Correction of an error'), ('adjustment', "Adjustment at a month's end"), ('expense', 'Cost or income outside the loans'), ('audit', 'Asked for by the auditors'), ('reversal', 'Taking back another journal')], max_length=10)),
                ('document', models.CharField(max_length=60)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RangeMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('business_date', models.DateField()),
                ('was', models.CharField(blank=True, max_length=20)),
                ('now', models.CharField(blank=True, max_length=20)),
                ('treatment_dpd', models.PositiveIntegerField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SuspenseMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', crm.lib.fields.MoneyField()),
                ('booked_on', models.DateField(editable=False, help_text='set by the database', null=True)),
                ('at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='journal',
            name='journal_once',
        ),
        migrations.RemoveConstraint(
            model_name='journal',
            name='journal_source_known',
        ),
        migrations.AddField(
            model_name='journal',
            name='serial',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='loan',
            name='delinquency_range',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AlterField(
            model_name='journal',
            name='source',
            field=models.CharField(choices=[('opening', 'Opening balance'), ('postings', 'Movements of money'), ('accrual', 'Accrual of the day'), ('transfer', 'Transfer to another account'), ('taken_over', 'Movements of a book taken over'), ('taken_accrual', 'Accrual of a book taken over'), ('suspense', 'Money to be identified'), ('provision', 'Change of the allowance for losses'), ('manual', 'Written by hand')], max_length=13),
        ),
        migrations.AddConstraint(
            model_name='journal',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'business_date', 'product_code', 'source', 'serial'), name='journal_once'),
        ),
        migrations.AddConstraint(
            model_name='journal',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['opening', 'postings', 'accrual', 'transfer', 'taken_over', 'taken_accrual', 'suspense', 'provision', 'manual'])), name='journal_source_known'),
        ),
        migrations.AddField(
            model_name='delinquencyranges',
            name='added_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='delinquencyranges',
            name='legal_entity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity'),
        ),
        migrations.AddField(
            model_name='manualjournal',
            name='confirmed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='manualjournal',
            name='journal',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='manual', to='credit.journal'),
        ),
        migrations.AddField(
            model_name='manualjournal',
            name='made_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='manualjournal',
            name='reverses',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='credit.journal'),
        ),
        migrations.AddField(
            model_name='rangemove',
            name='loan',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='range_moves', to='credit.loan'),
        ),
        migrations.AddField(
            model_name='suspensemove',
            name='receipt',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suspense_moves', to='credit.receipt'),
        ),
        migrations.AddConstraint(
            model_name='delinquencyranges',
            constraint=models.UniqueConstraint(fields=('legal_entity', 'product_code', 'effective_from'), name='delinquency_ranges_once'),
        ),
        migrations.AddConstraint(
            model_name='manualjournal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason__in', ['correction', 'adjustment', 'expense', 'audit']), ('reverses__isnull', True)), models.Q(('reason', 'reversal'), ('reverses__isnull', False)), _connector='OR'), name='manual_journal_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='rangemove',
            constraint=models.CheckConstraint(condition=models.Q(('was', models.F('now')), _negated=True), name='range_move_moves'),
        ),
        migrations.AddIndex(
            model_name='suspensemove',
            index=models.Index(fields=['booked_on'], name='suspense_move_booked'),
        ),
        migrations.AddConstraint(
            model_name='suspensemove',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='suspense_move_of_something'),
        ),
        migrations.RunSQL(sql=ENTERS, reverse_sql=LEAVES),
        migrations.RunSQL(sql=WAITING, reverse_sql=migrations.RunSQL.noop),
        insert_only("credit_suspensemove"),
        insert_only("credit_manualjournal"),
        insert_only("credit_rangemove"),
        insert_only("credit_delinquencyranges"),
    ]
