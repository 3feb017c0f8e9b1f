from django.apps import AppConfig


class CreditConfig(AppConfig):
    name = "credit"

    def ready(self) -> None:
        from credit import (  # noqa: F401
            acts,
            chart,
            erasure,
            factory_menu,
            features,
            handover,
            links,
            menu,
            money_menu,
            permissions,
            products,
            records,
            risk_outcomes,
            tasks,
        )
