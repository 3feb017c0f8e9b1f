"""Forms of the assignment rules and of the roster."""

from collections.abc import Iterable
from datetime import time
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models import AssignmentRule, Collector
from credit.accrual import LAST_BUCKET, bucket_name
from crm.lib import forms as crm_forms
from governance.models import LegalEntity, Team

LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
BUCKETS = [(str(number), bucket_name(number)) for number in range(1, LAST_BUCKET + 1)]


class WhyForm(crm_forms.Form):
    """What a new version of the rules is for."""

    why = forms.CharField(label=_("What the change is for"), max_length=200)


class RuleForm(crm_forms.VersionedForm):
    """One rule: which cases go to whom. What is left empty means any."""

    name = forms.CharField(label=_("Name of the rule"), max_length=60)
    buckets = forms.MultipleChoiceField(label=_("Buckets"), choices=BUCKETS, required=False, widget=forms.CheckboxSelectMultiple)
    languages = forms.MultipleChoiceField(
        label=_("Language of the customer"), choices=LANGUAGES, required=False, widget=forms.CheckboxSelectMultiple
    )
    products = forms.MultipleChoiceField(label=_("Products"), required=False, widget=forms.CheckboxSelectMultiple)
    branch = forms.ModelChoiceField(label=_("Branch of the case"), queryset=Team.objects.none(), required=False, empty_label=_("Any"))
    amount_from = crm_forms.MoneyField(label=_("Overdue from (CNY)"), required=False)
    amount_below = crm_forms.MoneyField(label=_("Overdue below (CNY)"), required=False)
    gives_to = forms.ChoiceField(label=_("Goes to"), choices=AssignmentRule.To.choices, initial="people")
    team = forms.ModelChoiceField(
        label=pgettext_lazy("assignment", "Team"), queryset=Team.objects.none(), required=False, empty_label=_("Any"),
        help_text=_("Whose people get them, or whose queue they lie in."),
    )  # fmt: skip
    skill = forms.ChoiceField(label=_("Trained for"), choices=[("", _("Any")), *Collector.Skill.choices], required=False)
    same_language = forms.BooleanField(label=_("Only people who speak the customer's language"), required=False, initial=True)

    def __init__(self, *args: Any, entity: LegalEntity, products: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = Team.objects.filter(legal_entity=entity, is_active=True).order_by("path")
        for name in ("branch", "team"):
            field: Any = self.fields[name]
            field.queryset = teams
        codes: Any = self.fields["products"]
        codes.choices = list(products)

    def values(self) -> dict[str, Any]:
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("form_key", "version")}
        return data | {"buckets": sorted(int(bucket) for bucket in data["buckets"])}


class CollectorForm(crm_forms.VersionedForm):
    """What a person can and carries."""

    languages = forms.MultipleChoiceField(
        label=_("Languages"), choices=LANGUAGES, required=False, widget=forms.CheckboxSelectMultiple, help_text=_("None chosen: any.")
    )
    skills = forms.MultipleChoiceField(
        label=_("Trained for"), choices=Collector.Skill.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: any."),
    )  # fmt: skip
    most_cases = forms.IntegerField(
        label=_("Open cases at most"), required=False, min_value=1, max_value=5_000, help_text=_("Empty: no limit.")
    )
    daily_contacts = forms.IntegerField(label=_("Contacts on a full day"), min_value=1, max_value=500)
    works_from = forms.TimeField(label=_("Day begins"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    works_until = forms.TimeField(label=_("Day ends"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    workdays = forms.MultipleChoiceField(
        label=_("Works on"), choices=[(str(number), WEEKDAYS_ABBR[number]) for number in range(7)], widget=forms.CheckboxSelectMultiple
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        begins, ends = data.get("works_from"), data.get("works_until")
        if isinstance(begins, time) and isinstance(ends, time) and ends <= begins:
            self.add_error("works_until", _("The day has to end after it began."))
        return data

    def values(self) -> dict[str, Any]:
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("form_key", "version")}
        return data | {"workdays": sorted(int(day) for day in data["workdays"])}
