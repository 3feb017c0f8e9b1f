"""Money in suspense spread over a customer's loans: what it will do, and doing it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from credit import customer_payments, four_eyes, receipt_spreads
from credit.books import value_day
from credit.models import CustomerPayment, Loan, Receipt
from credit.money_forms import AllocateForm
from credit.permissions import ALLOCATE_SUSPENSE
from credit.views import Asked
from credit.views.customer_payments import table
from credit.views.payments import one
from crm.lib import htmx
from crm.lib.errors import DomainError, Invalid
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import spoken
from governance import idempotency, uses


@needs(ALLOCATE_SUSPENSE)
def receipt_spread(request: Asked, public_id: str) -> HttpResponse:
    """Spread a receipt over the loans of one customer, told by one of them; before it is sent the page says what it will do."""
    receipt, here = one(request, public_id), reverse("receipt", args=[public_id])
    posted = request.method == "POST"
    typed = (request.POST if posted else request.GET).get("loan", "").strip().upper()
    form = AllocateForm(request.POST if posted else None, initial={"loan": typed, "version": receipt.version})
    loan = _loan(request, receipt, typed)
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                if loan is None:
                    sentence = _("There is no such loan.")
                    raise Invalid(sentence, fields={"loan": sentence})
                done = receipt_spreads.spread(receipt, loan.customer, actor=request.user, at=now(), version=data["version"])
                messages.success(request, _said(done))
                sent.result(here)
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"receipt": receipt, "loan": loan, "back": here, "here": reverse("receipt-spread", args=[public_id])}
    return form.page(request, "credit/money/receipt_spread.html", context | told(request, receipt, loan))


def told(request: Asked, receipt: Receipt, loan: Loan | None) -> dict[str, Any]:
    """Return how the receipt would be spread over the loans of the customer of `loan`, or why it cannot be."""
    if loan is None:
        return {"hint": _("Write the number of one of the customer's loans to see where the money goes.")}
    on = value_day(receipt.legal_entity, now())
    uses.bind([loan.customer], "servicing", actor=request.user, at=now())
    order = CustomerPayment.Order(customer_payments.order_of(receipt.legal_entity, on=on)).label
    found: dict[str, Any] = {"customer": loan.customer, "order": order, "two": four_eyes.needed(receipt.amount, on=on)}
    try:
        seen = receipt_spreads.preview(receipt, loan.customer, user=request.user, at=now())
    except DomainError as error:
        return found | {"hint": error.message}
    return found | table(seen.shares) | {"rest": seen.rest}


def _loan(request: Asked, receipt: Receipt, typed: str) -> Loan | None:
    code = typed if typed.startswith("L-") else f"L-{typed.removeprefix('L')}"
    rows = Loan.objects.visible_to(request.user).filter(public_id=code, legal_entity=receipt.legal_entity_id)
    return None if "\0" in code else rows.select_related("customer__legal_entity").first()


def _said(receipt: Receipt) -> str:
    if receipt.status == Receipt.Status.PROPOSED:
        return _("Proposed: a second person has to approve it.")
    if receipt.left:
        return _("Spread; %(left)s goes on waiting.") % {"left": spoken(receipt.left)}
    return _("Spread over the customer's loans.")
