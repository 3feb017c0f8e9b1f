from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "risk"

    def ready(self) -> None:
        from risk import features, list_changes, menu, permissions, tasks  # noqa: F401
