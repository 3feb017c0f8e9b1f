"""Migrating without rendering everything again for each step: an empty database has its tables in a third of the time.

Django keeps a class for every model while it migrates, and after each operation makes those of all related models anew; here nearly
every model is related to every other. Two kinds of operations need less. A model that is new is rendered itself: its foreign keys
find the classes that stand, and no class had one to it. An index or constraint is a line in
the list of one class, and no relation. `tests/setup/test_migrate.py` holds that the tables come out as Django's own state makes them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState


class LeanState(ProjectState):
    """The state of all models between two operations, whose classes are made anew where that is seen."""

    def clone(self) -> "LeanState":
        made = super().clone()
        made.__class__ = LeanState
        return made  # type: ignore[return-value]

    def add_model(self, model_state: ModelState) -> None:
        apps = self.__dict__.pop("apps", None)  # without it, Django adds and does not render
        super().add_model(model_state)
        if apps is not None:
            self.__dict__["apps"] = apps
            apps.render_multiple([model_state])

    def _append_option(self, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
        with self._told_to_its_class(app_label, model_name, option_name):
            super()._append_option(app_label, model_name, option_name, obj)  # type: ignore[misc]

    def _remove_option(self, app_label: str, model_name: str, option_name: str, obj_name: str) -> None:
        with self._told_to_its_class(app_label, model_name, option_name):
            super()._remove_option(app_label, model_name, option_name, obj_name)  # type: ignore[misc]

    @contextmanager
    def _told_to_its_class(self, app_label: str, model_name: str, option_name: str) -> Iterator[None]:
        """Let Django change the list of indexes or constraints without rendering, and hand the new list to the class that stands."""
        apps = self.__dict__.pop("apps", None)
        yield
        if apps is not None:
            self.__dict__["apps"] = apps
            meta = apps.get_model(app_label, model_name)._meta
            setattr(meta, option_name, list(self.models[app_label, model_name].options[option_name]))


class LeanExecutor(MigrationExecutor):
    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        made: ProjectState = super()._create_project_state(with_applied_migrations)  # type: ignore[misc]
        made.__class__ = LeanState
        return made
