"""What a challenger would have decided is written once."""

from django.db import migrations

from crm.lib.guards import insert_only


class Migration(migrations.Migration):
    dependencies = [("risk", "0009_trials"), ("ledger", "0002_insert_only")]

    operations = [insert_only("risk_shadowdecision")]
