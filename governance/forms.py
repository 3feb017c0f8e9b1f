"""Forms and filters of people, jobs and rules."""

from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form, MoneyField, VersionedForm
from governance.models import Job, Notice, Role, Rule, Team, User

ANY = _("Any")


class UserFilter(django_filters.FilterSet):
    role = django_filters.ModelChoiceFilter(queryset=Role.objects.order_by("pk"), label=_("Role"), empty_label=ANY)
    team = django_filters.ModelChoiceFilter(queryset=Team.objects.order_by("path"), label=_("Team"), empty_label=ANY)
    kind = django_filters.ChoiceFilter(choices=User.Kind.choices, label=_("Kind"), empty_label=ANY)
    active = django_filters.ChoiceFilter(
        choices=[("yes", _("Active")), ("no", _("Suspended"))], label=_("State"), empty_label=ANY, method="by_state"
    )

    def by_state(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return queryset.filter(is_active=value == "yes")


class JobFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Job.Status.choices, label=_("Status"), empty_label=ANY)


class NoticeFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=[("new", _("New only"))], label=_("Show"), empty_label=_("All"), method="by_state")

    def by_state(self, queryset: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        return queryset.filter(read_at__isnull=True)


class RuleFilter(django_filters.FilterSet):
    verification = django_filters.ChoiceFilter(choices=Rule.Verification.choices, label=_("Checked"), empty_label=ANY)


class PlaceForm(VersionedForm):
    """Name, role, team and authority of a person."""

    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(label=_("E-mail"), required=False)
    role = forms.ModelChoiceField(Role.objects.order_by("pk"), label=_("Role"), required=False, empty_label=_("No role"))
    team = forms.ModelChoiceField(
        Team.objects.filter(is_active=True).order_by("path"), label=_("Team"), required=False, empty_label=_("No team")
    )
    approval_limit = MoneyField(
        label=_("Authority limit (CNY)"),
        required=False,
        min_value=Decimal("0.00"),
        help_text=_("The largest amount this person may approve. Empty: the limit of the role holds."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False, choices=[("", _("As the browser asks")), *settings.LANGUAGES])
    reason = forms.CharField(
        label=_("Reason for the rights"),
        required=False,
        max_length=500,
        widget=forms.Textarea,
        help_text=_("Needed when role, authority or a wider team is asked for: the second person reads it."),
    )

    @classmethod
    def of(cls, user: User, data: Any = None) -> "PlaceForm":
        """Return the form filled with what is stored."""
        names = ("name", "email", "role", "team", "approval_limit", "language", "version")
        initial = {name: getattr(user, name) for name in names}
        return cls(data, initial=initial)


class NewUserForm(PlaceForm):
    """A new member of staff."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        help_text=_("Letters, digits and @ . + - _"),
        validators=User._meta.get_field("username").validators,
    )
    password = forms.CharField(
        label=_("First password"),
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_(
            "Leave it empty to invite: the person gets a link and chooses one. Else at least 10 characters, not a common password."
        ),
    )
    field_order = ("username", "name", "email", "password", "role", "team", "approval_limit", "reason", "language")


class ActiveForm(Form):
    """Suspend or re-admit."""

    active = forms.CharField(widget=forms.HiddenInput)
