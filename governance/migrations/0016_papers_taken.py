"""A paper taken out of the house stands among the files taken: it has a serial and no job."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('governance', '0015_second_factor'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='export',
            name='export_purpose_known',
        ),
        migrations.AddField(
            model_name='export',
            name='subject',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AlterField(
            model_name='export',
            name='job',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='export', to='governance.job'),
        ),
        migrations.AlterField(
            model_name='export',
            name='purpose',
            field=models.CharField(choices=[('work', 'Working through the rows'), ('report', 'Report or statistics'), ('control', 'Audit or control'), ('authority', 'Request of an authority'), ('customer', 'Request of the customer'), ('books', 'Bookkeeping')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('purpose__in', ['work', 'report', 'control', 'authority', 'customer', 'books'])), name='export_purpose_known'),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('job__isnull', False), models.Q(('subject', ''), _negated=True), _connector='OR'), name='export_list_has_job'),
        ),
    ]
