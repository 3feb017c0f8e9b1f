"""What the gateway tells us afterwards: harmless when it is told twice."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib.errors import NotFound
from customers import contact_gate, messages, outbox
from customers.carriers import Outcome
from customers.models import ContactAttempt, Message, MessageChannel
from customers.webhooks import TooEarly
from governance import users
from governance.lifecycle import MovedMeanwhile, move

LARGEST = 4 * 1024
DELIVERED, FAILED = "delivered", "failed"


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
            outbox.write([Outcome(message, Message.Status.SENT)], at=at, count=outbox.Count())
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
    if message.channel == MessageChannel.IVR:
        for attempt in ContactAttempt.objects.filter(key=f"message:{messages.wire_key(message)}"):
            contact_gate.settle(attempt, connected=status == DELIVERED)  # who answered an automatic call was called and reached
    return str(to)
