"""`manage.py migrate` renders less than Django's own, and makes the same tables of it."""

import os
import subprocess
import sys
from typing import Any

import pytest
from psycopg2 import sql

from tests import databases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLAIN = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), skip_checks=True, verbosity=0)
"""
WAYS = {"ours": ["manage.py", "migrate", "--skip-checks", "--verbosity=0"], "djangos": ["-c", PLAIN]}
# What a database is made of, but for its rows; pg_get_* spells each out whole.
MADE = {
    "columns": """SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
        numeric_precision, numeric_scale, is_identity, is_generated, generation_expression FROM information_schema.columns""",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE prokind = 'f' AND pronamespace = 'public'::regnamespace",
    "tables": "SELECT relname, relkind, relrowsecurity, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "permissions": "SELECT app_label, model FROM django_content_type",
    "migrations": "SELECT app, name FROM django_migrations",
}
SCHEMAS = {"information_schema.columns": "table_schema", "pg_indexes": "schemaname"}


def made(name: str) -> dict[str, list[Any]]:
    found = {}
    with databases.superuser(name) as cursor:
        for what, query in MADE.items():
            query += next((f" WHERE {column} = 'public'" for table, column in SCHEMAS.items() if table in query), "")
            cursor.execute(query)
            found[what] = sorted(cursor.fetchall(), key=repr)
    return found


def test_the_tables_are_those_that_djangos_own_state_makes() -> None:
    found = {}
    for way, command in WAYS.items():
        name = databases.own_name(way)
        databases.drop(name)
        with databases.superuser() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER crm_owner").format(sql.Identifier(name)))
        urls = databases._urls(name) | {"CRM_DB_ROLE": "owner", "DJANGO_SETTINGS_MODULE": "crm.settings"}
        try:
            subprocess.run([sys.executable, *command], cwd=databases.servers.ROOT, env=os.environ | urls, check=True)
            found[way] = made(name)
        finally:
            databases.drop(name)
    for what in MADE:
        assert len(found["ours"][what]) > 10, what
        assert found["ours"][what] == found["djangos"][what], what
