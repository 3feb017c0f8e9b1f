"""Where the gateway tells what became of a text, and what a customer answered."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from crm.lib.errors import Invalid
from crm.lib.permissions import public
from customers import receipts, replies, webhooks

LARGEST_REPLY = 16 * 1024


@csrf_exempt
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """`POST /api/receipts/sms/` with {key, status: delivered | failed, code}, `X-Timestamp` and `X-Signature`."""
    return webhooks.answer(request, largest=receipts.LARGEST, hear=_receipt, at=now())


def _receipt(said: dict[str, Any], at: datetime) -> str:
    if not isinstance(said.get("key"), str) or said.get("status") not in (receipts.DELIVERED, receipts.FAILED):
        raise Invalid(_("Send a JSON object with key and status."))
    return receipts.heard(key=said["key"], status=said["status"], code=str(said.get("code", ""))[:40], at=at)


@csrf_exempt
@require_POST
def reply(request: HttpRequest, channel: str) -> HttpResponse:
    """`POST /api/replies/<sms | email>/` with {id, from, text, in_reply_to}, `X-Timestamp` and `X-Signature`."""

    def hear(said: dict[str, Any], at: datetime) -> str:
        values = {name: said.get(name) for name in ("id", "from", "text")}
        if not all(isinstance(value, str) for value in values.values()):
            raise Invalid(_("Send a JSON object with id, from and text."))
        row = replies.hear(
            channel=channel, external_id=str(values["id"]), sender=str(values["from"]), text=str(values["text"]), at=at,
            in_reply_to=str(said.get("in_reply_to") or ""),
        )  # fmt: skip
        return row.kind if row.customer_id else "kept"

    return webhooks.answer(request, largest=LARGEST_REPLY, hear=hear, at=now())


sms_receipt = public("the gateway signs what it says")(take)
reply_heard = public("the gateway signs what it says")(reply)
