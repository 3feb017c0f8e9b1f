"""Why somebody stands on a list, or stands there no more, lies sealed: people write names into reasons."""

import uuid

import governance.fields
from django.db import migrations, models
from django.db.models import Q


def seal(apps, schema_editor):
    entries = apps.get_model("risk", "ListEntry")
    for row in entries.objects.order_by("pk").iterator():
        row.seal_key = uuid.uuid4()
        row.reason, row.end_reason = row.open_reason, row.open_end_reason or None
        row.save(update_fields=["seal_key", "reason", "end_reason"])


class Migration(migrations.Migration):
    dependencies = [("risk", "0017_strategy_kind")]

    operations = [
        migrations.RemoveConstraint(model_name="listentry", name="list_entry_end_says_who_and_why"),
        migrations.RenameField(model_name="listentry", old_name="reason", new_name="open_reason"),
        migrations.RenameField(model_name="listentry", old_name="end_reason", new_name="open_end_reason"),
        migrations.AddField(model_name="listentry", name="seal_key", field=models.UUIDField(default=uuid.uuid4, editable=False)),
        migrations.AddField(
            model_name="listentry", name="reason", field=governance.fields.SealedTextField(editable=True, label="risk.listentry.reason", null=True)
        ),
        migrations.AddField(
            model_name="listentry",
            name="end_reason",
            field=governance.fields.SealedTextField(blank=True, editable=True, label="risk.listentry.end_reason", null=True),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="listentry", name="reason", field=governance.fields.SealedTextField(editable=True, label="risk.listentry.reason")
        ),
        migrations.RemoveField(model_name="listentry", name="open_reason"),
        migrations.RemoveField(model_name="listentry", name="open_end_reason"),
        migrations.AddConstraint(
            model_name="listentry",
            constraint=models.CheckConstraint(
                name="list_entry_end_says_who_and_why",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, end_reason__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False, end_reason__isnull=False),
            ),
        ),
    ]
