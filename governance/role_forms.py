"""The form that proposes a role, and those that answer a proposal."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form, MoneyField, VersionedForm, dress
from crm.lib.permissions import ALL
from governance import access, roles
from governance.models import Role, Team
from governance.models.identity import Level, Scope

CEILINGS = [("", _("No ceiling")), *((number, number) for number in range(5, 0, -1))]


class RoleForm(VersionedForm):
    """What a role may do, on which rows, up to which amount."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Small letters, digits and _. It cannot be changed later."))
    name_en = forms.CharField(label=_("Name in English"), max_length=80)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=80)
    scope = forms.ChoiceField(
        label=_("Data scope"),
        choices=Scope.choices,
        help_text=_("On which rows: own ones, those of the team and below, those of the branch the team belongs to, or all."),
    )
    approval_limit = MoneyField(
        label=_("Authority limit (CNY)"), required=False, min_value=Decimal("0.00"), help_text=_("The largest amount a holder may approve.")
    )
    waiver_limit = MoneyField(
        label=_("Waiver limit (CNY)"), required=False, min_value=Decimal("0.00"),
        help_text=_("What a holder may give up on one loan, all waivers together. Empty: each needs a second person."),
    )  # fmt: skip
    settlement_limit = MoneyField(
        label=_("Settlement limit (CNY)"), required=False, min_value=Decimal("0.00"), help_text=_("Kept for settlements below what is owed: no page asks for it yet.")
    )  # fmt: skip
    line_limit = MoneyField(
        label=_("Limit of credit lines (CNY)"), required=False, min_value=Decimal("0.00"), help_text=_("Kept for credit lines: no page asks for it yet.")
    )  # fmt: skip
    opens_at = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Outside these hours, by the lender's clock, the role opens nothing."),
    )  # fmt: skip
    closes_at = forms.TimeField(label=_("To"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    level_ceiling = forms.TypedChoiceField(
        label=_("Highest level of data"), required=False, coerce=int, empty_value=None, choices=CEILINGS,
        help_text=_("Fields of a higher level are not shown at all (JR/T 0197-2020)."),
    )  # fmt: skip
    own_cases = forms.BooleanField(label=_("Of collections cases only those held or assigned"), required=False)
    second_factor = forms.BooleanField(
        label=_("Second factor needed"), required=False,
        help_text=_("A holder without an app or passkey reaches their own account page and nothing else until one is set up."),
    )  # fmt: skip
    products = forms.MultipleChoiceField(label=_("Only these products"), required=False, choices=(), widget=forms.CheckboxSelectMultiple)
    permissions = forms.MultipleChoiceField(label=_("Permissions"), required=False, choices=())
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, guarded in access.FIELDS.items():
            self.fields[level_name(code)] = forms.ChoiceField(
                label=guarded.label, required=False, choices=[(level, roles.level_words(level)) for level in reversed(Level.values)]
            )
        self.fields["products"].choices = access.products()  # type: ignore[attr-defined]
        dress(self)
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
        values = {name: self.cleaned_data[name] for name in roles.CONTENT if name != "field_levels"}
        levels = {code: self.cleaned_data[level_name(code)] or Level.EDIT for code in access.FIELDS}
        return roles.wanted(**values, field_levels=levels)

    def level_fields(self) -> list[Any]:
        """Return the bound fields of the levels, for the template."""
        return [self[level_name(code)] for code in access.FIELDS]

    def groups(self, rooms: Any) -> list[tuple[Any, list[tuple[str, Any, bool]]]]:
        """Return the boxes by room, each ticked as typed or as it stands."""
        ticked = set(self["permissions"].value() or ())
        return [(name, [(code, label, code in ticked) for code, label in rows]) for name, rows in rooms]


class PreviewRoleForm(Form):
    """From which branch a role is looked at."""

    team = forms.ModelChoiceField(Team.objects.none(), label=_("Branch or team"), empty_label=None)

    def __init__(self, data: Any = None, *, teams: Any) -> None:
        super().__init__(data, auto_id="preview_%s")
        field: Any = self.fields["team"]
        field.queryset = teams


def _initial(role: Role) -> dict[str, Any]:
    levels = {level_name(code): role.field_levels.get(code, Level.EDIT) for code in access.FIELDS}
    return {name: getattr(role, name) for name in roles.CONTENT} | levels


def level_name(code: str) -> str:
    """Return the name of the box that holds the level of a field."""
    return "level_" + code.replace(".", "_")


class AnswerForm(Form):
    """The second person's answer."""

    answer = forms.CharField(label=_("Your words"), required=False, max_length=500, widget=forms.Textarea, help_text=_("Needed to refuse."))
    do = forms.ChoiceField(choices=[("confirm", ""), ("refuse", ""), ("withdraw", "")], widget=forms.HiddenInput)
