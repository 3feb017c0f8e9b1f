"""A counter-offer told and answered: sending the link, and the page that the applicant opens without sign-in."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import counter_links, links
from credit.models import ConditionKind, CounterLink, CounterOffer
from credit.permissions import ACCEPT_OFFER
from credit.views import Asked, applicant
from credit.views.contracts import CodeForm
from credit.views.offers import cost_of, schedule, total
from crm.lib import htmx
from crm.lib.errors import DomainError
from crm.lib.permissions import needs, public
from customers import one_time_codes
from governance import idempotency

OPEN = "opened by the applicant, who has no account: the token is the key"


@needs(ACCEPT_OFFER)
@require_POST
def counter_link(request: Asked, public_id: str) -> HttpResponse:
    """Send the applicant a link to the counter-offer."""
    rows = CounterOffer.objects.select_related("application__customer", "application__legal_entity")
    offered: CounterOffer = rows.get_for(request.user, public_id)
    application = offered.application
    here = reverse("application", args=[application.public_id])
    with idempotency.Once(request.user, request.POST.get("form_key", ""), at=now()) as sent:
        if not sent.again:
            counter_links.make(offered, actor=request.user, at=now())
            person = applicant(application, request.user)
            messages.success(request, _("The link is on its way to %(mobile)s.") % {"mobile": person.masked_mobile})
            sent.result(here)
    return htmx.go(request, sent.location or here)


# --- for the applicant ---------------------------------------------------------------------------------------------
def opened(request: HttpRequest, token: str) -> CounterLink:
    """Return the link of a token, for at most so many requests a minute."""
    links.check_rate(str(request.META.get("REMOTE_ADDR", "")))
    return counter_links.find(token)


def public_page(request: HttpRequest, token: str, link: CounterLink, *, status: int = 200, **more: Any) -> HttpResponse:
    """Render the counter-offer for its applicant with the step that is next. Nothing on it names a person."""
    at, offered = now(), link.counter
    application = offered.application
    waits = counter_links.waits(offered, at=at)
    context: dict[str, Any] = {
        "token": token,
        "counter": offered,
        "application": application,
        "lender": application.legal_entity.name_zh if request.LANGUAGE_CODE.startswith("zh") else application.legal_entity.name_en,  # type: ignore[attr-defined]
        "product": application.product,
        "mobile": application.customer.masked_mobile,
        "waits": waits,
        "conditions": [label for kind, label in ConditionKind.choices if kind in offered.conditions and kind != ConditionKind.OTHER],
        "other_condition": ConditionKind.OTHER in offered.conditions,
        "code_form": CodeForm(),
        "code_sent": waits and one_time_codes.waits(offered.public_id, purpose=counter_links.PURPOSE, at=at),
    }
    if waits:
        counter_links.shown(link, at=at)
        try:
            seen = counter_links.drawn(offered, at=at)
        except DomainError as refusal:
            context |= {"waits": False, "trouble": refusal.message}
        else:
            context |= {"cost": cost_of(seen), "rows": schedule(seen), "total": total(seen)}
    response = htmx.render(request, "credit/money/public_counter.html", "credit/money/public_counter.html", context | more, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@public(OPEN)
@require_GET
def public_counter(request: HttpRequest, token: str) -> HttpResponse:
    """Show a counter-offer to its applicant."""
    return public_page(request, token, opened(request, token))


@public(OPEN)
@require_POST
def public_counter_code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a one-time code."""
    link = opened(request, token)
    try:
        counter_links.send_code(link, at=now())
    except DomainError as refusal:
        return public_page(request, token, counter_links.find(token), status=409, trouble=refusal.message)
    return htmx.go(request, reverse("public-counter", args=[token]))


@public(OPEN)
@require_POST
def public_counter_answer(request: HttpRequest, token: str) -> HttpResponse:
    """Take yes or no with the code; a second click finds what the first one said."""
    link, form, said = opened(request, token), CodeForm(request.POST), request.POST.get("answer", "")
    here = reverse("public-counter", args=[token])
    if form.is_valid() and said in ("agree", "refuse"):
        try:
            with form.refusals():
                counter_links.answer(link, agrees=said == "agree", code=form.cleaned_data["code"], at=now())
        except links.LinkUsed:
            return htmx.go(request, here)
        except DomainError as refusal:
            return public_page(request, token, counter_links.find(token), status=409, trouble=refusal.message, code_form=form)
        if not form.errors:
            return htmx.go(request, here)
    return public_page(request, token, counter_links.find(token), status=422, code_form=form)
