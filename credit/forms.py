"""Forms of credit: an application, the two decisions, a repayment, a file."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from credit import words
from credit.models import Application, Product
from credit.stated import questions, schema
from crm.lib import forms as house
from crm.lib.errors import Invalid
from customers.models import Customer
from governance.models import User

REASONS_AT_MOST = 4

# What a class of the German file means, after its corrected code table (Grömping 2019).
CLASSES: Mapping[str, Any] = {
    "installment_rate": [
        (1, _("35% of income or more")),
        (2, _("25% to under 35% of income")),
        (3, _("20% to under 25% of income")),
        (4, _("Under 20% of income")),
    ],
    "residence_years": [
        (1, _("Under 1 year")),
        (2, _("1 to under 4 years")),
        (3, _("4 to under 7 years")),
        (4, _("7 years or more")),
    ],
}
YES_NO = [("yes", pgettext_lazy("answer", "Yes")), ("no", pgettext_lazy("answer", "No"))]


def asked() -> list[str]:
    """Return the facts a form asks for: what an applicant may state, without the protected attributes."""
    return [name for name, fact in questions().items() if not fact.protected]


def question(name: str) -> forms.Field:
    """Return the field of a stated fact, in the current language."""
    fact, language = questions()[name], get_language() or "en"
    label, required = words.fact(name), schema().facts[name].required
    if fact.type == "category":
        choices = [("", _("Choose")), *words.choices(name, language)]
        return forms.ChoiceField(label=label, choices=choices, required=required)
    if fact.type == "boolean":
        return forms.ChoiceField(label=label, choices=[("", _("Choose")), *YES_NO], required=required)
    if name in CLASSES:
        return forms.ChoiceField(label=label, choices=[("", _("Choose")), *CLASSES[name]], required=required)
    least, most = int(fact.least or 0), int(fact.most or 99)
    wrong = _("%(label)s must be a whole number from %(least)s to %(most)s.") % {"label": label, "least": least, "most": most}
    sentences = dict.fromkeys(("invalid", "min_value", "max_value"), wrong)
    widget = forms.NumberInput(attrs={"class": "short"})
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required, widget=widget, error_messages=sentences)


class ApplicationForm(house.VersionedForm):
    """An application in sections; what a draft may leave open, a submit needs."""

    use_required_attribute = False

    customer = forms.CharField(
        required=False, max_length=20, widget=forms.HiddenInput, error_messages={"required": _("Choose the customer.")}
    )
    customer_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    product = forms.ModelChoiceField(label=_("Product"), queryset=Product.objects.none(), to_field_name="public_id", empty_label=None)
    amount = house.MoneyField(label=_("Amount (CNY)"))
    term = forms.IntegerField(
        label=_("Term (months)"),
        min_value=1,
        max_value=360,
        widget=forms.NumberInput(attrs={"class": "short"}),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _("The term must be a whole number of months, 1 to 360.")),
    )
    purpose = forms.ChoiceField(label=_("Purpose"))
    income = house.MoneyField(label=_("Income a month (CNY)"), min_value=Decimal(0), help_text=_("before tax; kept in the customer's file"))
    monthly_debt = house.MoneyField(
        label=_("Debts a month (CNY)"), min_value=Decimal(0), help_text=_("paid on all other debts, everywhere; 0 if none")
    )
    consent = forms.BooleanField(label=_("The customer has signed this authorisation today"), required=False)

    def __init__(self, *args: Any, user: User, draft: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.draft = user, draft
        self.found: Customer | None = None
        products: Any = self.fields["product"]
        products.queryset = Product.objects.visible_to(user).live().order_by("code")
        purposes: Any = self.fields["purpose"]
        purposes.choices = [("", _("Choose")), *words.choices("purpose", get_language() or "en")]
        for name in asked():
            self.fields[name] = question(name)
        house.dress(self)
        for name in ("product", "amount", "term"):
            self.fields[name].widget.attrs["data-query"] = ""
        if draft:
            for name in (*asked(), "income", "monthly_debt"):
                self.fields[name].required = False

    def clean_customer(self) -> str:
        public_id = str(self.cleaned_data.get("customer") or "").strip()
        self.found = Customer.objects.named(self.user, public_id) if public_id else None
        if self.found is None:
            raise forms.ValidationError(_("Choose the customer."), code="required")
        return public_id

    def stated(self) -> dict[str, Any]:
        """Return what the applicant stated, empty answers left out."""
        return {name: self.cleaned_data[name] for name in asked() if self.cleaned_data.get(name) not in (None, "")}

    def sections(self) -> list[Any]:
        """Return the stated facts' fields, in the order of the schema."""
        return [self[name] for name in asked()]


def initial(application: Application) -> dict[str, Any]:
    """Return a draft as the form shows it."""
    stated = {name: _answer(name, value) for name, value in application.stated.items()}
    return {
        **stated,
        "customer": application.customer.public_id,
        "product": application.product.public_id,
        "amount": application.amount,
        "term": application.term,
        "purpose": application.purpose,
        "version": application.version,
    }


def _answer(name: str, value: Any) -> Any:
    if questions()[name].type == "boolean":
        return "yes" if value else "no"
    return value


class DeclineForm(house.VersionedForm):
    """Decline for one to four reasons."""

    reason_codes = forms.MultipleChoiceField(
        label=_("Reasons, 1 to 4"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one reason.")},
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("for colleagues and auditors"),
    )

    def __init__(self, *args: Any, reasons: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "decline")
        super().__init__(*args, **kwargs)
        codes: Any = self.fields["reason_codes"]
        codes.choices = reasons

    def clean_reason_codes(self) -> list[str]:
        codes: list[str] = self.cleaned_data["reason_codes"]
        if len(codes) > REASONS_AT_MOST:
            raise forms.ValidationError(_("Choose at most 4 reasons: the ones that weigh most."))
        return codes


class WithdrawForm(house.VersionedForm):
    """Step back for the customer: nothing to fill in, but the version the page showed."""


def sent_whole(form: house.Form) -> dict[str, Any]:
    """Return what a form of hidden fields carries.

    :raises Invalid: if somebody changed it on its way: such a form has no field to show a message at
    """
    if not form.is_valid():
        raise Invalid(_("This form could not be read. Load the page again and send it once more."))
    return form.cleaned_data


class ImportForm(house.Form):
    """A file of applications."""

    file = forms.FileField(
        label=_("File (CSV, UTF-8)"),
        allow_empty_file=True,
        max_length=200,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


class DisclosureForm(house.Form):
    """The borrower's word that the cost table was read; nothing is ticked beforehand."""

    cost_hash = forms.CharField(max_length=64, widget=forms.HiddenInput)
    read = forms.BooleanField(
        label=_("The borrower has read this table and confirms it"),
        error_messages={"required": _("Tick that the borrower has read the table and confirms it.")},
    )
    channel = forms.ChoiceField(
        label=_("Where it was shown"), required=False, initial="counter", widget=forms.RadioSelect,
        choices=[
            ("counter", _("At a counter: the borrower signed the printed table before me")),
            ("shop", _("In a shop: on the page on which the order is paid")),
        ],
    )  # fmt: skip
