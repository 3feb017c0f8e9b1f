"""What a gateway tells us: signed, recent, and not played back. Receipts and answers come this way."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from crm.lib.errors import DomainError, Invalid, NotAllowed

TOLERANCE = timedelta(minutes=5)


class BadSignature(NotAllowed):
    """Not signed with our secret, or too old to be believed."""

    code = "bad_signature"


class Replayed(DomainError):
    """The very same call was heard already: somebody plays it back."""

    code = "replayed"


class TooEarly(DomainError):
    """The matter changed hands this very moment: tell us again in a moment."""

    code = "too_early"
    status = 425


def verify(body: bytes, *, moment: str, signature: str, at: datetime) -> None:
    """Go on only if `signature` is the HMAC-SHA256 of "moment.body" under our secret, and `moment` (seconds) within five minutes.

    :raises BadSignature: if it is not, or no secret is set
    """
    secret = settings.RECEIPT_SECRET
    recent = moment.isascii() and moment.isdigit() and len(moment) <= 12 and abs(int(moment) - at.timestamp()) <= TOLERANCE.total_seconds()
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not (secret and recent and hmac.compare_digest(expected.encode(), signature.encode())):
        raise BadSignature(_("The receipt is not signed as agreed, or too old."))


def answer(request: HttpRequest, *, largest: int, hear: Callable[[dict[str, Any], datetime], str], at: datetime) -> HttpResponse:
    """Check a call, have `hear(body, at)` act upon it, and answer with what it says.

    A call is remembered by its signature once it was acted upon, for as long as its time would be believed: played back, it is refused by
    name. Whoever got no answer signs anew, with the time of then; what is heard twice that way is told apart by its id.
    """
    try:
        body = request.read(largest + 1)
        if len(body) > largest:
            raise Invalid(_("Send a JSON object of the agreed form."))
        signature = request.headers.get("X-Signature", "")
        verify(body, moment=request.headers.get("X-Timestamp", ""), signature=signature, at=at)
        seen = f"webhook:{request.path}:{signature}"
        if cache.get(seen):
            raise Replayed(_("This very call was heard already; nothing was changed."))
        try:
            said = json.loads(body)
            json.dumps(said, ensure_ascii=False).encode()  # half of a surrogate pair is no character, and no column takes it
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise Invalid(_("Send a JSON object of the agreed form."))
        found = hear(said, at)
        cache.set(seen, 1, int(2 * TOLERANCE.total_seconds()))
    except DomainError as error:
        return JsonResponse({"code": error.code, "detail": str(error)}, status=error.status)
    return JsonResponse({"result": found})
