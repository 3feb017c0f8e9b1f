"""Forms of classification and of pauses."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit.models import ClassMark, DelinquencyPause, RiskClass
from crm.lib import forms as house


class ClassMarkForm(house.Form):
    """A graver class than the rule found, and why."""

    risk_class = forms.TypedChoiceField(label=_("Class"), coerce=int)
    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("Choose")), *(each for each in ClassMark.Reason.choices if each[0] != ClassMark.Reason.RESTRUCTURED)],
    )
    note = forms.CharField(label=_("What was found"), max_length=500, widget=forms.Textarea(attrs={"rows": 4}))
    until_on = forms.DateField(label=_("Until"), required=False, widget=house.DateInput, help_text=_("empty: until another decision"))

    def __init__(self, *args: Any, above: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(number, label) for number, label in RiskClass.choices if number > above]
        self.fields["risk_class"].choices = [("", _("Choose")), *choices]  # type: ignore[attr-defined]


class PauseForm(house.Form):
    """Days that treatment does not count."""

    from_on = forms.DateField(label=_("First day of the pause"), widget=house.DateInput)
    until_on = forms.DateField(label=_("Counts again from"), widget=house.DateInput)
    reason = forms.ChoiceField(label=_("Why"), choices=[("", _("Choose")), *DelinquencyPause.Reason.choices])

    def __init__(self, *args: Any, opened: date, **kwargs: Any) -> None:
        super().__init__(*args, initial={"from_on": opened}, **kwargs)
