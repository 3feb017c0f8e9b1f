"""The tables of collections as they stood when its first four migrations were made one."""

import crm.lib.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import governance.fields
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from crm.lib.guards import insert_only


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ('collections', '0001_initial'),
        ('collections', '0002_promises'),
        ('collections', '0003_contact_policy'),
        ('collections', '0004_contact_policy_drafts'),
    ]

    dependencies = [
        ('ledger', '0002_insert_only'),
        ('credit', '0021_tables'),
        ('customers', '0010_tables'),
        ('governance', '0015_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('legal_entity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity')),
                ('branch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.team')),
                ('channel', models.CharField(choices=[('branch', 'Branch'), ('web', 'Web'), ('api', 'API'), ('partner', 'Partner'), ('import', 'File')], default='branch', max_length=8)),
                ('partner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.partner')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('public_id', crm.lib.fields.PublicIdField(prefix='K')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='customers.customer')),
                ('status', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed')], default='open', max_length=8)),
                ('close_reason', models.CharField(blank=True, choices=[('cured', 'Cured'), ('settled', 'Settled')], default='', max_length=12)),
                ('bucket', models.PositiveSmallIntegerField(default=0)),
                ('dpd', models.PositiveIntegerField(default=0, help_text='regulatory days past due of the latest loan')),
                ('overdue_amount', crm.lib.fields.MoneyField(default=Decimal('0.00'))),
                ('assigned_to', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('claimed_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('next_action', models.CharField(blank=True, choices=[('call', 'Call'), ('inbound', 'Inbound call'), ('sms', 'SMS'), ('email', 'E-mail'), ('letter', 'Letter'), ('visit', 'Field visit')], default='', max_length=8)),
                ('next_action_on', models.DateField(blank=True, null=True)),
                ('last_contact_at', models.DateTimeField(blank=True, null=True)),
                ('last_outcome', models.CharField(blank=True, choices=[('right_party', 'Right party reached'), ('no_answer', 'No answer'), ('busy', 'Busy'), ('wrong_number', 'Wrong number'), ('third_party', 'Third party'), ('refused', 'Refused to pay'), ('promise', 'Promise to pay'), ('dispute', 'Dispute'), ('hardship', 'Hardship'), ('deceased', 'Deceased'), ('complaint', 'Complaint'), ('callback', 'Asked to be called back'), ('sent', 'Sent'), ('returned', 'Came back undelivered'), ('not_met', 'Nobody met')], default='', max_length=12)),
                ('last_contact_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('moved_on', models.DateField(blank=True, help_text='moved to a graver bucket; none once somebody was in touch', null=True)),
                ('broken_on', models.DateField(blank=True, help_text='a promise was broken; none once somebody was in touch', null=True)),
                ('opened_on', models.DateField()),
                ('closed_on', models.DateField(blank=True, null=True)),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['branch'], name='case_open_of_branch'), models.Index(condition=models.Q(('status', 'open')), fields=['assigned_to'], name='case_assigned'), models.Index(condition=models.Q(('claimed_by__isnull', False)), fields=['claimed_by'], name='case_held'), models.Index(condition=models.Q(('claimed_by__isnull', False)), fields=['claimed_until'], name='case_claim_ends'), models.Index(fields=['customer', '-id'], name='case_of_customer'), models.Index(fields=['branch', '-id'], name='case_of_branch'), models.Index(condition=models.Q(('status', 'open')), fields=['last_contact_by'], name='case_contacted_by')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('customer',), name='case_one_open_per_customer'), models.CheckConstraint(condition=models.Q(('status__in', ['open', 'closed'])), name='case_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('close_reason', ''), ('closed_on__isnull', True), ('status', 'open')), models.Q(('close_reason__in', ['cured', 'settled']), ('closed_on__isnull', False), ('status', 'closed')), _connector='OR'), name='case_closed_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('claimed_at__isnull', True), ('claimed_by__isnull', True), ('claimed_until__isnull', True)), models.Q(('claimed_at__isnull', False), ('claimed_by__isnull', False), ('claimed_until__isnull', False)), _connector='OR'), name='case_claim_is_whole'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'closed'), _negated=True), ('claimed_by__isnull', True), _connector='OR'), name='case_closed_is_free'), models.CheckConstraint(condition=models.Q(('bucket__gte', 0), ('bucket__lte', 7)), name='case_bucket_known'), models.CheckConstraint(condition=models.Q(('overdue_amount__gte', 0)), name='case_amount_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='PolicyDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='KD')),
                ('title', models.CharField(max_length=80)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('proposed', 'Waits for a second person'), ('live', 'In force'), ('dropped', 'Dropped')], default='draft', max_length=8)),
                ('values', models.JSONField()),
                ('since', models.DateField()),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'proposed', 'live', 'dropped'])), name='policy_draft_status_known')],
            },
        ),
        migrations.CreateModel(
            name='CaseDebt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='debts', to='collections.case')),
                ('loan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='credit.loan')),
                ('overdue_amount', crm.lib.fields.MoneyField(default=Decimal('0.00'))),
                ('dpd', models.PositiveIntegerField(default=0)),
                ('bucket', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('case', 'loan'), name='case_debt_once'), models.CheckConstraint(condition=models.Q(('overdue_amount__gte', 0)), name='case_debt_not_negative'), models.CheckConstraint(condition=models.Q(('bucket__gte', 0), ('bucket__lte', 7)), name='case_debt_bucket_known')],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seal_key', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('public_id', crm.lib.fields.PublicIdField(prefix='N')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='collections.case')),
                ('channel', models.CharField(choices=[('call', 'Call'), ('inbound', 'Inbound call'), ('sms', 'SMS'), ('email', 'E-mail'), ('letter', 'Letter'), ('visit', 'Field visit')], max_length=8)),
                ('outcome', models.CharField(choices=[('right_party', 'Right party reached'), ('no_answer', 'No answer'), ('busy', 'Busy'), ('wrong_number', 'Wrong number'), ('third_party', 'Third party'), ('refused', 'Refused to pay'), ('promise', 'Promise to pay'), ('dispute', 'Dispute'), ('hardship', 'Hardship'), ('deceased', 'Deceased'), ('complaint', 'Complaint'), ('callback', 'Asked to be called back'), ('sent', 'Sent'), ('returned', 'Came back undelivered'), ('not_met', 'Nobody met')], max_length=12)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('note', governance.fields.SealedTextField(blank=True, editable=True, label='collections.contact.note', null=True)),
                ('next_action', models.CharField(choices=[('call', 'Call'), ('inbound', 'Inbound call'), ('sms', 'SMS'), ('email', 'E-mail'), ('letter', 'Letter'), ('visit', 'Field visit')], max_length=8)),
                ('next_action_on', models.DateField()),
                ('attempt', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.contactattempt')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['case', '-at'], name='contact_of_case'), models.Index(fields=['actor', '-at'], name='contact_of_actor')],
                'constraints': [models.CheckConstraint(condition=models.Q(('channel__in', ['call', 'inbound', 'sms', 'email', 'letter', 'visit'])), name='contact_channel_known'), models.CheckConstraint(condition=models.Q(('next_action__in', ['call', 'inbound', 'sms', 'email', 'letter', 'visit'])), name='contact_next_action_known'), models.CheckConstraint(condition=models.Q(('outcome__in', ['right_party', 'no_answer', 'busy', 'wrong_number', 'third_party', 'refused', 'promise', 'dispute', 'hardship', 'deceased', 'complaint', 'callback', 'sent', 'returned', 'not_met'])), name='contact_outcome_known')],
            },
        ),
        migrations.CreateModel(
            name='PolicyReplay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='KR')),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='collections.policydraft')),
                ('legal_entity', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.job')),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('values', models.JSONField()),
                ('result', models.JSONField(null=True)),
                ('made_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('until__gte', models.F('since'))), name='policy_replay_ends_later')],
            },
        ),
        migrations.CreateModel(
            name='RightPartyCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='checks', to='collections.case')),
                ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('result', models.CharField(choices=[('passed', 'Person confirmed'), ('failed', 'Answers do not match'), ('third_party', 'Somebody else')], max_length=11)),
                ('asked', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), default=list, size=None)),
                ('at', models.DateTimeField()),
                ('until', models.DateTimeField(help_text='how long a passed check holds', null=True)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['case', 'actor', '-at'], name='check_of_case')],
                'constraints': [models.CheckConstraint(condition=models.Q(('result__in', ['passed', 'failed', 'third_party'])), name='check_result_known'), models.CheckConstraint(condition=models.Q(models.Q(('result', 'passed'), ('until__isnull', False)), models.Q(models.Q(('result', 'passed'), _negated=True), ('until__isnull', True)), _connector='OR'), name='check_passed_ends')],
            },
        ),
        migrations.CreateModel(
            name='Skip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='skips', to='collections.case')),
                ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reason', models.CharField(choices=[('hours', 'Not a good time to call'), ('language', 'Needs another language'), ('known', 'I know this person'), ('waiting', 'Waits for somebody else in the house'), ('another', 'A more urgent case came up')], max_length=8)),
                ('at', models.DateTimeField()),
                ('until', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['actor', 'case', 'until'], name='skip_of_actor')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reason__in', ['hours', 'language', 'known', 'waiting', 'another'])), name='skip_reason_known'), models.CheckConstraint(condition=models.Q(('until__gt', models.F('at'))), name='skip_ends')],
            },
        ),
        migrations.CreateModel(
            name='Promise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='Y')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='promises', to='collections.case')),
                ('contact', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='promise', to='collections.contact')),
                ('status', models.CharField(choices=[('open', 'Open'), ('partial', 'Part-paid'), ('kept', 'Kept'), ('broken', 'Broken'), ('replaced', 'Replaced'), ('cancelled', 'Cancelled')], default='open', max_length=9)),
                ('amount', crm.lib.fields.MoneyField()),
                ('paid_amount', crm.lib.fields.MoneyField(default=Decimal('0.00'), help_text='counted at the last judgement')),
                ('first_due_on', models.DateField()),
                ('last_due_on', models.DateField()),
                ('grace_days', models.PositiveSmallIntegerField()),
                ('tolerance', models.DecimalField(decimal_places=2, help_text='CNY that may lack', max_digits=14)),
                ('counts_after', models.BigIntegerField(help_text='last transaction known when it was taken')),
                ('channel', models.CharField(choices=[('call', 'Call'), ('inbound', 'Inbound call'), ('sms', 'SMS'), ('email', 'E-mail'), ('letter', 'Letter'), ('visit', 'Field visit')], max_length=8)),
                ('taken_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('taken_at', models.DateTimeField()),
                ('taken_on', models.DateField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_on', models.DateField(blank=True, help_text='business date it was kept, broken, replaced or cancelled on', null=True)),
                ('cancel_reason', models.CharField(blank=True, choices=[('nothing_owed', 'Nothing is overdue any more'), ('mistake', 'Entered by mistake'), ('withdrawn', 'The customer took it back')], default='', max_length=12)),
                ('replaces', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='collections.promise')),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['case', '-id'], name='promise_of_case'), models.Index(condition=models.Q(('status__in', ('open', 'partial'))), fields=['last_due_on'], name='promise_running_due'), models.Index(condition=models.Q(('ended_on__isnull', False)), fields=['ended_on'], name='promise_ended'), models.Index(fields=['taken_by', '-id'], name='promise_of_taker')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('open', 'partial'))), fields=('case',), name='promise_one_running_per_case'), models.CheckConstraint(condition=models.Q(('status__in', ['open', 'partial', 'kept', 'broken', 'replaced', 'cancelled'])), name='promise_status_known'), models.CheckConstraint(condition=models.Q(('amount__gt', models.F('tolerance')), ('last_due_on__gte', models.F('first_due_on')), ('paid_amount__gte', 0), ('tolerance__gte', 0)), name='promise_of_something'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_on__isnull', True), ('status__in', ('open', 'partial'))), models.Q(models.Q(('status__in', ('open', 'partial')), _negated=True), ('ended_at__isnull', False), ('ended_on__isnull', False)), _connector='OR'), name='promise_ended_says_when'), models.CheckConstraint(condition=models.Q(models.Q(models.Q(('status', 'cancelled'), _negated=True), ('cancel_reason', '')), models.Q(('cancel_reason__in', ['nothing_owed', 'mistake', 'withdrawn']), ('status', 'cancelled')), _connector='OR'), name='promise_cancelled_says_why')],
            },
        ),
        migrations.CreateModel(
            name='PromisePart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('promise', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='collections.promise')),
                ('seq', models.PositiveSmallIntegerField()),
                ('due_on', models.DateField()),
                ('amount', crm.lib.fields.MoneyField()),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['due_on'], name='promise_part_due')],
                'constraints': [models.UniqueConstraint(fields=('promise', 'seq'), name='promise_part_once'), models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='promise_part_of_something')],
            },
        ),
        insert_only("collections_promisepart"),
        insert_only("collections_rightpartycheck"),
        insert_only("collections_skip"),
    ]
