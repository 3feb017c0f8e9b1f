import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("collections", "0002_promises"),
        ('customers', '0010_contact_policy'),
    ]

    operations = [
        migrations.AddField(
            model_name='contact',
            name='attempt',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.contactattempt'),
        ),
    ]
