"""Forms of field visits."""

from datetime import time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from collection import cases, contested, permissions
from collection.contacts import NEXT_ACTIONS
from collection.dispositions import tree
from collection.judgement import Part
from collection.models import Case, Channel, FieldVisit, Outcome, VisitPhoto
from crm.lib import forms as crm_forms
from governance.models import User


def able(case: Case) -> QuerySet[User]:
    """Return who may be sent to the debtor of a case."""
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.MAKE_VISIT])
    rows = [
        user.pk
        for user in people.select_related("role", "team").order_by("name")
        if cases.may_work(user, case) and not contested.is_frozen(case, user)
    ]
    return people.filter(pk__in=rows).order_by("name")


class WantForm(crm_forms.Form):
    """What a visit is for."""

    why = forms.ChoiceField(
        label=_("What for"), choices=FieldVisit.Why.choices, widget=forms.RadioSelect, error_messages={"required": _("Choose what the visit is for.")}
    )  # fmt: skip


class TimeInput(forms.TimeInput):
    input_type = "time"


class PlanVisitForm(crm_forms.Form):
    """Day, hours and the two persons of a visit."""

    on = forms.DateField(label=_("Day"), widget=crm_forms.DateInput)
    opens = forms.TimeField(
        label=_("From, by the debtor's clock"), initial=time(10), widget=TimeInput(format="%H:%M", attrs={"class": "form-control short"})
    )
    closes = forms.TimeField(label=_("Until"), initial=time(12), widget=TimeInput(format="%H:%M", attrs={"class": "form-control short"}))
    first = forms.ModelChoiceField(label=_("First person"), queryset=User.objects.none(), empty_label=_("Choose"))
    second = forms.ModelChoiceField(
        label=_("Second person"), queryset=User.objects.none(), empty_label=_("Choose"), help_text=_("Nobody visits alone.")
    )

    def __init__(self, *args: Any, visit: FieldVisit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["first"].queryset = fields["second"].queryset = able(visit.case)
        crm_forms.dress(self)


class FinishForm(crm_forms.Form):
    """What came of a visit."""

    outcome = forms.ChoiceField(
        label=_("Result"), widget=forms.RadioSelect, error_messages={"required": _("Choose how the contact ended.")}
    )
    amount = crm_forms.MoneyField(label=_("Promised amount (CNY)"), required=False, help_text=_("Only where a payment is promised."))
    due_on = forms.DateField(label=_("Promised for"), required=False, widget=crm_forms.DateInput)
    next_action = forms.ChoiceField(label=_("Next action"))
    next_action_on = forms.DateField(label=_("Day of the next action"), widget=crm_forms.DateInput)
    note = forms.CharField(label=_("Note"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))
    location = forms.CharField(
        label=_("Where you are"), required=False, max_length=120,
        help_text=_("Coordinates or a landmark, as your telephone shows them; such as 31.2304, 121.4737."),
    )  # fmt: skip
    consented = forms.BooleanField(
        label=_("We both agree that our place is kept as evidence of this visit, sealed, and read only for this case"), required=False
    )

    def __init__(self, *args: Any, today: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"next_action": Channel.CALL, "next_action_on": today + timedelta(days=3)}, **kwargs)
        fields: Any = self.fields
        fields["outcome"].choices = [
            (each.outcome, _("Not the debtor's address") if each.outcome == Outcome.WRONG_NUMBER else Outcome(each.outcome).label)
            for each in tree()[Channel.VISIT]
        ]
        fields["next_action"].choices = [(each.value, each.label) for each in NEXT_ACTIONS]
        crm_forms.dress(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        amount, due_on = data.pop("amount", None), data.pop("due_on", None)
        if data.get("outcome") == Outcome.PROMISE and (amount is None or due_on is None):
            self.add_error("due_on" if amount is not None else "amount", _("Enter what was promised, and by when."))
        data["promise"] = [Part(due_on, amount)] if amount is not None and due_on is not None and data.get("outcome") == "promise" else []
        return data


class PhotoForm(crm_forms.Form):
    """A photograph of a visit."""

    kind = forms.ChoiceField(label=_("What it shows"), choices=VisitPhoto.Kind.choices)
    file = forms.FileField(
        label=_("Photograph"), max_length=200, allow_empty_file=True,
        help_text=_("JPEG or PNG, at most 10 MB. Place, time and device in the file are taken out."),
        widget=forms.ClearableFileInput(attrs={"accept": ".jpg,.jpeg,.png", "capture": "environment"}),
    )  # fmt: skip


class DayForm(crm_forms.Form):
    """The day of a route."""

    on = forms.DateField(label=_("Day"), widget=crm_forms.DateInput)
