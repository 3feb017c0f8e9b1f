import uuid

from django.db import migrations, models

import governance.fields


class Migration(migrations.Migration):
    dependencies = [("credit", "0003_reason_code_length")]

    operations = [
        migrations.RemoveField(model_name="application", name="note"),
        migrations.AddField(
            model_name="application", name="seal_key", field=models.UUIDField(default=uuid.uuid4, editable=False)
        ),
        migrations.AddField(
            model_name="application",
            name="note",
            field=governance.fields.SealedTextField(
                blank=True,
                help_text="the underwriter's words: people write names into them",
                label="credit.application.note",
                null=True,
                editable=True,
            ),
        ),
    ]
