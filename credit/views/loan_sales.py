"""Sell a list of loans: what each would bring and cost, then the proposal to a second person."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import loan_sales
from credit.acts import Why
from credit.permissions import RESTRUCTURE
from credit.views import Asked
from crm.lib import forms as house
from crm.lib import htmx
from crm.lib.errors import DomainError
from crm.lib.money import total
from crm.lib.permissions import needs
from governance import idempotency


class SaleForm(house.Form):
    """The list, who buys it, and why."""

    loans = forms.CharField(
        label=gettext_lazy("Loans and prices"), max_length=8000,
        help_text=gettext_lazy("one a line: number of the loan, price in CNY"),
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "data-query": ""}),
    )  # fmt: skip
    buyer = forms.CharField(label=gettext_lazy("Buyer (company)"), max_length=80)
    reference = forms.CharField(label=gettext_lazy("Number of the contract of sale"), max_length=60)
    on = forms.DateField(label=gettext_lazy("Counts for"), widget=house.DateInput)
    why = forms.ChoiceField(label=gettext_lazy("Why"), choices=[("", gettext_lazy("Choose")), *Why.choices])
    note = forms.CharField(
        label=gettext_lazy("Note for the second person"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


@needs(RESTRUCTURE)
def loan_sale(request: Asked) -> HttpResponse:
    """Propose the sale of a list of loans; before it is sent the page says what each brings."""
    here = reverse("loan-sale")
    if request.method == "GET" and htmx.wants_part(request):
        return htmx.part(request, "credit/money/_sale.html", seen(request, request.GET.get("loans", "")))
    posted = request.method == "POST"
    form = SaleForm(request.POST if posted else None, initial={"on": localdate()})
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                items = loan_sales.read(data["loans"], request.user)
                made = loan_sales.propose(
                    items, buyer=data["buyer"], reference=data["reference"], on=data["on"], why=data["why"], note=data["note"],
                    actor=request.user, at=now(),
                )  # fmt: skip
                sent.result(reverse("loan-list"))
                messages.success(request, _("Done.") if made.alone else _("It waits for a second person."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"here": here, "back": reverse("loan-list")} | seen(request, request.POST.get("loans", "") if posted else "")
    return form.page(request, "credit/money/loan_sale.html", context)


def seen(request: Asked, text: str) -> dict[str, Any]:
    """Return what the list would bring so far, or what is wrong with it."""
    if not text.strip():
        return {"hint": _("Write the loans and their prices to see what the sale brings.")}
    try:
        items = loan_sales.read(text, request.user)
    except DomainError as error:
        return {"hint": error.message}
    sums = {
        "principal": total([item.loan.principal_outstanding for item in items]), "price": total([item.price for item in items]),
        "result": total([item.result for item in items]),
    }  # fmt: skip
    return {"items": items, "sums": sums}
