"""Forms of the back office: money at the counter, a bank's file, whose money it is, payoff, reversal, refund."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit.models import Transaction
from credit.reversals import Reason
from crm.lib import forms as house

AT_COUNTER = (Transaction.Channel.CASH, Transaction.Channel.CARD, Transaction.Channel.TRANSFER)


class CounterForm(house.Form):
    """Money received at the counter: when, how, and the number on the slip."""

    amount = house.MoneyField(label=_("Amount received (CNY)"))
    channel = forms.ChoiceField(label=_("How it came"), choices=[(each.value, each.label) for each in AT_COUNTER])
    received_on = forms.DateField(label=_("Received on"), widget=house.DateInput)
    reference = forms.CharField(label=_("Number of the slip"), max_length=60, required=False, help_text=_("as printed on it; no names"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].widget.attrs["data-query"] = ""


class BankFileForm(house.Form):
    """A file of receipts."""

    file = forms.FileField(
        label=_("File (CSV, UTF-8 or GB18030)"),
        allow_empty_file=True,
        max_length=200,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv,.txt"}),
    )


class AllocateForm(house.VersionedForm):
    """Whose money it is."""

    loan = forms.CharField(
        label=_("Loan number"), max_length=16, widget=forms.TextInput(attrs={"class": "short", "autocapitalize": "characters"})
    )


class DecideForm(house.VersionedForm):
    """Yes or no of the second person, told by the button that was pressed."""

    decision = forms.ChoiceField(choices=[("approve", _("Approve")), ("reject", _("Reject"))], widget=forms.HiddenInput)


class PayoffForm(house.Form):
    """The day a loan is to be paid off."""

    settles_on = forms.DateField(label=_("Paid off on"), widget=house.DateInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["settles_on"].widget.attrs["data-query"] = ""


class ReversalForm(house.Form):
    """Why a movement is taken back; only money comes back from the bank."""

    reason = forms.ChoiceField(label=_("Why"), choices=[("", _("Choose")), *Reason.choices])

    def __init__(self, *args: Any, brought_money: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["reason"]
        if not brought_money:
            field.choices = [choice for choice in field.choices if choice[0] != Reason.BOUNCED]
        else:
            field.choices = [choice for choice in field.choices if choice[0] != Reason.LAPSED]


class RefundForm(house.Form):
    """How much of what is held goes back."""

    amount = house.MoneyField(label=_("Amount (CNY)"))
