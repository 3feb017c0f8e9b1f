"""Port: reports of a credit bureau. `settings.PORTS["bureau"]` is its address; off while that or the shared key is empty.

The person goes out in one sealed envelope: name, id number and mobile under the key agreed with the bureau (`CRM_BUREAU_KEY`), bound to the
query's key, so that what passes proxies and logs on the way identifies nobody and cannot be sent again for another query.
"""

import base64
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.ports.http import PortOff, PortRefused, PortUnknown, address, call

NAME = "bureau"
UNKNOWN_PERSON = "unknown_person"
BACKOFF_SECONDS = 0.3  # before the second try; then three times as long


@dataclass(frozen=True)
class Answer:
    """What the bureau said: its report as JSON, None where it knows nobody; and how many tries it took."""

    body: dict[str, Any] | None
    tries: int


class Tired(PortUnknown):
    """Every try went without an answer that can be relied on; `tries` were made."""

    code = "port_unknown"


def is_on() -> bool:
    """Return whether an address and a key are set."""
    return bool(settings.PORTS.get(NAME)) and bool(settings.BUREAU_KEY)


def envelope(person: Mapping[str, str], *, key: str, secret: str) -> str:
    """Return `person` sealed for the bureau: base64 of nonce and AES-256-GCM, bound to the query's key."""
    nonce = os.urandom(12)
    plain = json.dumps(dict(person), ensure_ascii=False).encode()
    return base64.b64encode(nonce + AESGCM(base64.b64decode(secret)).encrypt(nonce, plain, key.encode())).decode()


def ask(
    *,
    key: str,
    purpose: str,
    consent: str,
    consent_on: date,
    person: Mapping[str, str],
    at: datetime,
    tries: int = 3,
    read_seconds: float = 4.0,
    headers: dict[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask for the report of `person`, again with the same `key` where no certain answer comes. Call it outside transactions.

    :param purpose: the legal reason as the contract names it
    :param consent: version of the text the person agreed to, on `consent_on`
    :param tries: at most so many calls; the wait between them grows threefold, by chance up to a half longer
    :raises PortOff: if no address or no key is set: nothing was sent
    :raises PortRefused: if the bureau says no for good
    :raises Tired: if no try brought a certain answer
    """
    where = address(settings.PORTS, NAME)
    if not settings.BUREAU_KEY:
        raise PortOff(_("The port “%(port)s” is off: no address is set for it.") % {"port": NAME}, port=NAME)
    body = {
        "purpose": purpose,
        "consent": {"text": consent, "given_on": consent_on.isoformat()},
        "on": at.isoformat(),
        "person": envelope(person, key=key, secret=settings.BUREAU_KEY),
    }
    for number in range(1, tries + 1):
        try:
            found = call("POST", where, port=NAME, body=body, key=key, headers=headers, read_seconds=read_seconds)
            return Answer(found.body, number)
        except PortRefused as refusal:
            if refusal.extra.get("their_code") == UNKNOWN_PERSON:
                return Answer(None, number)
            raise
        except PortUnknown as failure:
            if number == tries:
                raise Tired(failure.message, **failure.extra, tries=number) from failure
        sleep(BACKOFF_SECONDS * 3 ** (number - 1) * (1 + random.random() / 2))  # noqa: S311  spreads the repetitions, no secret
    raise AssertionError("unreachable")
