from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    name = "collection"
    label = "collections"

    def ready(self) -> None:
        from collection import (  # noqa: F401
            call_tasks,
            erasure,
            features,
            handover,
            holds,
            legal_menu,
            legal_tasks,
            legal_timeline,
            menu,
            permissions,
            records,
            score_tasks,
            supervision_menu,
            supervision_tasks,
            tasks,
            trace_tasks,
            treatment_tasks,
            treatment_texts,
            treatment_words,
            visit_menu,
            visit_tasks,
            visit_timeline,
        )

        treatment_words.learn()
