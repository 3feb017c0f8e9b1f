"""Links by which one pays, and messages, from the case; the page of a link; where the gateway tells of a payment."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import case_texts, pay_links, pay_panel, permissions
from collection.cases import CaseClosed, CasePaused, NotHeld
from collection.checks import NotConfirmed
from collection.models import CallScript
from collection.views.work import found, person, return_to
from credit import links as public_links
from crm.lib import htmx, money
from crm.lib.errors import Invalid
from crm.lib.permissions import needs, public
from customers import receipts, templates, webhooks
from customers.contacts import NotNow
from governance.idempotency import Once

OPEN = "opened by the debtor, who has no account: the token is the key"


@needs(permissions.CONTACT)
@require_POST
def make(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make a link while one talks."""
    row, at = found(request, public_id), now()
    try:
        pay_links.make(row, kind=request.POST.get("kind", ""), loan=request.POST.get("loan", ""), actor=person(request), at=at)
    except (NotHeld, CaseClosed, NotConfirmed, pay_links.Contested, pay_links.NothingAsked, pay_links.SettlementRuns, Invalid) as error:
        messages.warning(request, error.message)
    return htmx.go(request, return_to(request, row))


@needs(permissions.CONTACT)
@require_GET
def state(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the link as it stands; asked for again while it is open. A payment brings the debts along, as they are now."""
    row, user, at = found(request, public_id), person(request), now()
    context = pay_panel.again(row, user=user, at=at, was=request.GET.get("was", ""))
    context["back"] = "desk" if request.GET.get("back") == "desk" else "case"
    return htmx.part(request, "collections/_pay_state.html", context)


@needs(permissions.CONTACT)
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose a message, read it as it will leave, send it."""
    row, user, at = found(request, public_id), person(request), now()
    chosen = request.POST.get("template") or request.GET.get("template", "")
    language = request.POST.get("language") or request.GET.get("language", "")
    offered = [{"template": one, "name": templates.label(one.code)} for one in case_texts.offered(row)]
    back = request.POST.get("back") or request.GET.get("back", "case")
    problem: Any = None
    if request.method == "POST":
        try:
            with Once(user, request.POST.get("form_key", ""), at=at) as sent:
                if not sent.again:
                    key = f"{row.public_id}:{sent.key or uuid4()}"
                    case_texts.send(row, template=chosen, actor=user, at=at, key=key, language=language)
                    sent.result(return_to(request, row))
                    messages.success(request, _("The message is on its way."))
            return htmx.go(request, sent.location)
        except (NotNow, NotHeld, CaseClosed, CasePaused, NotConfirmed, case_texts.NothingToSay, Invalid) as error:
            error.remember()
            problem = error.message
    written = None
    if chosen and problem is None:
        try:
            written = case_texts.written(row, template=chosen, actor=user, at=at, language=language)
        except (NotConfirmed, case_texts.NothingToSay, Invalid) as error:
            problem = error.message
    context = {"case": row, "offered": offered, "chosen": chosen, "written": written, "problem_message": problem, "back": back}
    context["languages"] = [{"code": code, "name": CallScript.Language(code).label} for code in case_texts.LANGUAGES]
    context["language"] = written.language if written else language
    context["form_key"] = request.POST.get("form_key", "")[:36] or str(uuid4())
    status = 422 if problem and request.method == "POST" else 200
    return htmx.render(request, "collections/write.html", "collections/_write.html", context, status=status)


# --- for the debtor ------------------------------------------------------------------------------------------------
@public(OPEN)
@require_GET
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show amount, lender and reference, and where to pay. Nothing names a person, or what the amount is for."""
    public_links.check_rate(str(request.META.get("REMOTE_ADDR", "")))
    link, at = pay_links.find(token), now()
    standing = pay_links.may_be_paid(link, at=at)
    entity = link.case.legal_entity
    context = {
        "link": link,
        "standing": standing,
        "lender_zh": entity.name_zh,
        "lender_en": entity.name_en,
        "languages": ("zh-hans", "en"),
        "gateway": pay_links.gateway(link) if standing else "",
    }
    response = htmx.render(request, "collections/public_pay.html", "collections/public_pay.html", context)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


# --- for the gateway -----------------------------------------------------------------------------------------------
@csrf_exempt
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """`POST /api/receipts/payments/` with {key, event: paid, id, amount}, `X-Timestamp` and `X-Signature`."""
    return webhooks.answer(request, largest=receipts.LARGEST, hear=_payment, at=now())


def _payment(said: dict[str, Any], at: datetime) -> str:
    sentence = _("Send a JSON object with key, event, id and amount.")
    if said.get("event") != "paid" or not all(isinstance(said.get(name), str) for name in ("key", "id", "amount")):
        raise Invalid(sentence)
    try:
        amount = money.parse(said["amount"])
    except ValueError as error:
        raise Invalid(sentence) from error
    return str(pay_links.paid(key=said["key"], gateway_id=said["id"].replace("\0", ""), amount=amount, at=at).status)


payment_told = public("the gateway signs what it says")(take)
