"""The key that wraps the data keys: from the environment or a file, or a key server that never shows it.

Local: AES-256-GCM under HKDF (RFC 5869) of the newest master key, with a salt of its own, so that no other key derived from the master tells
anything about it. Key server: the port `transit`, chosen by its address. A wrapped key says which of them opens it (`local:v2`,
`transit:crm:v3`), so that one installation may move from the one to the other by wrapping anew.
"""

import base64
import os
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.ports import transit

NONCE = 12


class CannotUnwrap(DomainError):
    """A data key does not open: its wrapping key is gone, is another one, or the row was altered."""

    code = "cannot_unwrap"


def parse_keys(text: str) -> dict[int, bytes]:
    """Return {version: 32-byte key} from `v1:BASE64,v2:BASE64`.

    :raises ImproperlyConfigured: if an item is not a version with 32 bytes in base64
    """
    keys: dict[int, bytes] = {}
    for item in text.replace("\n", ",").split(","):
        if not (item := item.strip()):
            continue
        name, _colon, encoded = item.partition(":")
        try:
            version, key = int(name.removeprefix("v")), base64.b64decode(encoded, validate=True)
        except ValueError:
            raise ImproperlyConfigured("CRM_VAULT_KEYS: each key is v<number>:<base64 of 32 bytes>") from None
        if len(key) != 32 or not 1 <= version <= 255:
            raise ImproperlyConfigured("CRM_VAULT_KEYS: a key has 32 bytes and a version from 1 to 255")
        keys[version] = key
    if not keys:
        raise ImproperlyConfigured("CRM_VAULT_KEYS holds no key")
    return keys


@lru_cache(maxsize=1)
def masters() -> dict[int, bytes]:
    """Return the master keys of the environment or the key file; none where a key server alone wraps."""
    if not settings.VAULT_KEYS and not settings.VAULT_FILE:
        return {}
    return parse_keys(settings.VAULT_KEYS or Path(settings.VAULT_FILE).read_text())


@lru_cache(maxsize=16)
def _local(version: int) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=b"crm|kek", info=b"wrap").derive(masters()[version]))


def newest() -> str:
    """Return which key wraps now.

    :raises PortUnknown: if the key server gives no certain answer
    """
    if settings.PORTS.get(transit.NAME):
        return f"transit:{settings.TRANSIT_KEY}:v{transit.newest()}"
    return f"local:v{max(masters())}"


def wrap(data: bytes, *, place: str) -> tuple[str, bytes]:
    """Return which key wrapped `data`, and the wrapped bytes, bound to `place` where the key is ours.

    :raises PortRefused: if the key server says no
    :raises PortUnknown: if the key server gives no certain answer
    """
    if settings.PORTS.get(transit.NAME):
        wrapped = transit.encrypt(data)
        return _named(wrapped), wrapped.encode()
    version, nonce = max(masters()), os.urandom(NONCE)
    return f"local:v{version}", nonce + _local(version).encrypt(nonce, data, place.encode())


def unwrap(kek: str, wrapped: bytes, *, place: str) -> bytes:
    """Return what was wrapped by `kek`.

    :raises CannotUnwrap: if that key is missing or does not open it
    :raises PortUnknown: if the key server gives no certain answer
    """
    kind, _colon, rest = kek.partition(":")
    if kind == "transit":
        return transit.decrypt(wrapped.decode())
    version = int(rest.removeprefix("v"))
    if version not in masters():
        raise CannotUnwrap(
            _("%(key)s is wrapped by the master key version %(version)s, which is missing.") % {"key": place, "version": version}
        )
    try:
        return _local(version).decrypt(wrapped[:NONCE], wrapped[NONCE:], place.encode())
    except InvalidTag:
        raise CannotUnwrap(
            _("%(key)s does not open: master key version %(version)s is another one, or the row was altered.")
            % {"key": place, "version": version}
        ) from None


def rewrap(kek: str, wrapped: bytes, *, place: str) -> tuple[str, bytes]:
    """Return the same wrapped by the newest key; a key server does it without showing what is inside. Refusals as in `unwrap`."""
    if kek.startswith(f"transit:{settings.TRANSIT_KEY}:") and settings.PORTS.get(transit.NAME):
        again = transit.rewrap(wrapped.decode())
        return _named(again), again.encode()
    return wrap(unwrap(kek, wrapped, place=place), place=place)


def forget() -> None:
    """Read the keys anew at the next use."""
    masters.cache_clear()
    _local.cache_clear()


def _named(wrapped: str) -> str:
    return f"transit:{settings.TRANSIT_KEY}:{wrapped.split(':')[1]}"
