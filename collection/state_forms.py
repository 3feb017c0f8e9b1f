"""Forms of a case's pauses and its end."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection.models import Case
from crm.lib import forms as crm_forms

BY_HAND = (*Case.ELSEWHERE, Case.CloseReason.SOLD, Case.CloseReason.WRITTEN_OFF, Case.CloseReason.RESTRUCTURED)


class PauseForm(crm_forms.Form):
    """Why the work waits, and until when."""

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[(value, label) for value, label in Case.PauseReason.choices if value != Case.PauseReason.PLACED],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why the work waits.")},
    )
    until = forms.DateField(
        label=_("Goes on from"),
        widget=crm_forms.DateInput,
        help_text=_("Nobody is called until then. Who calls in by themselves is heard."),
        error_messages={"required": _("Enter the day from which the work goes on.")},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].widget.attrs["min"] = today.isoformat()


class CloseForm(crm_forms.Form):
    """Why a case ends. Paid ones close by themselves."""

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[(value, label) for value, label in Case.CloseReason.choices if value in BY_HAND],
        widget=forms.RadioSelect,
        help_text=_("A case that is paid closes by itself. What a reason needs must stand in the house first."),
        error_messages={"required": _("Choose why the case is closed.")},
    )
    on = forms.DateField(label=_("Closed on"), widget=crm_forms.DateInput)

    def __init__(self, *args: Any, first: date, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].widget.attrs |= {"min": first.isoformat(), "max": today.isoformat()}
