"""Forms of a person's decision: approve, offer other terms, ask for papers, answer a proposal, clear a condition, verify a fact."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from credit import words
from credit.forms import CLASSES, YES_NO
from credit.models import ConditionKind, CounterOffer, VerifiedFact
from credit.stated import schema
from credit.verified import MONEY
from crm.lib import forms as house
from customers.document_views import ACCEPT
from customers.models import Document

NOTE_HINT = _("for colleagues and auditors")


class TermsForm(house.VersionedForm):
    """An amount and a term, on conditions or without."""

    amount = house.MoneyField(label=_("Amount (CNY)"))
    term = forms.IntegerField(label=_("Term (months)"), min_value=1, max_value=360, widget=forms.NumberInput(attrs={"class": "short"}))
    conditions = forms.MultipleChoiceField(
        label=_("On conditions"),
        required=False,
        choices=ConditionKind.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("each is cleared by a person before the offer can be accepted"),
    )
    condition_words = forms.CharField(label=_("The other condition in words"), required=False, max_length=500)
    note = forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text=NOTE_HINT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("amount", "term"):
            self.fields[name].widget.attrs["data-query"] = ""

    def terms(self) -> dict[str, Any]:
        """Return what the doors take."""
        data = self.cleaned_data
        return {
            "amount": data["amount"],
            "term": data["term"],
            "note": data["note"],
            "kinds": data["conditions"],
            "condition_words": data["condition_words"],
            "version": data["version"],
        }


class ApproveForm(TermsForm):
    """Approve for an amount and a term."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "approve"} | kwargs)


class CounterForm(TermsForm):
    """Offer another amount or term than asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "counter"} | kwargs)


class AskForm(house.VersionedForm):
    """Ask the applicant for papers."""

    kinds = forms.MultipleChoiceField(
        label=_("Papers"),
        choices=Document.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one paper.")},
    )
    due_on = forms.DateField(label=_("Until"), widget=house.DateInput)
    words = forms.CharField(
        label=_("For the applicant"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("told together with the list"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "ask"} | kwargs)


class ProposalForm(house.VersionedForm):
    """Confirm, return or call back a proposal."""

    words = forms.CharField(
        label=_("Your words"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("needed to return it"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "proposal"} | kwargs)


class CounterAnswerForm(house.VersionedForm):
    """What the applicant said to a counter-offer."""

    way = forms.ChoiceField(label=_("The applicant answered"), choices=CounterOffer.Way.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "answer"} | kwargs)


class ClearForm(house.VersionedForm):
    """How one knows that a condition is met."""

    evidence = forms.CharField(label=_("What was seen or heard, from whom"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    document = forms.ModelChoiceField(
        Document.objects.none(), label=_("Paper that shows it"), required=False, to_field_name="public_id", empty_label=_("None")
    )

    def __init__(self, *args: Any, papers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_papers(self.fields["document"], papers)


class VerifyForm(house.Form):
    """What was found out about one fact, from what, as of when."""

    source = forms.ChoiceField(label=_("Source"), choices=[("", _("Choose")), *VerifiedFact.Source.choices])
    as_of = forms.DateField(label=_("As of"), widget=house.DateInput)
    document = forms.ModelChoiceField(
        Document.objects.none(), label=_("Paper that shows it"), required=False, to_field_name="public_id", empty_label=_("None")
    )
    field_order = ("value", "source", "as_of", "document")

    def __init__(self, *args: Any, fact: str, papers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"] = value_field(fact)
        _offer_papers(self.fields["document"], papers)
        self.order_fields(self.field_order)
        house.dress(self)

    def found(self) -> Any:
        """Return the value as the schema's type wants it."""
        value = self.cleaned_data["value"]
        return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


def value_field(name: str) -> forms.Field:
    """Return the field for a verified value of a fact, in the current language."""
    fact, label = schema().facts[name], _("What was found")
    if name in MONEY:
        return house.MoneyField(label=label, min_value=Decimal(0))
    if fact.type == "category":
        return forms.ChoiceField(label=label, choices=[("", _("Choose")), *words.choices(name, get_language() or "en")])
    if fact.type == "boolean":
        return forms.ChoiceField(label=label, choices=[("", _("Choose")), *YES_NO])
    if name in CLASSES:
        return forms.TypedChoiceField(label=label, coerce=int, choices=[("", _("Choose")), *CLASSES[name]])
    return forms.IntegerField(
        label=label, min_value=int(fact.least or 0), max_value=int(fact.most or 99), widget=forms.NumberInput(attrs={"class": "short"})
    )


def _offer_papers(field: Any, papers: Any) -> None:
    field.queryset = papers
    field.label_from_instance = lambda paper: f"{paper.get_kind_display()} · {paper.public_id}"


class PaperForm(house.Form):
    """A file that answers one line of the list."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        max_length=200,
        allow_empty_file=True,
        help_text=_("PDF, JPEG, PNG or HEIC, at most 10 MB"),
    )
