"""One payment for several loans of a customer: what it will do, taking it in, taking it back."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import customer_payments
from credit.accrual import bucket, bucket_name
from credit.models import CustomerPayment, Loan, Transaction
from credit.money_forms import CounterForm, ReversalForm
from credit.permissions import RECORD_REPAYMENT, REVERSE_REPAYMENT, VIEW_LOAN
from credit.views import Asked, borrower, differences
from credit.words import PARTS
from crm.lib import htmx, money
from crm.lib.errors import DomainError
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import spoken
from customers.models import Customer
from customers.permissions import VIEW as VIEW_CUSTOMER
from governance import idempotency, uses

ZERO = Decimal("0.00")


@needs(RECORD_REPAYMENT)
def customer_pay(request: Asked, public_id: str) -> HttpResponse:
    """Take a payment for all loans of a customer; before it is sent the page says how it is spread."""
    customer = Customer.objects.select_related("legal_entity").get_for(request.user, public_id)
    here = reverse("customer-pay", args=[public_id])
    if request.method == "GET" and htmx.wants_part(request):
        return htmx.part(request, "credit/money/_spread.html", told(request, customer, request.GET))
    on = customer_payments.open_day(customer, now())
    first = {"received_on": localdate(), "channel": Transaction.Channel.CASH}
    form = CounterForm(request.POST if request.method == "POST" else None, initial=first)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                key = f"form:{data['form_key']}" if data["form_key"] else f"form:{now().isoformat()}"
                made = customer_payments.receive(
                    customer, amount=data["amount"], actor=request.user, at=now(), key=key, channel=data["channel"],
                    reference=data["reference"], received_on=data["received_on"],
                )  # fmt: skip
                sent.result(reverse("customer-payment", args=[made.public_id]))
                messages.success(request, _("%(amount)s is recorded.") % {"amount": spoken(made.amount)})
        if not form.errors:
            return htmx.go(request, sent.location)
    order = CustomerPayment.Order(customer_payments.order_of(customer.legal_entity, on=on)).label
    rows = list(Loan.objects.visible_to(request.user).open().filter(customer=customer).select_related("product").order_by("-dpd", "pk"))
    back = reverse("customer", args=[public_id]) if request.user.has_perm(VIEW_CUSTOMER) else reverse("loan-list")
    person = uses.reading(customer, "servicing", actor=request.user, at=now())
    context = {"customer": person, "order": order, "loans": rows, "here": here, "back": back}
    return form.page(request, "credit/money/customer_pay.html", context | told(request, customer, request.POST))


def told(request: Asked, customer: Customer, typed: Any) -> dict[str, Any]:
    """Return how what stands in the form so far would be spread, or what is still missing."""
    try:
        amount = money.parse(typed.get("amount", ""))
        received_on = parse_date(typed.get("received_on", "")) if typed.get("received_on") else None
    except ValueError:
        amount, received_on = ZERO, None
    if amount <= 0:
        return {"hint": _("Write the amount received to see where it goes.")}
    try:
        shares = customer_payments.preview(customer, amount=amount, received_on=received_on, user=request.user, at=now())
    except DomainError as error:
        return {"hint": error.message}
    return table(shares) | {"amount": amount}


def table(shares: list[customer_payments.Share]) -> dict[str, Any]:
    """Return shares as the page tells them: what each loan gets, what it pays and what it changes."""
    rows: list[dict[str, Any]] = []
    for share in shares:
        before, after = share.preview.before, share.preview.after
        split = after.splits["new"]
        days = (before.delinquency.regulatory_days, after.delinquency.regulatory_days)
        rows.append(
            {
                "loan": share.loan,
                "due": share.debt.total,
                "amount": share.amount,
                "parts": [(label, split.part(part)) for part, label in PARTS.items() if split.part(part)],
                "held": split.overpayment,
                "days": days,
                "buckets": tuple(bucket_name(bucket(each)) for each in days),
                "settles": after.status == "settled" != before.status,
            }
        )
    return {
        "rows": rows,
        "amount": sum((row["amount"] for row in rows), ZERO),
        "held": sum((row["held"] for row in rows), ZERO),
    }


def one(request: Asked, public_id: str) -> CustomerPayment:
    return CustomerPayment.objects.for_list().get_for(request.user, public_id)


@needs(VIEW_LOAN)
@require_GET
def customer_payment(request: Asked, public_id: str) -> HttpResponse:
    """Show a payment with the movements it became, on the loans this person may see."""
    payment = one(request, public_id)
    seen = set(Loan.objects.visible_to(request.user).filter(customer=payment.customer_id).values_list("pk", flat=True))
    shares = [share for share in customer_payments.shares_of(payment) if share.transaction.loan_id in seen]
    may = payment.status == CustomerPayment.Status.RECORDED and request.user.has_perm(REVERSE_REPAYMENT)
    context = {"payment": payment, "customer": borrower(payment, request.user), "shares": shares, "may_reverse": may}
    return htmx.render(request, "credit/money/customer_payment.html", "credit/money/customer_payment.html", context)


@needs(REVERSE_REPAYMENT)
def customer_payment_reverse(request: Asked, public_id: str) -> HttpResponse:
    """Take a payment back from all loans it went to; before it is sent the page says what it will do to each."""
    payment = one(request, public_id)
    here = reverse("customer-payment", args=[public_id])
    form = ReversalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                key = f"form:{data['form_key']}" if data["form_key"] else f"reverse:{payment.public_id}"
                customer_payments.reverse(payment, reason=data["reason"], actor=request.user, at=now(), key=key)
                sent.result(here)
                messages.success(request, _("%(amount)s is reversed.") % {"amount": spoken(payment.amount)})
        if not form.errors:
            return htmx.go(request, sent.location)
    if payment.status == CustomerPayment.Status.REVERSED:
        return htmx.go(request, here)
    rows = [(row, differences.told(row.loan, seen)) for row, seen in customer_payments.undone(payment)]
    context = {"payment": payment, "customer": borrower(payment, request.user), "back": here, "rows": rows}
    return form.page(request, "credit/money/customer_payment_reverse.html", context)
