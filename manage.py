#!/usr/bin/env python3
"""Django's commands. Joins the servers of `./run`, or starts them for as long as the command takes."""

import os
import sys

NEED_NO_SERVER = {"", "help", "version", "check", "makemigrations", "messages", "spectacular", "diffsettings", "startapp"}
AS_SUPERUSER = {"prove_encryption"}  # reads the server's own files
AS_OWNER = {"migrate", "sqlmigrate", "flush", "sqlflush", "showmigrations", "optimizemigration"}


def main() -> int:
    """Run the command of the command line and return the exit code."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "test":
        print("The tests are run by ./test: it brings up their own servers and a browser. `./test PATH -k NAME` runs some of them.")
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    os.environ.setdefault("CRM_LOG_LEVEL", "WARNING")  # a command answers on standard output; its log is for what goes wrong
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        print("Django is not installed for this Python. Run ./run once, then .venv/bin/python manage.py …")
        return 1
    if command in AS_OWNER:
        os.environ.setdefault("CRM_DB_ROLE", "owner")
    if command in NEED_NO_SERVER and "DATABASE_URL" not in os.environ:
        os.environ.setdefault("CRM_ENV", "tooling")
    if os.environ.get("CRM_ENV") in ("tooling", "production") or {"DATABASE_URL", "REDIS_URL", "CRM_SECRET_KEY"} <= os.environ.keys():
        execute_from_command_line(sys.argv)
        return 0
    from crm import servers

    try:
        with servers.joined(os.environ.get("CRM_AREA", "main")) as joined:
            os.environ.update(joined.environment)
            if command in AS_SUPERUSER:
                os.environ.setdefault("CRM_SUPERUSER_URL", joined.superuser_url or "")
                os.environ.setdefault("CRM_LOG_FOLDER", str(joined.folder))
            execute_from_command_line(sys.argv)
    except servers.ServersFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
