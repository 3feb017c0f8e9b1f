"""A call from the case: begin it, see how far it got, end it; and where the gateway tells what happens."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from collection import call_panel, calls, links, permissions
from collection.cases import CaseClosed, CasePaused, NotHeld
from collection.contested import CaseFrozen
from collection.models import PhoneCall
from collection.views.work import found, person, return_to
from crm.lib import htmx
from crm.lib.errors import Invalid
from crm.lib.permissions import needs, public
from customers import receipts, webhooks
from customers.contacts import NotNow
from governance import uses

Status = PhoneCall.Status


@needs(permissions.CONTACT)
@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take the call's place among the counts, then have it dialled. What the policy refuses is said on the page, and nobody's telephone rings."""
    row, at = found(request, public_id), now()
    try:
        placed = calls.place(row, actor=person(request), at=at, key=uuid4().hex, relation=links.asked(row, request.POST.get("party", "")))
    except NotNow as refused:
        refused.remember()
        messages.warning(request, refused.message)
    except (CaseClosed, CasePaused, NotHeld, CaseFrozen, calls.CallNotLogged) as error:
        messages.warning(request, error.message)
    else:
        say(request, calls.dial(placed.call, at=now()) if placed.made else placed.call)
    return htmx.go(request, return_to(request, row))


def say(request: HttpRequest, call: PhoneCall) -> None:
    """Tell what became of the dialling."""
    if call.status == Status.BY_HAND and call.why == "port_off":
        messages.success(request, _("The call is yours to make. Log how it ended."))
    elif call.status == Status.BY_HAND:
        messages.warning(request, _("The telephone gateway does not answer: dial by hand. The call has its place among the counts."))
    elif call.status == Status.FAILED:
        messages.warning(request, _("The gateway refused this number. Log it as a wrong number, or check the number on file."))


@needs(permissions.CONTACT)
@require_GET
def state(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the call as it stands; asked for again while it runs."""
    row, user, at = found(request, public_id), person(request), now()
    customer = uses.reading(row.customer, "collections", actor=user, at=at)
    context = call_panel.again(row, customer, user=user, at=at)
    context["back"] = "desk" if request.GET.get("back") == "desk" else "case"
    return htmx.part(request, "collections/_call_state.html", context)


@needs(permissions.CONTACT)
@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hang up."""
    call = PhoneCall.objects.select_related("case").get_for(request.user, public_id)
    if not calls.hang_up(call, actor=person(request)):
        messages.warning(request, _("The telephone gateway does not answer: hang up on your telephone."))
    return htmx.go(request, return_to(request, call.case))


@csrf_exempt
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """`POST /api/receipts/calls/` with {key, event, id, seconds, recording}, `X-Timestamp` and `X-Signature`."""
    return webhooks.answer(request, largest=receipts.LARGEST, hear=_event, at=now())


def _event(said: dict[str, Any], at: datetime) -> str:
    if not all(isinstance(said.get(name), str) for name in ("key", "event", "id")):
        raise Invalid(_("Send a JSON object with key, event and id."))
    seconds = said.get("seconds", 0)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= 86_400:
        raise Invalid(_("Send the seconds of talk as a whole number."))
    recording = str(said.get("recording") or "").replace("\0", "")
    return str(calls.heard(key=said["key"], event=said["event"], event_id=said["id"], at=at, seconds=seconds, recording=recording).status)


call_event = public("the gateway signs what it says")(take)
