from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    name = "collection"
    label = "collections"

    def ready(self) -> None:
        from collection import erasure, features, handover, holds, menu, permissions, records, tasks  # noqa: F401
