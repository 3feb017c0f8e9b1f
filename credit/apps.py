from django.apps import AppConfig


class CreditConfig(AppConfig):
    name = "credit"

    def ready(self) -> None:
        from credit import acts, chart, erasure, factory_menu, handover, links, menu, money_menu, permissions, products, records, tasks  # noqa: F401
