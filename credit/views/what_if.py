"""The what-if card of a standing offer: its form and its bounds."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from credit.models import Offer
from crm.lib import forms as house


class WhatIfForm(house.VersionedForm):
    """Another amount and term of an offer."""

    amount = house.MoneyField(label=gettext_lazy("Amount (CNY)"))
    term = forms.IntegerField(
        label=gettext_lazy("Term (months)"), min_value=1, max_value=360, widget=forms.NumberInput(attrs={"class": "short"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="what_if_%s", **kwargs)
        for name in ("amount", "term"):
            self.fields[name].widget.attrs["data-query"] = ""


def what_if_context(offer: Offer, form: WhatIfForm | None = None) -> dict[str, Any]:
    """Return what the what-if card of an offer shows before anything is changed."""
    application, product = offer.application, offer.application.product
    return {
        "what_if": form or WhatIfForm(initial={"amount": offer.amount, "term": offer.term, "version": offer.version}),
        "bounds": {
            "least": product.amount_min,
            "most": application.approved_amount or offer.amount,
            "shortest": product.term_min,
            "longest": application.approved_term or offer.term,
        },
    }
