from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("credit", "0006_desk_underwriting")]

    operations = [
        # Nothing makes a contract before this column is there, so the table is empty.
        migrations.AddField(model_name="contract", name="seal_key", field=models.UUIDField(editable=False)),
    ]
