"""Sealing of personal values: AES-256-GCM bound to place and row, keyed fingerprints for exact search.

Token: one byte key version, 12 bytes nonce, ciphertext with tag (NIST SP 800-38D). Keys for sealing and for
fingerprints are derived from the master key by HKDF (RFC 5869) under different labels.
"""

import base64
import hashlib
import hmac
import os
import unicodedata
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

NONCE = 12


class CannotOpen(DomainError):
    """A sealed value does not open: moved, altered, or sealed with a key that is gone."""

    code = "cannot_open"
    status = 409


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
def keys() -> dict[int, bytes]:
    """Return the master keys from the environment or the key file; the highest version seals."""
    return parse_keys(settings.VAULT_KEYS or Path(settings.VAULT_FILE).read_text())


@lru_cache(maxsize=64)
def derived(version: int, label: str) -> bytes:
    """Return the 32-byte key of `label` under master key `version`."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"crm|{label}".encode()).derive(keys()[version])


@lru_cache(maxsize=64)
def cipher(version: int) -> AESGCM:
    return AESGCM(derived(version, "seal"))


def seal(value: str, *, aad: str) -> bytes:
    """Return `value` sealed to the place and row that `aad` names."""
    return seal_bytes(value.encode(), aad=aad)


def seal_bytes(value: bytes, *, aad: str) -> bytes:
    """Return the content of a file sealed to the place and row that `aad` names."""
    version = max(keys())
    nonce = os.urandom(NONCE)
    return bytes([version]) + nonce + cipher(version).encrypt(nonce, value, aad.encode())


def unseal(token: bytes, *, aad: str) -> str:
    """Return the text in `token`.

    :raises CannotOpen: if it was moved, altered or truncated, or its key is missing
    """
    return unseal_bytes(token, aad=aad).decode()


def unseal_bytes(token: bytes, *, aad: str) -> bytes:
    """Return the bytes in `token`.

    :raises CannotOpen: if it was moved, altered or truncated, or its key is missing
    """
    place = aad.split("|", maxsplit=1)[0]
    if len(token) < 1 + NONCE + 16:
        raise CannotOpen(_("A sealed value of %(place)s is cut short.") % {"place": place})
    version, nonce, body = token[0], token[1 : 1 + NONCE], token[1 + NONCE :]
    if version not in keys():
        raise CannotOpen(_("Key version %(version)s for %(place)s is missing.") % {"version": version, "place": place})
    try:
        return cipher(version).decrypt(nonce, body, aad.encode())
    except InvalidTag:
        raise CannotOpen(_("A sealed value of %(place)s was altered or moved.") % {"place": place}) from None


def fingerprint(value: str, *, label: str) -> str:
    """Return the keyed hash that finds `value` without opening it: full length, one key per label.

    The lowest key version is used, so that fingerprints stay comparable while sealing keys rotate.
    """
    text = unicodedata.normalize("NFKC", value).strip().upper()
    return hmac.new(derived(min(keys()), f"fingerprint|{label}"), text.encode(), hashlib.sha256).hexdigest()
