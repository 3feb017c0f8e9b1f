import crm.lib.fields
import django.db.models.deletion
import governance.fields
import uuid
from django.conf import settings
from django.db import migrations, models

from crm.lib.guards import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ("customers", "0009_loan_doors"),
        ('ledger', '0002_insert_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='contactattempt',
            name='open_until',
            field=models.DateTimeField(blank=True, help_text='a call under way; none once its end is told', null=True),
        ),
        migrations.AddField(
            model_name='contactattempt',
            name='relation',
            field=models.ForeignKey(blank=True, db_index=False, help_text='who answers for the debt beside the customer; counted by themselves', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.relation'),
        ),
        migrations.CreateModel(
            name='AgreedWindow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seal_key', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('public_id', crm.lib.fields.PublicIdField(prefix='AW')),
                ('kind', models.CharField(choices=[('agreed', 'May be contacted'), ('left_out', 'Not to be contacted')], max_length=8)),
                ('opens', models.TimeField()),
                ('closes', models.TimeField()),
                ('since', models.DateField()),
                ('until', models.DateField(blank=True, null=True)),
                ('source', models.CharField(choices=[('recording', 'Recorded call'), ('message', 'Message from the customer'), ('letter', 'Letter from the customer'), ('form', 'Signed form')], max_length=10)),
                ('evidence', governance.fields.SealedTextField(editable=True, label='customers.agreedwindow.evidence')),
                ('made_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='agreed_windows', to='customers.customer')),
                ('ended_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['customer'], name='agreed_window_of_customer')],
                'constraints': [models.CheckConstraint(condition=models.Q(('closes__gt', models.F('opens'))), name='agreed_window_has_hours'), models.CheckConstraint(condition=models.Q(('until__isnull', True), ('until__gte', models.F('since')), _connector='OR'), name='agreed_window_ends_later'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by__isnull', True)), models.Q(('ended_at__isnull', False), ('ended_by__isnull', False)), _connector='OR'), name='agreed_window_end_is_whole')],
            },
        ),
        migrations.CreateModel(
            name='BarredNumber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number_key', models.CharField(max_length=64)),
                ('since', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(null=True)),
                ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(db_index=False, help_text='in whose file it was found', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('lifted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('number_key',), name='barred_number_once'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at__isnull', True), ('lifted_by__isnull', True)), models.Q(('lifted_at__isnull', False), ('lifted_by__isnull', False)), _connector='OR'), name='barred_number_end_is_whole')],
            },
        ),
        migrations.CreateModel(
            name='ContactVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('party', models.CharField(choices=[('debtor', 'Debtor'), ('guarantor', 'Guarantor'), ('co_borrower', 'Co-borrower'), ('third', 'Third party')], default='debtor', max_length=12)),
                ('channel', models.CharField(choices=[('call', 'Call'), ('sms', 'SMS'), ('email', 'E-mail'), ('letter', 'Letter'), ('visit', 'Field visit')], max_length=8)),
                ('purpose', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('verdict', models.CharField(choices=[('allow', 'Allowed'), ('wait', 'Later'), ('block', 'Refused')], max_length=5)),
                ('rule', models.CharField(blank=True, max_length=60)),
                ('opens_at', models.DateTimeField(null=True)),
                ('pack', models.CharField(max_length=20)),
                ('inputs', models.JSONField(default=dict)),
                ('subject', models.CharField(blank=True, max_length=40)),
                ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('attempt', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.contactattempt')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('relation', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.relation')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['customer', '-at'], name='contact_verdict_of_customer'), models.Index(condition=models.Q(('verdict', 'allow'), _negated=True), fields=['-at'], name='contact_verdict_refused')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('opens_at__isnull', True), ('rule', ''), ('verdict', 'allow')), models.Q(('opens_at__isnull', False), ('verdict', 'wait'), models.Q(('rule', ''), _negated=True)), models.Q(('opens_at__isnull', True), ('verdict', 'block'), models.Q(('rule', ''), _negated=True)), _connector='OR'), name='contact_verdict_is_whole')],
            },
        ),
        insert_only("customers_contactverdict"),
    ]
