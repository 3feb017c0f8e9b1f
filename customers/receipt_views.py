"""Where the gateway tells what became of a text."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from crm.lib.errors import DomainError, Invalid
from crm.lib.permissions import public
from customers import receipts


@csrf_exempt
@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """`POST /api/receipts/sms/` with {key, status: delivered | failed, code}, `X-Timestamp` and `X-Signature`."""
    at = now()
    try:
        body = request.read(receipts.LARGEST + 1)
        receipts.verify(body, moment=request.headers.get("X-Timestamp", ""), signature=request.headers.get("X-Signature", ""), at=at)
        try:
            said = json.loads(body) if len(body) <= receipts.LARGEST else None
        except (ValueError, RecursionError):
            said = None
        if (
            not isinstance(said, dict)
            or not isinstance(said.get("key"), str)
            or said.get("status") not in (receipts.DELIVERED, receipts.FAILED)
        ):
            raise Invalid(_("Send a JSON object with key and status."))
        found = receipts.heard(key=said["key"], status=said["status"], code=str(said.get("code", ""))[:40], at=at)
    except DomainError as error:
        status = 425 if isinstance(error, receipts.TooEarly) else error.status
        return JsonResponse({"code": error.code, "detail": str(error)}, status=status)
    return JsonResponse({"result": found})


sms_receipt = public("the gateway signs what it says")(take)
