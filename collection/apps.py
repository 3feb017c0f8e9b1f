from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    name = "collection"
    label = "collections"

    def ready(self) -> None:
        from collection import (  # noqa: F401
            erasure,
            features,
            handover,
            holds,
            menu,
            permissions,
            records,
            score_tasks,
            supervision_menu,
            supervision_tasks,
            tasks,
            treatment_tasks,
            treatment_texts,
            treatment_words,
        )

        treatment_words.learn()
