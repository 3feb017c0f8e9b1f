"""Port: calls placed by a telephone gateway. `settings.PORTS["telephony"]` is its address; empty means off: one dials by hand.

The gateway rings the collector's extension, then the number, and tells what happens by signed webhook. It honours an idempotency key: a
call asked for twice is one call.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.ports.http import PortUnknown, address, call

NAME = "telephony"
CONNECT_SECONDS = 1.5
BACKOFF_SECONDS = 0.2


@dataclass(frozen=True)
class Placed:
    """The gateway's word that it took the call. `repeated` tells that an earlier try had brought it."""

    id: str
    repeated: bool


@dataclass(frozen=True)
class Standing:
    """What the gateway knows of a call: its state as in the webhook, seconds of talk, the reference of the recording."""

    state: str
    seconds: int
    recording: str


def is_on() -> bool:
    """Return whether an address is set."""
    return bool(settings.PORTS.get(NAME))


def start(
    *,
    to: str,
    agent: str,
    key: str,
    at: datetime,
    tries: int = 2,
    read_seconds: float = 3.0,
    headers: dict[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Placed:
    """Have `agent` connected with the number `to`, once per `key` however often this is called. Call it outside transactions.

    :param tries: at most so many calls of the gateway, each with `read_seconds` of patience
    :raises PortOff: if no address is set
    :raises PortRefused: if the gateway says no for good: nobody's telephone rings
    :raises PortUnknown: if no try brought a certain answer: it may ring
    """
    if at.tzinfo is None:
        raise ValueError("`at` needs a time zone")
    where = address(settings.PORTS, NAME)
    body = {"to": to, "agent": agent, "record": True, "at": at.isoformat()}
    for number in range(1, tries + 1):
        try:
            answer = call(
                "POST", where, port=NAME, body=body, key=key, headers=headers, connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds
            )
            found = answer.body.get("id")
            if not isinstance(found, str) or not found or answer.body.get("key") != key:
                raise PortUnknown(_("The gateway's answer does not match what was asked."), port=NAME, cause="another call")
            return Placed(id=found[:64], repeated=answer.status == 200)
        except PortUnknown:
            if number == tries:
                raise
        sleep(BACKOFF_SECONDS * (1 + random.random() / 2))  # noqa: S311  spreads the repetitions, no secret
    raise AssertionError("unreachable")


def look(*, key: str, read_seconds: float = 3.0) -> Standing | None:
    """Return what the gateway knows of a call; None if it never heard of it. Call it outside transactions.

    :raises PortOff: if no address is set
    :raises PortUnknown: if it does not answer
    """
    where = f"{address(settings.PORTS, NAME)}?{urlencode({'key': key})}"
    rows = call("GET", where, port=NAME, connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds).body.get("calls")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PortUnknown(_("The gateway's answer does not match what was asked."), port=NAME, cause="no list")
    if not rows:
        return None
    seconds = rows[0].get("seconds")
    return Standing(str(rows[0].get("state", "")), seconds if isinstance(seconds, int) else 0, str(rows[0].get("recording") or "")[:120])


def hang_up(*, key: str, read_seconds: float = 3.0) -> None:
    """End a call; one that is over stays as it is. Call it outside transactions.

    :raises PortOff: if no address is set
    :raises PortRefused: if the gateway does not know the call
    :raises PortUnknown: if it does not answer
    """
    where = f"{address(settings.PORTS, NAME)}/end"
    call("POST", where, port=NAME, body={"key": key}, key=f"{key}-end", connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds)
