"""The form of an act on a loan: the fields of all acts, of which each act shows its own."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit.act_builds import Evidence, Insurance, keeps_of
from credit.acts import PART_CHOICES, Act, Why
from credit.models import Loan, Transaction
from credit.money_forms import AT_COUNTER
from crm.lib import forms as house

KEEPS = [("term", _("the number of instalments: each gets smaller")), ("installment", _("the instalment: fewer are left"))]


class ActForm(house.VersionedForm):
    """What an act needs, the day it counts for, and why it is done."""

    part = forms.ChoiceField(label=_("What is given up"), choices=PART_CHOICES)
    charge_part = forms.ChoiceField(label=_("What it is"), choices=PART_CHOICES[1::-1])
    amount = house.MoneyField(label=_("Amount (CNY)"))
    keeps = forms.ChoiceField(label=_("What stays"), choices=KEEPS)
    channel = forms.ChoiceField(label=_("How it came"), choices=[(each.value, each.label) for each in AT_COUNTER])
    reference = forms.CharField(label=_("Number of the slip"), max_length=60, required=False, help_text=_("as printed on it; no names"))
    installment = forms.IntegerField(label=_("Only instalment"), min_value=1, required=False, help_text=_("empty: the oldest first"))
    due_on = forms.DateField(label=_("Due on"), widget=house.DateInput, required=False, help_text=_("empty: at once"))
    more = forms.IntegerField(label=_("More periods"), min_value=0, max_value=600, required=False)
    due_day = forms.IntegerField(label=_("Due day of the month"), min_value=1, max_value=31, required=False)
    next_due_on = forms.DateField(label=_("Next due date"), widget=house.DateInput, required=False)
    periods = forms.IntegerField(label=_("Periods from now"), min_value=1, max_value=600)
    annual_rate = forms.DecimalField(
        label=_("Annual rate (%)"), min_value=Decimal(0), max_value=Decimal(100), max_digits=7, decimal_places=4
    )
    capitalises = forms.BooleanField(label=_("Unpaid interest, fees and penalty become principal"), required=False)
    notice_on = forms.DateField(label=_("Notice reached the customer on"), widget=house.DateInput)
    notice_number = forms.CharField(label=_("Number of the notice"), max_length=40, help_text=_("as printed on it; no names"))
    until = forms.DateField(label=_("Until"), widget=house.DateInput, help_text=_("the last due date with relief"))
    pays = house.MoneyField(
        label=_("Paid at each due date until then (CNY)"), min_value=Decimal("0.00"), required=False, help_text=_("empty: nothing")
    )
    adds = forms.BooleanField(label=_("As many periods are added at the end"), required=False)
    evidence = forms.ChoiceField(label=_("Shown by"), choices=Evidence.choices)
    died_on = forms.DateField(label=_("Died on"), widget=house.DateInput)
    insurance = forms.ChoiceField(label=_("Insurance"), choices=Insurance.choices)
    buyer = forms.CharField(label=_("Buyer (company)"), max_length=80)
    on = forms.DateField(label=_("Counts for"), widget=house.DateInput)
    why = forms.ChoiceField(label=_("Why"), choices=[("", _("Choose")), *Why.choices])
    note = forms.CharField(label=_("Note for the second person"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, act: Act, loan: Loan, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in list(self.fields):
            shown = name != "note" or act.may_wait
            if name not in (*act.fields, "on", "why", "note", "version", "form_key") or not shown:
                del self.fields[name]
        for name in (*act.fields, "on"):
            self.fields[name].widget.attrs["data-query"] = ""
        if "annual_rate" in self.fields and not self.is_bound:
            self.initial.setdefault("annual_rate", f"{loan.annual_rate * 100:.2f}")
        if "keeps" in self.fields:
            allowed = keeps_of(loan)
            self.fields["keeps"].choices = [choice for choice in KEEPS if choice[0] in allowed]  # type: ignore[attr-defined]
        if act.kind == Transaction.Kind.LIMIT:
            self.fields["amount"].label = _("New limit (CNY)")
        if act.kind == Transaction.Kind.SALE:
            self.fields["amount"].label, self.fields["reference"].label = _("Price (CNY)"), _("Number of the contract of sale")
        self.asked = [self[name] for name in act.fields]

    def clean_annual_rate(self) -> Decimal:
        """Return the rate as a fraction a year."""
        return Decimal(self.cleaned_data["annual_rate"]) / 100
