from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        # what customers say to the rooms below: search, timeline, records, branches, effects of a withdrawal
        from customers import (  # noqa: F401
            branches,
            erasures,
            features,
            guarded,
            menu,
            message_sentences,
            permissions,
            records,
            search,
            sentences,
            tasks,
            withdrawals,
        )
