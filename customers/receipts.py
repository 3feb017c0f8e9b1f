"""What the gateway tells us afterwards: signed, recent, and harmless when it comes twice."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib.errors import DomainError, NotAllowed, NotFound
from customers import messages, outbox
from customers.models import Message
from governance import users
from governance.lifecycle import MovedMeanwhile, move

TOLERANCE = timedelta(minutes=5)
LARGEST = 4 * 1024
DELIVERED, FAILED = "delivered", "failed"


class BadSignature(NotAllowed):
    """Not signed with our secret, or too old to be believed."""

    code = "bad_signature"


class TooEarly(DomainError):
    """The message changed hands this very moment: tell us again in a moment."""

    code = "too_early"


def verify(body: bytes, *, moment: str, signature: str, at: datetime) -> None:
    """Go on only if `signature` is the HMAC-SHA256 of "moment.body" under our secret, and `moment` (seconds) within five minutes.

    :raises BadSignature: if it is not, or no secret is set
    """
    secret = settings.RECEIPT_SECRET
    recent = moment.isascii() and moment.isdigit() and len(moment) <= 12 and abs(int(moment) - at.timestamp()) <= TOLERANCE.total_seconds()
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not (secret and recent and hmac.compare_digest(expected.encode(), signature.encode())):
        raise BadSignature(_("The receipt is not signed as agreed, or too old."))


def heard(*, key: str, status: str, code: str, at: datetime) -> str:
    """Write down what became of a message; a receipt that was heard before, or is about an earlier round, changes nothing.

    A receipt for a message still in its sender's hands also says that it was taken: the sender may be dead, and the gateway has given
    up telling by the time another one asks.

    :raises NotFound: if no message has this key
    :raises TooEarly: if it changes hands meanwhile
    """
    public_id, rounds = messages.of_wire_key(key)
    message = Message.objects.select_related("template").filter(public_id=public_id).first() if "\0" not in key else None
    if message is None:
        raise NotFound(_("There is no such message."))
    if message.rounds != rounds:
        return "old"
    if message.status in (Message.Status.SENDING, Message.Status.WAITING):
        with transaction.atomic():
            outbox.write([outbox.Outcome(message, Message.Status.SENT)], at=at, count=outbox.Count())
        message.refresh_from_db(fields=["status"])
        if message.status in (Message.Status.SENDING, Message.Status.WAITING):
            raise TooEarly(_("The message is still being sent."))
    if message.status != Message.Status.SENT:
        return "known"
    to, problem = (Message.Status.DELIVERED, "") if status == DELIVERED else (Message.Status.FAILED, f"undelivered:{code}"[:60])
    facts: dict[str, Any] = {"channel": message.channel, "template": message.template.code, "purpose": message.purpose}
    if problem:
        facts["problem"] = problem
    try:
        move(message, to, actor=users.system(), at=at, event=f"customers.message.{to}", facts=facts, problem=problem, settled_at=at)
    except MovedMeanwhile:
        return "known"
    return str(to)
