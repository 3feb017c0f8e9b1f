"""The application may have the planner look at the tables anew: only their owner may ANALYZE, and right MAINTAIN would allow locks too."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refresh_statistics() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE one record; seen integer := 0;
BEGIN
    FOR one IN
        SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname = 'public' AND pg_relation_size(c.oid) > 0 AND pg_has_role(c.relowner, 'USAGE')
        ORDER BY c.oid
    LOOP
        EXECUTE format('ANALYZE %I.%I', one.nspname, one.relname);
        seen := seen + 1;
    END LOOP;
    RETURN seen;
END $$;
REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'crm_app') THEN GRANT EXECUTE ON FUNCTION refresh_statistics() TO crm_app; END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0016_read_role")]

    operations = [migrations.RunSQL(sql=FORWARD, reverse_sql="DROP FUNCTION refresh_statistics()")]
