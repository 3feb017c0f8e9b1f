"""The data keys as a process holds them: read and unwrapped once, asked again when an unknown version turns up.

Which version seals is asked again after `VAULT_FRESH` seconds, and only by who seals: a rotation waits that long before it retires what
it replaced (`governance.rotation`). Reading a list asks nothing.

Keys seal by class (JR/T 0171: C1, C2, C3), which the model's POLICY declares for the field; files, persons' secrets and fingerprints have
their own.
"""

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.apps import apps
from django.conf import settings
from django.db import connection

from governance import kek
from governance.kek import CannotUnwrap

C1, C2, C3, FILE, PERSON, FINGERPRINT, LEGACY = "C1", "C2", "C3", "file", "person", "fingerprint", "legacy"
CODES = {C1: 1, C2: 2, C3: 3, FILE: 4, PERSON: 5}  # the second byte of a token
SEALING = tuple(CODES)
ALL = (*SEALING, FINGERPRINT)
HEADER = 4
MISSED = 5.0  # seconds

TAKE = """
INSERT INTO governance_datakey (purpose, version, wrapped, kek, check_value, status, created_at)
VALUES (%s, 1, %s, %s, %s, 'live', now()) ON CONFLICT DO NOTHING
"""


@dataclass
class Ring:
    """What a process knows: ciphers by the first four bytes of a token, which of them seal, the keys of fingerprints."""

    ciphers: dict[bytes, AESGCM] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)  # what a person's key is derived from
    live: dict[str, tuple[bytes, AESGCM]] = field(default_factory=dict)
    prints: dict[str, bytes] = field(default_factory=dict)  # label → key
    print_root: bytes = b""
    read_at: float = 0.0
    problems: dict[bytes, str] = field(default_factory=dict)  # keys that do not unwrap


_ring: Ring | None = None
_missed: dict[bytes, float] = {}  # what was looked for in vain, and when: a page of rows without a key asks once
_lock = threading.Lock()


def header(purpose: str, version: int) -> bytes:
    """Return the first four bytes of what a key seals. The first is 0, which no token of the older format begins with."""
    return bytes([0, CODES[purpose]]) + version.to_bytes(2, "big")


def place_of(purpose: str, version: int) -> str:
    """Return what a wrapped key is bound to, and is called in a refusal."""
    return f"data key {purpose} v{version}"


def check_value(key: bytes, purpose: str, version: int) -> str:
    """Return a keyed hash that tells a wrong key, or a swapped row, before anything is opened with it."""
    return hmac.new(key, place_of(purpose, version).encode(), hashlib.sha256).hexdigest()[:32]


@lru_cache(maxsize=1)
def classes() -> dict[str, str]:
    """Return {label: class} of every sealed field, as its model's POLICY declares; what is declared nowhere is internal."""
    from governance.fields import SealedTextField

    return {
        one.label: model.POLICY.personal.get(one.name, C1)  # type: ignore[attr-defined]
        for model in apps.get_models()
        for one in model._meta.concrete_fields
        if isinstance(one, SealedTextField)
    }


def sealing(purpose: str) -> tuple[bytes, AESGCM]:
    """Return header and cipher of the version that seals for `purpose`.

    :raises CannotUnwrap: if it does not unwrap: nothing is sealed under an older one instead
    """
    ring = _ring
    if ring is None or time.monotonic() - ring.read_at > settings.VAULT_FRESH:
        ring = read()
    if purpose not in ring.live:
        raise CannotUnwrap("; ".join(sorted(ring.problems.values())) or f"There is no data key for {purpose}.")
    return ring.live[purpose]


def cipher(first: bytes) -> AESGCM | None:
    """Return the cipher for a token that begins with `first`; None when there is no such key.

    :raises CannotUnwrap: if the key is there and does not unwrap
    """
    ring = _ring or read()
    if (found := ring.ciphers.get(first)) is not None:
        return found
    if time.monotonic() - _missed.get(first, -MISSED) > MISSED:
        ring = read()  # another process may have made it since
        if first not in ring.ciphers:
            _missed[first] = time.monotonic()
    if first in ring.problems:
        raise CannotUnwrap(ring.problems[first])
    return ring.ciphers.get(first)


def key_of(first: bytes) -> bytes | None:
    """Return the data key itself, as `cipher` returns its cipher. Refusals as there."""
    if cipher(first) is None or _ring is None:
        return None
    return _ring.keys.get(first)


def print_key(label: str) -> bytes:
    """Return the 32-byte key of fingerprints under `label`. It does not follow the rotation of the keys that seal."""
    ring = _ring or read()
    found = ring.prints.get(label)
    if found is None:
        if not ring.print_root:
            raise CannotUnwrap("The key of fingerprints does not unwrap: nothing can be searched or saved until its wrapping key is back.")
        info = f"crm|fingerprint|{label}".encode()
        found = ring.prints[label] = HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(ring.print_root)
    return found


def read() -> Ring:
    """Read the keys anew, committed ones only; those that are missing are made. One that does not unwrap is told when it is needed.

    :raises PortUnknown: if the key server gives no certain answer
    """
    global _ring
    with _lock:
        rows = _rows()
        if {row[0] for row in rows if row[4] == "live"} < set(ALL):
            make_missing()
            rows = _rows()
        known = (_ring.ciphers, _ring.keys) if _ring else ({}, {})
        ring = Ring(read_at=time.monotonic(), print_root=_ring.print_root if _ring else b"", prints=_ring.prints if _ring else {})
        for purpose, version, wrapped, key_id, status, check in rows:
            if purpose == LEGACY:
                continue
            if purpose == FINGERPRINT:
                if status == "live" and not ring.print_root:
                    with suppress(CannotUnwrap):  # told when it is needed
                        ring.print_root = opened(purpose, version, key_id, wrapped, check)
                continue
            first = header(purpose, version)
            try:
                key = known[1].get(first) or opened(purpose, version, key_id, wrapped, check)
                ring.keys[first], ring.ciphers[first] = key, known[0].get(first) or AESGCM(key)
            except CannotUnwrap as error:
                ring.problems[first] = str(error)
                continue
            if status == "live":
                ring.live[purpose] = (first, ring.ciphers[first])
        _ring = ring
        return ring


def opened(purpose: str, version: int, key_id: str, wrapped: bytes, check: str) -> bytes:
    """Return the data key of a row.

    :raises CannotUnwrap: if it does not open, or is another row's
    """
    place = place_of(purpose, version)
    key = kek.unwrap(key_id, bytes(wrapped), place=place)
    if not hmac.compare_digest(check_value(key, purpose, version), check):
        raise CannotUnwrap(f"{place} is not the key that this row names.")
    return key


@contextmanager
def _committed() -> Iterator[Any]:
    """Yield a cursor that sees and makes what is committed only: a key of a transaction that rolls back must never have sealed anything."""
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            yield cursor
        return
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()


def _rows() -> list[tuple[str, int, bytes, str, str, str]]:
    with _committed() as cursor:
        cursor.execute("SELECT purpose, version, wrapped, kek, status, check_value FROM governance_datakey ORDER BY id")
        return [(row[0], row[1], bytes(row[2]), row[3], row[4], row[5]) for row in cursor.fetchall()]


def make_missing() -> None:
    """Make version 1 of every key that is not there.

    Where values were sealed before there were data keys, fingerprints go on under the key they had: HKDF's first step on the oldest master
    key. It opens neither a data key nor, once those values are sealed anew, anything else.
    """
    with _committed() as cursor:
        cursor.execute("SELECT purpose FROM governance_datakey WHERE status = 'live'")
        there = {purpose for (purpose,) in cursor.fetchall()}
        for purpose in ALL:
            if purpose in there:
                continue
            key = os.urandom(32)
            if purpose == FINGERPRINT and kek.masters() and _sealed_before(cursor):
                key = hmac.new(bytes(32), kek.masters()[min(kek.masters())], hashlib.sha256).digest()
            key_id, wrapped = kek.wrap(key, place=place_of(purpose, 1))
            cursor.execute(TAKE, [purpose, wrapped, key_id, check_value(key, purpose, 1)])


def _sealed_before(cursor: Any) -> bool:
    """Return whether some row holds a sealed value."""
    from governance.fields import SealedTextField

    for model in apps.get_models():
        for one in model._meta.concrete_fields:
            if isinstance(one, SealedTextField):
                cursor.execute(f'SELECT 1 FROM "{model._meta.db_table}" WHERE "{one.column}" IS NOT NULL LIMIT 1')  # noqa: S608
                if cursor.fetchone():
                    return True
    return False


def forget() -> None:
    """Read the keys anew at the next use: after a rotation, and in tests."""
    global _ring
    _ring = None
    _missed.clear()
