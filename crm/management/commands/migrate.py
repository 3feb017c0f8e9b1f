"""Django's `migrate`, in a third of its time on an empty database: see `crm.lean_state`."""

from typing import Any

from django.core.management.commands import migrate

from crm.lean_state import LeanExecutor


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        migrate.MigrationExecutor = LeanExecutor  # type: ignore[attr-defined]
        super().handle(*args, **options)
