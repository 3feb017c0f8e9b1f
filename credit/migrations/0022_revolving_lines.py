"""Revolving lines: what a line keeps beside its loan, and the movements only lines have."""

import crm.lib.fields
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models


# As before; beside it: the limit of a line is no money that moved.
BALANCED = """
CREATE OR REPLACE FUNCTION credit_movement_balances() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):

    dependencies = [
        ('credit', '0021_gaps'),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('next_statement_on', models.DateField()),
                ('frozen_on', models.DateField(blank=True, null=True)),
                ('freeze_days', models.PositiveSmallIntegerField()),
                ('accrued', models.DecimalField(decimal_places=8, max_digits=24)),
                ('counted_to', models.DateField()),
                ('earning', crm.lib.fields.MoneyField()),
                ('ahead', crm.lib.fields.MoneyField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='loan',
            name='loan_balances_not_negative',
        ),
        migrations.RemoveConstraint(
            model_name='loan',
            name='loan_undrawn_within',
        ),
        migrations.RemoveConstraint(
            model_name='transaction',
            name='transaction_moves_money',
        ),
        migrations.RemoveConstraint(
            model_name='transaction',
            name='transaction_kind_known',
        ),
        migrations.AddField(
            model_name='loan',
            name='revolving',
            field=models.BooleanField(db_default=False, default=False, help_text='a revolving line: `principal` is its limit'),
        ),
        migrations.AlterField(
            model_name='transaction',
            name='kind',
            field=models.CharField(choices=[('disbursement', 'Disbursement'), ('repayment', 'Repayment'), ('reversal', 'Reversal'), ('reallocation', 'Reallocation of what came later'), ('refund', 'Refund'), ('prepayment', 'Partial prepayment'), ('charge', 'Charge'), ('waiver', 'Waiver'), ('reschedule', 'New schedule'), ('restructure', 'Restructuring'), ('acceleration', 'Acceleration'), ('charge_off', 'Charge-off'), ('write_off', 'Write-off'), ('recovery', 'Recovery'), ('cancellation', 'Cancellation in the cooling-off period'), ('relief', 'Hardship relief'), ('death', 'Death of the customer'), ('sale', 'Sale of the loan'), ('draw', 'Draw'), ('limit', 'Limit of the line'), ('freeze', 'Line frozen'), ('unfreeze', 'Line given free'), ('closure', 'Line closed')], max_length=14),
        ),
        migrations.AddConstraint(
            model_name='loan',
            constraint=models.CheckConstraint(condition=models.Q(('overpayment__gte', 0), ('principal_outstanding__gte', 0), models.Q(('revolving', True), ('principal_outstanding__lte', django.db.models.expressions.CombinedExpression(models.F('principal'), '+', models.F('capitalised'))), _connector='OR')), name='loan_balances_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='loan',
            constraint=models.CheckConstraint(condition=models.Q(('undrawn__gte', 0), models.Q(('undrawn__lt', models.F('principal')), models.Q(('revolving', True), ('undrawn', models.F('principal'))), _connector='OR')), name='loan_undrawn_within'),
        ),
        migrations.AddConstraint(
            model_name='transaction',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), models.Q(('amount', 0), ('kind__in', ['reschedule', 'restructure', 'acceleration', 'charge_off', 'write_off', 'reversal', 'relief', 'death', 'freeze', 'unfreeze', 'closure'])), _connector='OR'), name='transaction_moves_money'),
        ),
        migrations.AddConstraint(
            model_name='transaction',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['disbursement', 'repayment', 'reversal', 'reallocation', 'refund', 'prepayment', 'charge', 'waiver', 'reschedule', 'restructure', 'acceleration', 'charge_off', 'write_off', 'recovery', 'cancellation', 'relief', 'death', 'sale', 'draw', 'limit', 'freeze', 'unfreeze', 'closure'])), name='transaction_kind_known'),
        ),
        migrations.AddField(
            model_name='creditline',
            name='loan',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='line', to='credit.loan'),
        ),
        migrations.RunSQL(sql=BALANCED, reverse_sql=migrations.RunSQL.noop),
    ]
