"""Sealing of personal values: AES-256-GCM bound to place and row, keyed fingerprints for exact search.

Token: 0, one byte for the key's purpose, two for its version (`key_ring.header`), 12 bytes nonce, ciphertext with tag (NIST SP 800-38D). What
is bound is the header, the label and the row. What belongs to a person is sealed under a key of their own (`governance.person_keys`): the
second byte then has its highest bit set, and the person's number stands between version and nonce. Tokens of the older format, which
begin with the version of a master key (1 to 255), open as ever; nothing new is sealed so.

A file's content begins with two zeros and is sealed with a key of its own (`governance.files`).
"""

import hashlib
import hmac
import os
import unicodedata
from contextlib import suppress
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from governance import kek, key_ring, person_keys

NONCE = 12
TAG = 16


class CannotOpen(DomainError):
    """A sealed value does not open: moved, altered, or sealed with a key that is gone."""

    code = "cannot_open"
    status = 409


class Erased(CannotOpen):
    """The person was erased: their key was destroyed, and nobody opens the value again."""

    code = "value_erased"


@lru_cache(maxsize=64)
def older(version: int) -> AESGCM:
    """Return the cipher of the older format under master key `version`."""
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"crm|seal").derive(kek.masters()[version]))


def purpose_of(label: str) -> str:
    """Return whose key seals a label: the class its field declares; what no field declares counts as identity and finance."""
    return key_ring.classes().get(label, key_ring.C2)


def seal(value: str, *, aad: str, person: int = 0) -> bytes:
    """Return `value` sealed to the place and row that `aad` names (`label|seal_key`), and to the person whose it is, where there is one.

    :raises PersonErased: if that person was erased
    """
    return seal_bytes(value.encode(), aad=aad, person=person)


def seal_bytes(value: bytes, *, aad: str, purpose: str = "", person: int = 0) -> bytes:
    """Return `value` sealed to the place and row that `aad` names, by the key of its label's class or of `purpose`.

    :raises PersonErased: if `person` was erased
    """
    purpose = purpose or purpose_of(aad.partition("|")[0])
    first, cipher = person_keys.sealing(person, purpose) if person else key_ring.sealing(purpose)
    nonce = os.urandom(NONCE)
    return first + nonce + cipher.encrypt(nonce, value, first + aad.encode())


def unseal(token: bytes, *, aad: str) -> str:
    """Return the text in `token`.

    :raises CannotOpen: if it was moved, altered or truncated, or its key is missing
    """
    return unseal_bytes(token, aad=aad).decode()


def unseal_bytes(token: bytes, *, aad: str) -> bytes:
    """Return the bytes in `token`.

    :raises CannotOpen: if it was moved, altered or truncated, or its key is missing
    :raises Erased: if its person was erased
    """
    if token == person_keys.ERASED:
        raise Erased(_("A value of %(place)s was erased with its person.") % {"place": _place(aad)})
    of_person = person_keys.is_bound(token)
    start = key_ring.HEADER + person_keys.NUMBER * of_person if token[:1] == b"\0" else 1
    if len(token) < start + NONCE + TAG:
        raise CannotOpen(_("A sealed value of %(place)s is cut short.") % {"place": _place(aad)})
    first, bound = token[:start], aad.encode()
    if start == 1:
        cipher = older(token[0]) if token[0] in kek.masters() else None
    else:
        bound = first + bound
        try:
            cipher = person_keys.cipher(token) if of_person else key_ring.cipher(first)
        except person_keys.PersonErased:
            raise Erased(_("A value of %(place)s was erased with its person.") % {"place": _place(aad)}) from None
        except kek.CannotUnwrap as error:
            raise CannotOpen(_("A sealed value of %(place)s does not open: %(why)s") % {"place": _place(aad), "why": error}) from error
    if cipher is None:
        if of_person and key_ring.cipher(bytes([0, token[1] & ~person_keys.BOUND]) + token[2:4]) is not None:
            raise CannotOpen(_("The key of the person that a value of %(place)s is sealed for is missing.") % {"place": _place(aad)})
        words = {"version": version_of(token), "place": _place(aad)}
        raise CannotOpen(_("Key version %(version)s for %(place)s is missing.") % words)
    try:
        return cipher.decrypt(token[start : start + NONCE], token[start + NONCE :], bound)
    except InvalidTag:
        pass
    if of_person:  # the secret this process holds may be one of before a restore, or of a transaction that was rolled back
        person_keys.forget(person_keys.person_of(token))
        with suppress(InvalidTag, person_keys.PersonErased):
            if again := person_keys.cipher(token):
                return again.decrypt(token[start : start + NONCE], token[start + NONCE :], bound)
    raise CannotOpen(_("A sealed value of %(place)s was altered or moved.") % {"place": _place(aad)})


def version_of(token: bytes) -> int:
    """Return the version of the key that sealed `token`."""
    return int.from_bytes(token[2:4], "big") if token[:1] == b"\0" else token[0]


def _place(aad: str) -> str:
    return aad.partition("|")[0]


def fingerprint(value: str, *, label: str) -> str:
    """Return the keyed hash that finds `value` without opening it: full length, one key per label.

    The key is secret, 256 bits and nowhere near the database's copy of it in clear, so that a mobile or a card, of which there are few enough
    to try all, cannot be tried by who has the database alone: the key is the pepper. A slow function would add nothing against who has no
    key, and 1,000,000 rows of an import times seven fields would pay for it.
    """
    text = unicodedata.normalize("NFKC", value).strip().upper()
    return hmac.new(key_ring.print_key(label), text.encode(), hashlib.sha256).hexdigest()
