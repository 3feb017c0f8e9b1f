"""The consent ledger of one person: what was agreed to under which words, what a withdrawal stops, and the withdrawal itself."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers import consents, effects, permissions
from customers.models import Customer, DataClass, Purpose
from customers.views import file_of
from governance.asked import Asked
from governance.models import Partner


class WithdrawForm(Form):
    """Nothing to fill in: what ends is read before."""

    recipient = forms.CharField(widget=forms.HiddenInput, required=False, max_length=20)


@needs(permissions.VIEW)
@require_GET
def consent_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show every consent with its text version, the check of its words, to whom, until when, and what its end stopped."""
    found = file_of(request, public_id)
    words = dict(DataClass.choices)
    rows = [
        {
            "line": line, "classes": [words.get(code, code) for code in line.consent.data_classes],
            "stopped": [(effects.EFFECTS[name].label, number) for name, number in line.consent.effects.items() if name in effects.EFFECTS],
        }
        for line in consents.history(found, on=localdate())
    ]  # fmt: skip
    return htmx.part(request, "customers/_consents.html", {"customer": found, "rows": rows})


def party(customer: Customer, purpose: str, code: str) -> Partner | None:
    """Return the third party a withdrawal names; 404 for one that is not this lender's."""
    if purpose != Purpose.SHARING:
        return None
    if "\0" in code:
        raise Http404
    return get_object_or_404(Partner, legal_entity=customer.legal_entity_id, public_id=code)


@needs(permissions.CONSENT)
def consent_withdraw(request: Asked, public_id: str, purpose: str) -> HttpResponse:
    """Show what ends with a consent, then end it."""
    found = file_of(request, public_id)
    if purpose not in Purpose.values:
        raise Http404
    code = request.POST.get("recipient", "") if request.method == "POST" else request.GET.get("recipient", "")
    recipient = party(found, purpose, code)
    form = WithdrawForm(request.POST if request.method == "POST" else None, initial={"recipient": code})
    if request.method == "POST" and form.is_valid():
        consents.withdraw(found, purpose=purpose, recipient=recipient, actor=request.user, at=now())
        messages.success(request, _("The consent is withdrawn."))
        return htmx.go(request, reverse("customer", args=[found.public_id]))
    context = {
        "customer": found, "purpose": purpose, "label": Purpose(purpose).label, "recipient": recipient,
        "ends": effects.foreseen(found, purpose),
    }  # fmt: skip
    return form.page(request, "customers/consent_withdraw.html", context, part="customers/_consent_withdraw.html")
