"""Forms of a loan's documents: a period, what to make and what for, the check of a paper."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.loan_documents import HASH_SHOWN
from credit.models import LoanDocument
from crm.lib import forms as house

KINDS = [choice for choice in LoanDocument.Kind.choices if choice[0] != LoanDocument.Kind.CREDIT_NOTE]
PURPOSES = [choice for choice in LoanDocument.Purpose.choices if choice[0] != LoanDocument.Purpose.BOOKS]


class PeriodForm(house.Form):
    """First and last day, both in it."""

    first = forms.DateField(label=pgettext_lazy("period", "From"), widget=house.DateInput)
    last = forms.DateField(label=pgettext_lazy("period", "To"), widget=house.DateInput)


class DocumentForm(house.Form):
    """What to make of a loan. A settlement certificate needs no period."""

    kind = forms.ChoiceField(label=_("Document"), choices=KINDS)
    first = forms.DateField(
        label=pgettext_lazy("period", "From"), widget=house.DateInput, required=False, help_text=_("empty: from the beginning")
    )
    last = forms.DateField(label=pgettext_lazy("period", "To"), widget=house.DateInput, required=False, help_text=_("empty: to today"))
    purpose = forms.ChoiceField(label=_("What it is for"), choices=PURPOSES)


class CheckForm(house.Form):
    """What stands on the paper."""

    serial = forms.CharField(label=_("Serial"), max_length=20)
    digits = forms.CharField(label=_("Check digits"), max_length=80)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Said when it is asked for: a sentence with its number in it is no lazy one any more.
        self.fields["digits"].help_text = _("at least %(n)s, as on the paper") % {"n": HASH_SHOWN}
