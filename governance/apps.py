from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self) -> None:
        from governance import (  # noqa: F401
            bulk_exports,
            clients,
            delegations,
            duties,
            grants,
            key_changes,
            menu,
            offboarding,
            permissions,
            roles,
            tasks,
            teams,
        )  # fmt: skip
