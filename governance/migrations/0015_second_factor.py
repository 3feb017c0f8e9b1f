"""A role says itself whether its holders need a second factor; the rule that named such roles ends."""

from django.conf import settings
from django.db import migrations, models
from django.utils.timezone import localdate

CODE = "sign_in.second_factor_roles"


def take_over(apps, schema_editor):
    Rule, Role, ChangeRequest = (apps.get_model("governance", name) for name in ("Rule", "Role", "ChangeRequest"))
    rule = Rule.objects.filter(code=CODE, effective_from__lte=localdate()).order_by("-effective_from").first()
    codes = rule.value if rule else ["admin"] if settings.PRODUCTION else []
    Role.objects.filter(code__in=codes).update(second_factor=True)
    Rule.objects.filter(code=CODE, effective_to__isnull=True, effective_from__lt=localdate()).update(effective_to=localdate())
    for change in ChangeRequest.objects.filter(kind="governance.role", status="open"):
        needed = change.subject in codes
        if change.before:
            change.before["second_factor"] = needed
        change.after["second_factor"] = needed
        change.save(update_fields=["before", "after"])


class Migration(migrations.Migration):
    dependencies = [("governance", "0014_person_keys")]

    operations = [
        migrations.AddField(
            model_name="role",
            name="second_factor",
            field=models.BooleanField(
                db_default=False, default=False, help_text="a holder without an app or passkey reaches their account page alone"
            ),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
