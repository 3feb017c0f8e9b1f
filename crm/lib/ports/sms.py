"""Port: text messages through a gateway that honours an idempotency key. `settings.PORTS["sms"]` is its address; empty means off.

Messages into the app (`app`) and automatic calls (`ivr`) go through gateways of the same shape under names of their own.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.ports.http import PortUnknown, address, call

NAME = "sms"


@dataclass(frozen=True)
class Receipt:
    """The gateway's word that it took the message. `repeated` tells that an earlier call had brought it."""

    id: str
    repeated: bool


def is_on() -> bool:
    """Return whether an address is set."""
    return bool(settings.PORTS.get(NAME))


def send(
    *, to: str, text: str, key: str, at: datetime, headers: dict[str, str] | None = None, read_seconds: float = 10.0, name: str = NAME
) -> Receipt:
    """Hand `text` for the mobile `to` to the gateway called `name`, once per `key` however often this is called. Call it outside transactions.

    :raises PortOff: if no address is set
    :raises PortRefused: if the gateway says no for good: nothing goes out
    :raises PortUnknown: if it may or may not have been taken: call again with the same key
    """
    if at.tzinfo is None:
        raise ValueError("`at` needs a time zone")
    answer = call(
        "POST",
        address(settings.PORTS, name),
        port=name,
        body={"to": to, "text": text, "at": at.isoformat()},
        key=key,
        headers=headers,
        read_seconds=read_seconds,
    )
    found = answer.body.get("id")
    if not isinstance(found, str) or not found or answer.body.get("key") != key:
        raise PortUnknown(_("The gateway's answer does not match what was sent. It is asked again with the same key."), port=name)
    return Receipt(id=found[:64], repeated=answer.status == 200)
