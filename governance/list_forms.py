"""Forms of list pages: a saved view, an export, the confirmation of a bulk action."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form
from governance import saved_views
from governance.models import Export, SavedView, Team, User


class ViewForm(Form):
    """Name and place of a saved view."""

    name = forms.CharField(
        label=_("Name of the view"), max_length=60, help_text=_("Others read it where you share it: no customer's name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )  # fmt: skip
    team = forms.ModelChoiceField(
        Team.objects.none(), label=_("Shared with"), required=False, empty_label=_("Nobody: only me"),
        help_text=_("A team and those below it can use it; only you can change it."),
    )  # fmt: skip
    pinned = forms.BooleanField(label=_("As a tab above the list"), required=False, initial=True)
    is_default = forms.BooleanField(label=_("The list opens with it"), required=False)
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, user: User, view: SavedView | None = None, query: str = "") -> None:
        initial: dict[str, Any] = {"query": query}
        if view is not None:
            initial |= {
                "name": view.name,
                "team": view.team_id,
                "pinned": view.pinned,
                "is_default": view.is_default,
                "version": view.version,
            }
        super().__init__(data, initial=initial)
        teams = saved_views.teams_of(user)
        field: Any = self.fields["team"]
        field.queryset = teams
        if not teams.exists():
            del self.fields["team"]


PURPOSES = [(value, Export.Purpose(value).label) for value in Export.OF_A_LIST]


class ExportForm(Form):
    """Why rows leave as a file."""

    purpose = forms.ChoiceField(label=_("What it is for"), choices=PURPOSES, widget=forms.RadioSelect)
    use = forms.ChoiceField(
        label=_("Personal columns are read to"), choices=(), help_text=_("Only purposes that may read every chosen column are offered."),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why"), max_length=500, min_length=5, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("It is kept with your name."),
    )  # fmt: skip
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    def __init__(self, data: Any = None, *, uses: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if uses:
            self.fields["use"].choices = [("", _("Choose")), *uses]  # type: ignore[attr-defined]
        else:
            del self.fields["use"]
