"""An offer: what it costs, that the borrower read it, and the contract that follows."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import contract_terms, cost, offers
from credit.books import value_day
from credit.forms import DisclosureForm, WithdrawForm, sent_whole
from credit.models import Loan, Offer
from credit.permissions import ACCEPT_OFFER, DOWNLOAD_CONTRACT, VIEW_APPLICATION
from credit.views import Asked, applicant
from credit.views.what_if import what_if_context
from crm.lib import htmx, money
from crm.lib.errors import Invalid
from crm.lib.permissions import needs
from governance import idempotency, rules

SHOWN_SINCE = "offer-shown:"


@needs(VIEW_APPLICATION)
@require_GET
def offer_page(request: Asked, public_id: str) -> HttpResponse:
    """Show an offer with its cost table; for who may accept, the reading time begins."""
    offer = one(request, public_id)
    if offer.status == Offer.Status.MADE and not offer.is_confirmed and request.user.has_perm(ACCEPT_OFFER):
        begin(request, offer)
    return page(request, offer, DisclosureForm(initial={"cost_hash": offer.cost_hash}))


def one(request: Asked, public_id: str) -> Offer:
    rows = Offer.objects.for_list().select_related("application__legal_entity", "disclosure_confirmed_by", "quote")
    return rows.get_for(request.user, public_id)


def begin(request: Asked, offer: Offer) -> None:
    """Note when this table first stood on this person's screen; another table, and the same of another borrower, begins anew."""
    key = shown_key(offer)
    if key not in request.session:
        request.session[key] = now().isoformat()


def shown_key(offer: Offer) -> str:
    return f"{SHOWN_SINCE}{offer.public_id}:{offer.cost_hash[:16]}"


def seconds_shown(request: Asked, offer: Offer) -> int:
    """Return for how long the table that stands was on the screen, by the server's clock."""
    text = request.session.get(shown_key(offer))
    since = parse_datetime(text) if isinstance(text, str) else None
    return max(0, int((now() - since).total_seconds())) if since else 0


def page(request: Asked, offer: Offer, form: DisclosureForm, *, status: int = 200) -> HttpResponse:
    """Render the offer with the step that is next."""
    today = value_day(offer.application.legal_entity, now())
    least = int(rules.value(offers.READING_SECONDS, on=today))
    shown = seconds_shown(request, offer)
    loan = Loan.objects.filter(offer=offer).only("public_id").first()
    standing = offer.status == Offer.Status.MADE
    context: dict[str, Any] = {
        "offer": offer,
        "application": offer.application,
        "customer": applicant(offer.application, request.user),
        "form": form,
        "cost": cost_of(offer),
        "rows": schedule(offer),
        "total": total(offer),
        "least": least,
        "left": max(0, least - shown),
        "lapsed": standing and today > offer.expires_on,
        "days_left": (offer.expires_on - today).days,
        "standing": standing and today <= offer.expires_on,
        "renewable": standing
        and offer.starts_on < today <= offer.expires_on
        and offer.application.product.day_count != "30/360"
        and offer.application.product.method != "revolving",
        "parts": contract_terms.said(offer.application.product, "tranches"),
        "may_accept": request.user.has_perm(ACCEPT_OFFER),
        "may_withdraw": request.user.has_perm("credit.withdraw_application"),
        "loan": loan,
        "may_download": request.user.has_perm(DOWNLOAD_CONTRACT),
        "link": offer.links.order_by("-pk").first() if standing else None,
        "contract": offer.contracts.filter(cost_hash=offer.cost_hash).order_by("-pk").first(),
        **(what_if_context(offer) if standing and today <= offer.expires_on else {}),
        "accept_form": WithdrawForm(initial={"version": offer.version}, auto_id="accept_%s"),
    }
    return htmx.render(request, "credit/offer.html", "credit/_offer_step.html", context, status=status)


def cost_of(offer: Offer) -> dict[str, Any]:
    """Return the stored cost table as `parts/_cost.html` shows it, in the reader's language."""
    table = cost.speak(offer.cost_table, get_language() or "en")
    down = Decimal(table.get("down_payment", "0.00"))
    regular = [Decimal(row["payment"]) for row in offer.schedule][1 if down else 0 : -1]  # the last one takes what remains
    uneven = len(set(regular)) > 1
    return {
        "principal": Decimal(table["principal"]),
        "items": [row | {"label": row["name"], "amount": Decimal(row["amount"])} for row in table["items"]],
        "total": Decimal(table["total_to_repay"]),
        "installment": max(regular) if uneven else Decimal(table["installment"]),
        "uneven": uneven,
        "nominal": Decimal(table["annualised"]["nominal"]),
        "effective": Decimal(table["annualised"]["effective"]),
        "apr": Decimal(table["annualised"].get("apr", table["annualised"]["nominal"])),
        "method": table["annualised"]["method"],
        "on_default": [_("%(name)s: %(standard)s. %(method)s (paid to %(payee)s)") % row for row in table["contingent"]],
        "total_cost": Decimal(table["total_cost"]),
        "last_installment": Decimal(table["last_installment"]),
        "rhythm": table.get("rhythm", ""),
        "periods": table["periods"],
        "down_payment": down,
    }


def schedule(offer: Offer) -> list[dict[str, Any]]:
    """Return the offered schedule as `parts/_schedule.html` shows it."""
    return [
        {
            "number": row["seq"],
            "due_on": date.fromisoformat(row["due_on"]),
            "principal": Decimal(row["principal"]),
            "interest": Decimal(row["interest"]),
            "fee": Decimal(row["fee"]),
            "due": Decimal(row["payment"]),
        }
        for row in offer.schedule
    ]


def total(offer: Offer) -> dict[str, Decimal]:
    rows = schedule(offer)
    return {name: sum((row[name] for row in rows), Decimal("0.00")) for name in ("principal", "interest", "fee", "due")}


@needs(ACCEPT_OFFER)
@require_POST
def offer_confirm(request: Asked, public_id: str) -> HttpResponse:
    """Record that the borrower read the cost table. The seconds are the server's, not the browser's."""
    offer = one(request, public_id)
    here = reverse("offer", args=[public_id])
    form = DisclosureForm(request.POST)
    if form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                offers.confirm_disclosure(
                    offer,
                    cost_hash=form.cleaned_data["cost_hash"],
                    seconds=seconds_shown(request, offer),
                    channel=form.cleaned_data["channel"] or "counter",
                    actor=request.user,
                    at=now(),
                )
                sent.result(here)
        if not form.errors:
            messages.success(request, _("The cost table is confirmed."))
            return htmx.go(request, here)
    begin(request, offer)
    return page(request, offer, form, status=422)


@needs(ACCEPT_OFFER)
@require_POST
def offer_accept(request: Asked, public_id: str) -> HttpResponse:
    """Accept for the borrower: the loan is booked and paid out. The form's key is the key of the payment."""
    offer = one(request, public_id)
    key = sent_whole(WithdrawForm(request.POST))["form_key"] or f"offer:{offer.public_id}"
    with idempotency.Once(request.user, key, at=now()) as sent:
        if not sent.again:
            loan = offers.accept(offer, key=f"form:{key}", actor=request.user, at=now(), first=first_of(request))
            sent.result(reverse("loan", args=[loan.public_id]))
            messages.success(request, _("%(loan)s is booked and paid out.") % {"loan": loan})
    return htmx.go(request, sent.location or reverse("offer", args=[public_id]))


def first_of(request: Asked) -> Decimal | None:
    """Return the first part that was typed, if any.

    :raises Invalid: if it is no amount
    """
    typed = request.POST.get("first", "").strip()
    try:
        return money.parse(typed) if typed else None
    except ValueError:
        sentence = _("Enter an amount above 0 in whole cents.")
        raise Invalid(sentence, fields={"first": sentence}) from None


@needs(ACCEPT_OFFER)
@require_POST
def offer_renew(request: Asked, public_id: str) -> HttpResponse:
    """Count the offer's schedule from today; where amounts change the table has to be confirmed again."""
    offer = one(request, public_id)
    offers.renew(offer, actor=request.user, at=now())
    messages.success(request, _("The offer is counted from today."))
    return htmx.go(request, reverse("offer", args=[public_id]))
