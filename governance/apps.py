from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self) -> None:
        from governance import clients, menu, permissions, roles, tasks  # noqa: F401
