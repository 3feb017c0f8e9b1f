"""The form that proposes a role, and those that answer a proposal."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form, MoneyField, VersionedForm
from crm.lib.permissions import ALL
from governance import roles
from governance.models import Role
from governance.models.identity import Scope


class RoleForm(VersionedForm):
    """What a role may do, on which rows, up to which amount."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Small letters, digits and _. It cannot be changed later."))
    name_en = forms.CharField(label=_("Name in English"), max_length=80)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=80)
    scope = forms.ChoiceField(
        label=_("Data scope"), choices=Scope.choices, help_text=_("On which rows: own ones, those of the team and below, or all.")
    )
    approval_limit = MoneyField(
        label=_("Authority limit (CNY)"), required=False, min_value=Decimal("0.00"), help_text=_("The largest amount a holder may approve.")
    )
    permissions = forms.MultipleChoiceField(label=_("Permissions"), required=False, choices=())
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["permissions"]
        field.choices = [(code, ALL[code].label) for code in ALL]
        field.error_messages["invalid_choice"] = _("There is no permission “%(value)s”.")

    @classmethod
    def of(cls, role: Role, data: Any = None) -> "RoleForm":
        """Return the form filled with what stands."""
        form = cls(data, initial=_initial(role) | {"version": role.version})
        del form.fields["code"]
        return form

    @classmethod
    def new(cls, data: Any = None, pattern: Role | None = None) -> "RoleForm":
        """Return an empty form, or one filled as another role is."""
        initial = _initial(pattern) if pattern else {}
        return cls(data, initial={name: value for name, value in initial.items() if not name.startswith("name_")})

    def content(self) -> dict[str, Any]:
        """Return what was asked for, as `roles.content` writes it."""
        names = ("name_en", "name_zh", "scope", "permissions", "approval_limit")
        return roles.wanted(**{name: self.cleaned_data[name] for name in names})

    def groups(self, rooms: Any) -> list[tuple[Any, list[tuple[str, Any, bool]]]]:
        """Return the boxes by room, each ticked as typed or as it stands."""
        ticked = set(self["permissions"].value() or ())
        return [(name, [(code, label, code in ticked) for code, label in rows]) for name, rows in rooms]


def _initial(role: Role) -> dict[str, Any]:
    return {name: getattr(role, name) for name in ("name_en", "name_zh", "scope", "permissions", "approval_limit")}


class AnswerForm(Form):
    """The second person's answer."""

    answer = forms.CharField(label=_("Your words"), required=False, max_length=500, widget=forms.Textarea, help_text=_("Needed to refuse."))
    do = forms.ChoiceField(choices=[("confirm", ""), ("refuse", ""), ("withdraw", "")], widget=forms.HiddenInput)
