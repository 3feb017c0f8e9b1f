

import crm.lib.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('collections', "0003_contact_policy"),
        ('governance', '0016_papers_taken'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicyDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='KD')),
                ('title', models.CharField(max_length=80)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('proposed', 'Waits for a second person'), ('live', 'In force'), ('dropped', 'Dropped')], default='draft', max_length=8)),
                ('values', models.JSONField()),
                ('since', models.DateField()),
                ('made_at', models.DateTimeField()),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PolicyReplay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.lib.fields.PublicIdField(prefix='KR')),
                ('since', models.DateField()),
                ('until', models.DateField()),
                ('values', models.JSONField()),
                ('result', models.JSONField(null=True)),
                ('made_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='collections.policydraft')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.job')),
                ('legal_entity', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.legalentity')),
                ('made_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='policydraft',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'proposed', 'live', 'dropped'])), name='policy_draft_status_known'),
        ),
        migrations.AddConstraint(
            model_name='policyreplay',
            constraint=models.CheckConstraint(condition=models.Q(('until__gte', models.F('since'))), name='policy_replay_ends_later'),
        ),
    ]
