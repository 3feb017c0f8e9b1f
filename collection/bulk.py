"""Bulk acts on the list of cases: give many to people in turn, or back to everybody."""

from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection import cases, lists, permissions, team
from collection.models import Case
from crm.lib import forms as crm_forms
from crm.lib.lists import action
from governance.models import User


class BulkAssignForm(crm_forms.Form):
    """Whom many cases are given to."""

    to = forms.ModelMultipleChoiceField(
        label=_("Give to"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Several people get them in turn. Nobody chosen: open to everybody in the queue."),
    )

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = people

    def clean_to(self) -> list[int]:
        return sorted(person.pk for person in self.cleaned_data["to"])


def assign_one(row: Case, *, actor: User, at: datetime, **values: Any) -> Case:
    """Give one of many cases away: by its number in turn, so that a repeat gives it to the same person."""
    people = values.get("to") or []
    to = User.objects.select_related("role", "team").get(pk=people[row.pk % len(people)]) if people else None
    return cases.assign(row, to=to, version=row.version, actor=actor, at=at)


def bulk_form(user: User) -> Any:
    return partial(BulkAssignForm, people=team.workers(user))


action(lists.CASES.name, "assign", label=_("Assign cases"), permission=permissions.ASSIGN, run=assign_one, form=bulk_form, icon="users")
