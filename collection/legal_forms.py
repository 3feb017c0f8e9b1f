"""Forms of limitation, letters before action and legal actions."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models import Case, LegalAction, LegalCost, LimitationMark
from credit.models import Loan
from crm.lib import forms as crm_forms


class MarkForm(crm_forms.Form):
    """An act that bears on the period of limitation, with its evidence."""

    loan = forms.ModelChoiceField(label=_("Loan"), queryset=Loan.objects.none(), empty_label=None)
    kind = forms.ChoiceField(label=_("What happened"), choices=LimitationMark.Kind.choices)
    on = forms.DateField(label=pgettext_lazy("day", "On"), widget=crm_forms.DateInput)
    evidence = forms.CharField(
        label=_("Evidence"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("Where it can be read or heard."),
    )  # fmt: skip

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["loan"]
        field.queryset = Loan.objects.open().filter(pk__in=case.debts.values("loan")).order_by("pk")
        crm_forms.dress(self)


class SendForm(crm_forms.Form):
    """The carrier's number of a letter."""

    tracking = forms.CharField(label=_("Carrier's number"), max_length=40, help_text=_("It proves that the letter was sent."))


class ArrivalForm(crm_forms.Form):
    """What became of a letter on its way."""

    ended = forms.ChoiceField(
        label=pgettext_lazy("letter", "What became of it"), widget=forms.RadioSelect, choices=[("delivered", _("It was delivered")), ("returned", _("It came back"))],
        error_messages={"required": _("Choose what became of it.")},
    )  # fmt: skip
    on = forms.DateField(label=pgettext_lazy("day", "On"), widget=crm_forms.DateInput)


class DiaryForm(crm_forms.Form):
    """One line of the diary: the next stage, the end, or a note in the stage it is in."""

    to = forms.ChoiceField(label=_("Stage"), widget=forms.RadioSelect, error_messages={"required": _("Choose the stage.")})
    on = forms.DateField(label=pgettext_lazy("day", "On"), widget=crm_forms.DateInput)
    court = forms.CharField(label=_("Court"), max_length=80, required=False)
    case_number = forms.CharField(label=_("Case number of the court"), max_length=60, required=False)
    next_what = forms.ChoiceField(label=_("Next deadline"), required=False)
    next_on = forms.DateField(label=_("Day of the deadline"), required=False, widget=crm_forms.DateInput)
    outcome = forms.ChoiceField(label=_("How it ended"), required=False, help_text=_("Only where it ends."))
    note = forms.CharField(label=_("What happened"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, action: LegalAction, today: date, **kwargs: Any) -> None:
        initial = {"on": today, "court": action.court, "case_number": action.case_number, "to": action.status}
        super().__init__(*args, initial=initial, **kwargs)
        stages = dict(LegalAction.Status.choices)
        fields: Any = self.fields
        fields["to"].choices = [(action.status, _("A note, the stage stays"))] + [
            (to, stages[to]) for to in LegalAction.Status.values if to in LegalAction.MOVES[action.status]
        ]
        fields["next_what"].choices = [("", _("None")), *LegalAction.Deadline.choices]
        fields["outcome"].choices = [("", "—"), *LegalAction.Outcome.choices]
        crm_forms.dress(self)


class PackForm(crm_forms.Form):
    """What a filing pack is needed for."""

    reason = forms.CharField(
        label=_("What it is needed for"), min_length=5, max_length=200, help_text=_("It stands on record with your name.")
    )


class CostForm(crm_forms.Form):
    """A cost of a legal action."""

    kind = forms.ChoiceField(label=_("For what"), choices=LegalCost.Kind.choices)
    amount = crm_forms.MoneyField(label=_("Amount (CNY)"))
    on = forms.DateField(label=pgettext_lazy("day", "On"), widget=crm_forms.DateInput)
    reference = forms.CharField(label=_("Number of the receipt"), max_length=60, required=False)
