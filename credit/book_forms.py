"""Forms of the books: which day, an account, what goes to which account, a month to open again."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit import chart
from credit.models import GLAccount
from crm.lib import forms as house
from governance.models import LegalEntity


class DayForm(house.Form):
    """Which day and product the trial balance is of."""

    on = forms.DateField(label=_("On"), widget=house.DateInput)
    product = forms.ChoiceField(label=_("Product"), required=False)

    def __init__(self, *args: Any, products: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["form_key"]
        self.fields["product"].choices = [("", _("All")), *products.items()]  # type: ignore[attr-defined]


class AccountForm(house.Form):
    """An account: its number, names and kind, and why."""

    code = forms.CharField(
        label=_("Number"),
        max_length=10,
        help_text=_("Four to ten digits; the first four as in the Ministry of Finance's list of accounts."),
    )
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=GLAccount.Kind.choices)
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    @classmethod
    def of(cls, account: GLAccount, data: Any) -> "AccountForm":
        """Return the form for other names of `account`: number and kind stay."""
        kept = {"code": account.code, "name_en": account.name_en, "name_zh": account.name_zh, "kind": account.kind}
        form = cls(data, initial=kept)
        for name in ("code", "kind"):
            form.fields[name].disabled = True
        return form


class MappingForm(house.Form):
    """From a day on, what is posted for a purpose goes to another account."""

    product = forms.ChoiceField(label=_("Product"), required=False)
    purpose = forms.ChoiceField(label=_("What is posted"), choices=list(chart.PURPOSES.items()))
    account = forms.ChoiceField(label=_("Account"))
    since = forms.DateField(
        label=_("From"), widget=house.DateInput, help_text=_("The open business date or a later day; the balance moves over on that day.")
    )
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, entity: LegalEntity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = GLAccount.objects.filter(legal_entity=entity).order_by("code")
        self.fields["product"].choices = [("", _("All")), *chart.products(entity).items()]  # type: ignore[attr-defined]
        self.fields["account"].choices = [(row.code, str(row)) for row in accounts]  # type: ignore[attr-defined]


class ReopenForm(house.Form):
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
