"""An offer told and accepted: what-if, the contract's paper, the link, and the page that its customer opens without sign-in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from credit import contracts, links, offers
from credit.books import value_day
from credit.models import Loan, Offer, OfferLink
from credit.permissions import ACCEPT_OFFER, DOWNLOAD_CONTRACT, VIEW_APPLICATION
from credit.views import Asked, applicant
from credit.views.offers import cost_of, one, schedule, total
from credit.views.what_if import WhatIfForm, what_if_context
from crm.lib import forms as house
from crm.lib import htmx, money
from crm.lib.errors import DomainError
from crm.lib.permissions import needs, public
from customers import one_time_codes
from governance import idempotency, rules

OPEN = "opened by the offer's customer, who has no account: the token is the key"


class CodeForm(house.Form):
    """The digits of a one-time code."""

    code = forms.CharField(
        label=gettext_lazy("Code from the message"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "short"}),
    )


class ReadForm(house.Form):
    """The customer's word that the table was read; nothing is ticked beforehand."""

    cost_hash = forms.CharField(max_length=64, widget=forms.HiddenInput)
    read = forms.BooleanField(
        label=gettext_lazy("I have read this table and understand what the loan costs"),
        error_messages={"required": gettext_lazy("Tick that you have read the table.")},
    )


# --- for staff -----------------------------------------------------------------------------------------------------
@needs(VIEW_APPLICATION)
@require_GET
def offer_what_if(request: Asked, public_id: str) -> HttpResponse:
    """Tell what the offer would cost over another amount and term."""
    offer = one(request, public_id)
    return htmx.part(request, "credit/money/_what_if.html", asked(offer, request.GET.get("amount", ""), request.GET.get("term", "")))


def asked(offer: Offer, amount: str, term: str) -> dict[str, Any]:
    try:
        parsed, months = money.parse(amount), int(term)
    except ValueError:
        return {"hint": _("Write an amount and a term to see what they cost.")}
    on = value_day(offer.application.legal_entity, now())
    try:
        drawn = offers.what_if(offer, amount=parsed, term=months, on=on)
    except DomainError as error:
        return {"hint": " ".join(str(text) for text in error.fields.values()) or error.message, "refused": True}
    seen = Offer(amount=parsed, term=months, cost_table=drawn.table, schedule=drawn.schedule())
    now_table, then = cost_of(offer), cost_of(seen)
    names = (("installment", _("Instalment")), ("total_cost", _("Total cost")), ("total", _("Total to repay")))
    return {
        "cost": then,
        "compare": [{"label": label, "was": now_table[name], "will": then[name]} for name, label in names],
        "rates": (now_table["nominal"], then["nominal"]),
        "same": (parsed, months) == (offer.amount, offer.term),
    }


@needs(ACCEPT_OFFER)
@require_POST
def offer_replace(request: Asked, public_id: str) -> HttpResponse:
    """Make the offer one over another amount and term."""
    offer, form = one(request, public_id), WhatIfForm(request.POST)
    here = reverse("offer", args=[public_id])
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                offers.replace(offer, amount=data["amount"], term=data["term"], version=data["version"], actor=request.user, at=now())
                messages.success(request, _("The offer is over the new amount and term; its table has to be confirmed."))
                sent.result(here)
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"offer": offer, **what_if_context(offer, form)}
    return htmx.render(request, "credit/money/what_if.html", "credit/money/_what_if_form.html", context, status=422)


@needs(DOWNLOAD_CONTRACT)
@require_GET
def offer_contract(request: Asked, public_id: str) -> HttpResponse:
    """Give the contract's paper; who opened it is recorded."""
    offer = one(request, public_id)
    made = contracts.paper(offer, actor=request.user, at=now())
    return pdf(contracts.taken(made, actor=request.user, at=now()), name=offer.public_id)


def pdf(content: bytes, *, name: str) -> HttpResponse:
    """Return a paper as an attachment that no cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@needs(ACCEPT_OFFER)
@require_POST
def offer_link(request: Asked, public_id: str) -> HttpResponse:
    """Send the customer a link to the offer."""
    offer = one(request, public_id)
    form_key = request.POST.get("form_key", "")
    with idempotency.Once(request.user, form_key, at=now()) as sent:
        if not sent.again:
            links.make(offer, actor=request.user, at=now())
            person = applicant(offer.application, request.user)
            messages.success(request, _("The link is on its way to %(mobile)s.") % {"mobile": person.masked_mobile})
            sent.result(reverse("offer", args=[public_id]))
    return htmx.go(request, sent.location or reverse("offer", args=[public_id]))


# --- for the customer ----------------------------------------------------------------------------------------------
def opened(request: HttpRequest, token: str) -> OfferLink:
    """Return the link of a token, for at most so many requests a minute."""
    links.check_rate(str(request.META.get("REMOTE_ADDR", "")))
    return links.find(token)


def public_page(request: HttpRequest, token: str, link: OfferLink, *, status: int = 200, **more: Any) -> HttpResponse:
    """Render the offer for its customer with the step that is next. Nothing on it names a person."""
    at, offer = now(), link.offer
    loan = Loan.objects.filter(offer=offer).only("public_id").first()
    standing = links.stands(offer, at=at)
    if standing and not loan:
        links.shown(link, at=at)
    least = int(rules.value(offers.READING_SECONDS, on=value_day(offer.application.legal_entity, at)))
    sent = one_time_codes.waits(offer.public_id, purpose=links.READ if loan else links.PURPOSE, at=now())
    entity = offer.application.legal_entity
    context: dict[str, Any] = {
        "token": token,
        "offer": offer,
        "lender": entity.name_zh if request.LANGUAGE_CODE.startswith("zh") else entity.name_en,  # type: ignore[attr-defined]
        "product": offer.application.product,
        "mobile": offer.application.customer.masked_mobile,
        "cost": cost_of(offer),
        "rows": schedule(offer),
        "total": total(offer),
        "loan": loan,
        "standing": standing,
        "least": least,
        "left": max(0, least - links.seconds(link, at=at)),
        "read_form": ReadForm(initial={"cost_hash": offer.cost_hash}),
        "code_form": CodeForm(),
        "code_sent": sent,
        "confirmed": offer.is_confirmed,
    }
    response = htmx.render(request, "credit/money/public_offer.html", "credit/money/public_offer.html", context | more, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@public(OPEN)
@require_GET
def public_offer(request: HttpRequest, token: str) -> HttpResponse:
    """Show an offer to its customer."""
    return public_page(request, token, opened(request, token))


@public(OPEN)
@require_POST
def public_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Record that the customer read the cost table."""
    link, form = opened(request, token), ReadForm(request.POST)
    if form.is_valid():
        with form.refusals():
            links.confirm(link, cost_hash=form.cleaned_data["cost_hash"], at=now())
        if not form.errors:
            return htmx.go(request, reverse("public-offer", args=[token]))
    return public_page(request, token, links.find(token), status=422, read_form=form)


@public(OPEN)
@require_POST
def public_code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a one-time code: to accept, or, once that is done, to get the contract."""
    link = opened(request, token)
    booked = Loan.objects.filter(offer=link.offer_id).exists()
    try:
        links.send_paper_code(link, at=now()) if booked else links.send_code(link, at=now())
    except one_time_codes.TooManyCodes as refusal:
        return public_page(request, token, link, status=409, trouble=refusal.message)
    return htmx.go(request, reverse("public-offer", args=[token]))


@public(OPEN)
@require_POST
def public_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Accept with the code; a second click finds the loan that the first one booked."""
    link, form = opened(request, token), CodeForm(request.POST)
    if form.is_valid():
        try:
            with form.refusals():
                links.accept(link, code=form.cleaned_data["code"], at=now())
        except links.LinkUsed:
            return htmx.go(request, reverse("public-offer", args=[token]))
        except DomainError as refusal:
            return public_page(request, token, links.find(token), status=409, trouble=refusal.message, code_form=form)
        if not form.errors or Loan.objects.filter(offer=link.offer_id).exists():
            return htmx.go(request, reverse("public-offer", args=[token]))
    return public_page(request, token, links.find(token), status=422, code_form=form)


@public(OPEN)
@require_GET
def public_draft(request: HttpRequest, token: str) -> HttpResponse:
    """Give the contract to be read before it is accepted, as a draft with the borrower masked; that it was read is recorded."""
    link = opened(request, token)
    return pdf(links.draft(link, at=now()), name=f"{link.offer.public_id}-draft")


@public(OPEN)
@require_POST
def public_contract(request: HttpRequest, token: str) -> HttpResponse:
    """Give the contract of an accepted offer for a one-time code; that it was opened is recorded."""
    link, form = opened(request, token), CodeForm(request.POST)
    if form.is_valid():
        try:
            with form.refusals():
                return pdf(links.paper(link, code=form.cleaned_data["code"], at=now()), name=link.offer.public_id)
        except DomainError as refusal:
            return public_page(request, token, links.find(token), status=409, trouble=refusal.message, code_form=form)
    return public_page(request, token, links.find(token), status=422, code_form=form)
