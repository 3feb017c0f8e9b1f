"""Forms of the desk and the case."""

from datetime import date
from itertools import zip_longest
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from collection.contacts import LONGEST_NOTE, NEXT_ACTIONS
from collection.models import Case, Channel, Outcome
from credit.accrual import LAST_BUCKET, bucket_name
from crm.lib import forms as crm_forms
from governance.models import User

RESULT_KEYS = "1234567890"


class ContactForm(crm_forms.Form):
    """How a contact went and what comes next."""

    channel = forms.ChoiceField(label=_("Contact by"), choices=Channel.choices)
    outcome = forms.ChoiceField(label=_("Result"), choices=Outcome.choices, widget=forms.RadioSelect)
    next_action = forms.ChoiceField(
        label=_("Next action"), choices=[(channel.value, channel.label) for channel in NEXT_ACTIONS]
    )
    next_action_on = forms.DateField(label=_("Day of the next action"), widget=crm_forms.DateInput)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": _("Write at most 2,000 characters.")},
    )
    back = forms.ChoiceField(
        choices=[("case", "case"), ("desk", "desk")], widget=forms.HiddenInput, required=False
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["next_action_on"].widget.attrs["min"] = today.isoformat()
        self.fields["outcome"].error_messages["required"] = _("Choose how the contact ended.")
        self.fields["next_action_on"].error_messages["required"] = _("Enter the day of the next action.")

    @property
    def results(self) -> list[tuple[Any, str]]:
        """Return each result's button with the key that chooses it."""
        return list(zip_longest(self["outcome"], RESULT_KEYS, fillvalue=""))


class AssignForm(crm_forms.VersionedForm):
    """Whom the case is given to."""

    to = forms.ModelChoiceField(
        label=_("Assigned to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Everybody in the queue"),
        help_text=_("Nobody else can take the case then. Who holds it now may finish."),
    )

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = people


class CaseFilter(django_filters.FilterSet):
    """The filters of the list of cases; open ones are shown unless another status is asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"),
        empty_label=Case.Status.OPEN.label,
        choices=[("closed", Case.Status.CLOSED.label), ("all", _("All"))],
        method="of_status",
    )
    bucket = django_filters.ChoiceFilter(
        label=_("Bucket"),
        empty_label=_("Any"),
        choices=[(str(number), bucket_name(number)) for number in range(1, LAST_BUCKET + 1)],
    )
    whose = django_filters.ChoiceFilter(
        label=_("Whose"),
        empty_label=_("Any"),
        choices=[("mine", _("Mine")), ("nobody", _("Nobody's"))],
        method="of_person",
    )

    class Meta:
        model = Case
        fields: list[str] = []

    @property
    def form(self) -> Any:
        made = not hasattr(self, "_form")
        form = super().form
        if made:
            crm_forms.dress(form)
        return form

    def filter_queryset(self, queryset: QuerySet[Case]) -> QuerySet[Case]:
        found: QuerySet[Case] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.filter(status=Case.Status.OPEN)

    def of_status(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(status=Case.Status.CLOSED) if value == "closed" else queryset

    def of_person(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        if value == "nobody":
            return queryset.filter(assigned_to__isnull=True)
        user = self.request.user.pk
        return queryset.filter(Q(assigned_to=user) | Q(claimed_by=user))
