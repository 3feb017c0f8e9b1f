"""The role crm_read reads everything but what signs people and programs in."""

from django.db import migrations

SECRET = (
    "django_session", "governance_apiclient", "governance_invitation", "governance_datakey", "customers_onetimecode",
    "oauth2_provider_accesstoken", "oauth2_provider_refreshtoken", "oauth2_provider_grant", "oauth2_provider_idtoken",
)  # fmt: skip
FORWARD = """
DO $$ DECLARE secret text; columns text; BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'crm_read') OR current_user = 'crm_read' THEN RETURN; END IF;
    FOREACH secret IN ARRAY ARRAY[{tables}] LOOP
        IF to_regclass(secret) IS NOT NULL THEN EXECUTE format('REVOKE SELECT ON %I FROM crm_read', secret); END IF;
    END LOOP;
    SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'governance_user' AND column_name <> 'password';
    REVOKE SELECT ON governance_user FROM crm_read;
    EXECUTE format('GRANT SELECT (%s) ON governance_user TO crm_read', columns);
END $$;
""".format(tables=", ".join(f"'{name}'" for name in SECRET))


class Migration(migrations.Migration):
    replaces = [("governance", "0013_read_role")]

    dependencies = [
        ("governance", "0015_tables"),
        ("customers", "0010_tables"),
        ("sessions", "0001_initial"),
        ("oauth2_provider", "0001_initial"),
    ]

    operations = [migrations.RunSQL(sql=FORWARD, reverse_sql=migrations.RunSQL.noop)]
