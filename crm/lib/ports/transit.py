"""Port: a key server that wraps and unwraps. `settings.PORTS["transit"]` is the address of HashiCorp Vault's transit engine or one like it.

Spoken as Vault does: `POST <address>/v1/transit/encrypt|decrypt|rewrap/<key>`, `GET <address>/v1/transit/keys/<key>`, the token of
`CRM_TRANSIT_TOKEN` in `X-Vault-Token`, bytes in base64. The key that wraps never comes into our memory.
"""

import base64
import binascii

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.ports.http import Answer, PortUnknown, address, call

NAME = "transit"


def encrypt(data: bytes) -> str:
    """Return `data` wrapped under the newest version of the key: `vault:v<version>:…`.

    :raises PortOff: if no address is set
    :raises PortRefused: if the token or the key is not known there
    :raises PortUnknown: if there is no certain answer
    """
    return str(_data(_ask("encrypt", {"plaintext": base64.b64encode(data).decode()}), "ciphertext"))


def decrypt(wrapped: str) -> bytes:
    """Return what `encrypt` wrapped; refusals as there."""
    try:
        return base64.b64decode(_data(_ask("decrypt", {"ciphertext": wrapped}), "plaintext"), validate=True)
    except (binascii.Error, TypeError):
        raise _uncertain("no base64") from None


def rewrap(wrapped: str) -> str:
    """Return the same wrapped under the newest version; it is not seen in clear by us. Refusals as in `encrypt`."""
    return str(_data(_ask("rewrap", {"ciphertext": wrapped}), "ciphertext"))


def newest() -> int:
    """Return the newest version of the key; refusals as in `encrypt`."""
    answer = call("GET", _url("keys"), port=NAME, headers=_headers())
    try:
        return int(_data(answer, "latest_version"))
    except (TypeError, ValueError):
        raise _uncertain("no version") from None


def _ask(verb: str, body: dict[str, str]) -> Answer:
    return call("POST", _url(verb), port=NAME, body=body, headers=_headers())


def _url(verb: str) -> str:
    return f"{address(settings.PORTS, NAME).rstrip('/')}/v1/transit/{verb}/{settings.TRANSIT_KEY}"


def _headers() -> dict[str, str]:
    return {"X-Vault-Token": settings.TRANSIT_TOKEN}


def _data(answer: Answer, name: str) -> str:
    data = answer.body.get("data")
    if not isinstance(data, dict) or name not in data:
        raise _uncertain(f"no {name}")
    return data[name]  # type: ignore[no-any-return]


def _uncertain(cause: str) -> PortUnknown:
    return PortUnknown(
        _("“%(port)s” gave no certain answer (%(cause)s). It is asked again with the same key.") % {"port": NAME, "cause": cause},
        port=NAME,
        cause=cause,
    )
