from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    name = "collection"
    label = "collections"

    def ready(self) -> None:
        from collection import handover, menu, permissions, tasks  # noqa: F401
