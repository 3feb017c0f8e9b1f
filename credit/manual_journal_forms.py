"""Forms of journals by hand: lines of account, debit and credit; taking one back."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit import manual_journals
from credit.models import ManualJournal
from crm.lib import forms as house
from governance.models import LegalEntity

SIDES = (("debit", _("Debit of line %(n)s")), ("credit", pgettext_lazy("books", "Credit of line %(n)s")))


class ManualJournalForm(house.Form):
    """Day, why, from which document, and up to eight lines."""

    day = forms.DateField(label=_("Day"), widget=house.DateInput)
    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("Choose")), *(each for each in ManualJournal.Reason.choices if each[0] != ManualJournal.Reason.REVERSAL)],
    )
    document = forms.CharField(label=_("Document number"), max_length=manual_journals.DOCUMENT)
    text = forms.CharField(
        label=_("What it is for"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("read by the second person; no names of customers"),
    )

    def __init__(self, *args: Any, entity: LegalEntity, **kwargs: Any) -> None:
        super().__init__(*args, initial={"day": entity.business_date}, **kwargs)
        choices = [("", _("Choose")), *((row.code, str(row)) for row in manual_journals.free_accounts(entity))]
        for number in range(1, manual_journals.LINES + 1):
            account = forms.ChoiceField(label=_("Account of line %(n)s") % {"n": number}, choices=choices, required=False)
            account.widget.attrs["aria-label"] = account.label
            self.fields[f"account_{number}"] = account
            for side, label in SIDES:
                field = house.MoneyField(label=label % {"n": number}, required=False)
                field.widget.attrs["aria-label"] = field.label
                self.fields[f"{side}_{number}"] = field
        house.dress(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return the fields of the lines, as the page lays them out."""
        names = ("account", "debit", "credit")
        return [{"number": n} | {name: self[f"{name}_{n}"] for name in names} for n in range(1, manual_journals.LINES + 1)]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for n in range(1, manual_journals.LINES + 1):
            account, debit, credit = (data.get(f"{name}_{n}") for name in ("account", "debit", "credit"))
            if debit and credit:
                self.add_error(f"credit_{n}", _("Line %(n)s: debit or credit, not both.") % {"n": n})
            elif (debit or credit) and not account:
                self.add_error(f"account_{n}", _("Line %(n)s: choose its account.") % {"n": n})
            elif account and not (debit or credit) and not ({f"debit_{n}", f"credit_{n}"} & self.errors.keys()):
                self.add_error(f"debit_{n}", _("Line %(n)s: enter its amount.") % {"n": n})
        return data

    def lines(self) -> list[tuple[str, Decimal]]:
        """Return (account, amount: debit above zero) of the lines that were filled in."""
        data, found = self.cleaned_data, []
        for n in range(1, manual_journals.LINES + 1):
            if data[f"account_{n}"]:
                found.append((data[f"account_{n}"], data[f"debit_{n}"] or -data[f"credit_{n}"]))
        return found


class TakeBackForm(house.Form):
    """On which day a journal is taken back, and why."""

    day = forms.DateField(label=_("Day"), widget=house.DateInput)
    document = forms.CharField(label=_("Document number"), max_length=manual_journals.DOCUMENT)
    text = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
