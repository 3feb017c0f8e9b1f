"""Forms and filters of the customer's file."""

from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.forms import DateInput, Form, MoneyField, dress
from customers import guarded, profiles
from customers.models import Customer, Purpose
from governance import access, purposes
from governance.models import Partner, Team, User
from governance.models.identity import Channel, Level

ANY = _("Any")


def own_teams(request: Any) -> QuerySet[Team]:
    """The branches whose rows this person may see."""
    user = request.user
    teams = Team.objects.filter(is_active=True).order_by("path")
    if user.scope == "all":
        return teams.filter(legal_entity=user.team.legal_entity_id) if user.team_id else teams
    return teams.filter(path__startswith=user.team.path) if user.team_id else teams.none()


class CustomerFilter(django_filters.FilterSet):
    mine = django_filters.ChoiceFilter(
        choices=[("yes", _("Mine")), ("pool", _("Without owner"))], label=_("Owner"), empty_label=ANY, method="by_owner"
    )
    branch = django_filters.ModelChoiceFilter(queryset=own_teams, label=_("Branch"), empty_label=ANY)
    channel = django_filters.ChoiceFilter(choices=Channel.choices, label=_("Channel"), empty_label=ANY)
    created = django_filters.DateFilter(field_name="created_at", lookup_expr="date__gte", label=_("Since"), widget=DateInput)

    def by_owner(self, queryset: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return queryset.filter(owner=self.request.user) if value == "yes" else queryset.filter(owner__isnull=True)


LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
ZONES = [
    (name, f"{name.partition('/')[2].replace('_', ' ')} ({name})")
    for name in ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Tokyo", "Asia/Singapore", "Asia/Dubai", "Europe/London",
                 "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Sydney")
]  # fmt: skip


class NewCustomerForm(Form):
    """A new file. The checks of each value are the door's: one rule, one sentence."""

    name = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off", "class": "middle"}))
    id_number = forms.CharField(
        label=_("Id number"),
        max_length=40,
        help_text=_("18 characters, as on the resident identity card."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "middle"}),
    )
    mobile = forms.CharField(
        label=_("Mobile"),
        max_length=40,
        help_text=_("11 digits, such as 13800001234."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel", "class": "middle"}),
    )
    bank_card = forms.CharField(
        label=_("Bank card"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "class": "middle"}),
    )
    email = forms.CharField(
        label=pgettext_lazy("channel", "E-mail"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email", "class": "middle"}),
    )
    address = forms.CharField(label=_("Address"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    employer = forms.CharField(label=_("Employer"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    income = MoneyField(label=_("Income a month (CNY)"), required=False, min_value=Decimal("0.00"), help_text=_("Before tax, as stated."))
    monthly_debt = MoneyField(
        label=_("Paid a month on other debts (CNY)"), required=False, min_value=Decimal("0.00"), initial=Decimal("0.00")
    )
    branch = forms.ModelChoiceField(Team.objects.none(), label=_("Branch"), empty_label=None)
    despite = forms.CharField(
        label=_("Why this is another person"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Open the other file if it is the same person. The reason is kept with your name."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = Team.objects.order_by("path")
        if user.team:
            teams = teams.filter(path__startswith=user.team.path)
        branch = self.fields["branch"]
        assert isinstance(branch, forms.ModelChoiceField)
        branch.queryset = teams
        branch.initial = user.team_id

    def clean_monthly_debt(self) -> Decimal:
        return self.cleaned_data["monthly_debt"] or Decimal("0.00")


class ChangeCustomerForm(Form):
    """Change a file without opening it: what stays empty stays as it is."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, customer: Customer, user: Any) -> None:
        self.customer = customer
        super().__init__(data, initial={"version": customer.version, "income": customer.income, "monthly_debt": customer.monthly_debt})
        wanted = NewCustomerForm.base_fields
        for name in ("name", "id_number", "mobile", "bank_card", "email", "address", "employer", "income", "monthly_debt"):
            if name in profiles.SEALED and not access.may(user, guarded.of(name), Level.EDIT):
                continue
            field = wanted[name].__deepcopy__({})
            field.required = False
            if name in profiles.SEALED:
                now = profiles.shown(customer, name)
                field.help_text = _("Now: %(value)s. Leave empty to keep it.") % {"value": now or "–"}
            self.fields[name] = field
        self.fields["language"] = forms.ChoiceField(
            label=_("Language of our messages"),
            required=False,
            initial=customer.language,
            choices=[("", _("As the house writes")), *LANGUAGES],
        )
        self.fields["zone"] = forms.ChoiceField(
            label=_("Clock of the customer"), required=False, initial=customer.zone, choices=[("", _("That of the lender")), *ZONES],
            help_text=_("Nobody is contacted before 08:00 or after 22:00 by it."),
        )  # fmt: skip
        dress(self)

    def changes(self) -> dict[str, Any]:
        """Return what the door shall change."""
        data = self.cleaned_data
        found = {name: data[name] for name in profiles.SEALED if data.get(name)}
        found["income"] = data["income"]
        found["monthly_debt"] = data["monthly_debt"] or Decimal("0.00")
        return found | {name: data[name] for name in profiles.WRITTEN if name in self.data}


class FindForm(Form):
    """Exact search; the text travels in the body, never in an address."""

    text = forms.CharField(max_length=60, label=_("Id number, mobile, card, full name or number of the file"))


class RevealForm(Form):
    purpose = forms.ChoiceField(label=_("What it is needed for"), choices=(), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("It is kept with your name.")
    )

    def __init__(self, data: Any = None, *, column: str, model: Any = Customer) -> None:
        super().__init__(data)
        field: Any = self.fields["purpose"]
        field.choices = purposes.choices(model, column)


class ConsentForm(Form):
    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices, widget=forms.HiddenInput)
    recipient = forms.ModelChoiceField(
        Partner.objects.none(), label=_("Third party"), empty_label=_("Choose"), help_text=_("The consent holds for this one only.")
    )
    channel = forms.ChoiceField(label=_("How it was given"), choices=Channel.choices)
    agreed = forms.BooleanField(
        label=_("The customer has read the text and agrees"),
        error_messages={"required": _("Tick this once the customer has agreed.")},
    )

    def __init__(self, data: Any = None, *, initial: Any = None, partners: QuerySet[Partner] | None = None) -> None:
        super().__init__(data, initial=initial)
        field: Any = self.fields["recipient"]
        if partners is None:
            del self.fields["recipient"]
        else:
            field.queryset = partners


class NoteForm(Form):
    text = forms.CharField(label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
