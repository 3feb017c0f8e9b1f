"""Forms of absences and of re-assignment in bulk."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from collection.assignment_forms import BUCKETS, LANGUAGES
from collection.models import Absence
from crm.lib import forms as crm_forms
from governance.models import LegalEntity, Team, User


class AbsenceForm(crm_forms.Form):
    """Who is away when, and who stands in."""

    person = forms.ModelChoiceField(label=_("Who is away"), queryset=User.objects.none(), empty_label=_("Choose"))
    reason = forms.ChoiceField(label=_("Kind of absence"), choices=Absence.Reason.choices)
    since = forms.DateField(label=_("First day away"), widget=crm_forms.DateInput)
    until = forms.DateField(label=_("Last day away"), widget=crm_forms.DateInput)
    deputy = forms.ModelChoiceField(
        label=_("Who stands in"), queryset=User.objects.none(), required=False, empty_label=_("Everybody in the queue"),
        help_text=_("What they may not work lies with everybody."),
    )  # fmt: skip

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("person", "deputy"):
            field: Any = self.fields[name]
            field.queryset = people


class ReassignForm(crm_forms.Form):
    """Which cases move, and to whom; counted first."""

    whose = forms.ChoiceField(label=_("Now with"), required=False)
    buckets = forms.MultipleChoiceField(label=_("Buckets"), choices=BUCKETS, required=False, widget=forms.CheckboxSelectMultiple)
    language = forms.ChoiceField(label=_("Language of the customer"), choices=[("", _("Any")), *LANGUAGES], required=False)
    product = forms.ChoiceField(label=_("Product"), required=False)
    people = forms.ModelMultipleChoiceField(
        label=_("People"), queryset=User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Several people get them in turn."),
    )  # fmt: skip
    to_team = forms.ModelChoiceField(label=_("Queue of a team"), queryset=Team.objects.none(), required=False, empty_label=_("None"))
    by_rules = forms.BooleanField(label=_("As the assignment rules say"), required=False)

    def __init__(
        self, *args: Any, everybody: QuerySet[User], entity: LegalEntity, products: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["people"].queryset = everybody
        fields["to_team"].queryset = Team.objects.filter(legal_entity=entity, is_active=True).order_by("path")
        fields["whose"].choices = [
            ("", _("Anybody")), ("nobody", _("Everybody in the queue")), *((each.public_id, each.name) for each in everybody)
        ]  # fmt: skip
        fields["product"].choices = [("", _("Any")), *products]

    def asked(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("whose", "buckets", "language", "product")}
