"""The own secret of each person: what is sealed for them is sealed under HKDF of the data key and this secret, so that destroying it ends all.

A token says whose it is (`BOUND` in its second byte, eight bytes of the person's number after the header), so that opening asks no row for
its person. Secrets are read for all rows that came from the database since the last reading, in one query (`noticed`): a list of fifty
persons costs one, however its rows were joined. A process keeps them for `VAULT_FRESH` seconds at most.

A secret that this transaction made counts only while the transaction may still commit: nothing is sealed under one that was rolled back.
"""

import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from governance import key_ring

LABEL = "governance.personkey"
BOUND = 0x80  # set in the second byte of a token that is bound to a person
NUMBER = 8  # bytes of the person's number
ERASED = b"\0\xff\0\0"  # stands in the column of a person who was erased
MOST = 20_000  # secrets a process holds
INFO = b"crm|person"

FIND = "SELECT id, token FROM governance_personkey WHERE id = ANY (%s)"
MAKE = """
INSERT INTO governance_personkey (id, token) SELECT * FROM unnest(%s::bigint[], %s::bytea[]) AS made (id, token) ORDER BY id
ON CONFLICT DO NOTHING RETURNING id
"""


class PersonErased(DomainError):
    """What was known of the person was erased for good: nothing of it opens, and nothing new is kept for them."""

    code = "person_erased"
    status = 409


class _Made:
    """Stands among what a transaction does on commit: gone from there, it was rolled back."""

    committed = False

    def __call__(self) -> None:
        self.committed = True

    def holds(self) -> bool:
        return self.committed or any(work[1] is self for work in connection.run_on_commit)


@dataclass(slots=True)
class _Known:
    secret: bytes | None  # None: destroyed
    made: _Made | None
    read_at: float
    ciphers: dict[bytes, AESGCM] = field(default_factory=dict)


_known: dict[int, _Known] = {}
_noticed: dict[int, None] = {}  # persons of rows that were read and not opened yet


def forget(person: int | None = None) -> None:
    """Read secrets anew at the next use."""
    if person is None:
        _known.clear()
        _noticed.clear()
    else:
        _known.pop(person, None)


def is_bound(token: bytes | memoryview) -> bool:
    head = bytes(token[:2])
    return len(token) > key_ring.HEADER + NUMBER and head[0] == 0 and head[1] & BOUND != 0 and head[1] != ERASED[1]


def person_of(token: bytes | memoryview) -> int:
    return int.from_bytes(token[key_ring.HEADER : key_ring.HEADER + NUMBER], "big")


def noticed(token: bytes | memoryview | None) -> None:
    """Remember whose value came from the database: their secrets are read together when the first is opened."""
    if token is not None and is_bound(token):
        if len(_noticed) > MOST:
            _noticed.clear()
        _noticed[person_of(token)] = None


def bound(header: bytes, person: int) -> bytes:
    """Return the first bytes of what is sealed for `person` under the data key of `header`."""
    return bytes([0, header[1] | BOUND]) + header[2:] + person.to_bytes(NUMBER, "big")


def sealing(person: int, purpose: str) -> tuple[bytes, AESGCM]:
    """Return first bytes and cipher of what is sealed for `person`; a person without a secret gets one, in this transaction.

    :raises PersonErased: if the person's secret was destroyed
    :raises kek.CannotUnwrap: if the data key does not unwrap
    """
    header, _cipher = key_ring.sealing(purpose)
    found = _sure(person)
    if found is None:
        make([person])
        found = _known[person]
    if found.secret is None:
        raise PersonErased(_("This person was erased: nothing is kept for them any more."))
    return bound(header, person), _cipher_of(found, header)


def cipher(token: bytes) -> AESGCM | None:
    """Return the cipher that opens a bound token; None when its data key or the person's secret is not there.

    :raises PersonErased: if the person's secret was destroyed
    :raises kek.CannotUnwrap: if the data key is there and does not unwrap
    """
    person, header = person_of(token), bytes([0, token[1] & ~BOUND]) + token[2 : key_ring.HEADER]
    if key_ring.key_of(header) is None:
        return None
    found = _fresh(person)
    if found is None:
        _read(sorted({person, *_noticed}))
        _noticed.clear()
        found = _known.get(person)
    if found is None:
        return None
    if found.secret is None:
        raise PersonErased(_("This person was erased: nothing of it opens any more."))
    return _cipher_of(found, header)


def still_kept(row: Any) -> None:
    """Go on only if the person was not erased; for doors that would begin something new with them.

    :raises PersonErased: if they were
    """
    if row.erased_at is not None:
        raise PersonErased(_("This person was erased: nothing is kept for them any more."))


def begin(persons: Collection[int]) -> None:
    """Make the secrets of persons who have just got their number; one statement."""
    _insert(sorted(persons))


def make(persons: Iterable[int]) -> None:
    """Make the secrets of those who have none, in the caller's transaction; two statements at most."""
    wanted = sorted({person for person in persons if _sure(person) is None})
    if wanted:
        found = _read(wanted)
        _insert([person for person in wanted if person not in found])


@transaction.atomic
def destroy(person: int, *, at: datetime) -> None:
    """Destroy the secret of `person` for good. A person who never had one is told apart from now on too."""
    forget(person)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_personkey (id, token, destroyed_at) VALUES (%s, NULL, %s)"
            " ON CONFLICT (id) DO UPDATE SET token = NULL, destroyed_at = coalesce(governance_personkey.destroyed_at, excluded.destroyed_at)",
            [person, at],
        )


def derived(data_key: bytes, secret: bytes, header: bytes) -> bytes:
    """Return the key of what is sealed for a person: HKDF-SHA256 (RFC 5869), the person's secret as salt, for one block of output."""
    return _hmac(_hmac(secret, data_key), INFO + header + b"\x01")


INNER, OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


def _hmac(key: bytes, text: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104) under a key of 32 bytes; the library's own takes five times as long to begin, fifty times a page."""
    key = key.ljust(64, b"\0")
    return sha256(key.translate(OUTER) + sha256(key.translate(INNER) + text).digest()).digest()


def _cipher_of(found: _Known, header: bytes) -> AESGCM:
    made = found.ciphers.get(header)
    if made is None:
        data_key = key_ring.key_of(header)
        assert data_key is not None and found.secret is not None
        made = found.ciphers[header] = AESGCM(derived(data_key, found.secret, header))
    return made


def _fresh(person: int) -> _Known | None:
    found = _known.get(person)
    return found if found is not None and time.monotonic() - found.read_at <= settings.VAULT_FRESH else None


def _sure(person: int) -> _Known | None:
    """Return what is known of a secret that is committed, or that this transaction made and has not rolled back."""
    found = _fresh(person)
    if found is None or (found.made is not None and not found.made.holds()):
        return None
    return found


def _read(persons: list[int]) -> set[int]:
    """Read the secrets of `persons`, one query; return whose are there."""
    from governance import vault  # it seals by this module

    with connection.cursor() as cursor:
        cursor.execute(FIND, [persons])
        rows = cursor.fetchall()
    made_here = {person: known.made for person in persons if (known := _known.get(person)) and known.made and known.made.holds()}
    for person, token in rows:
        secret = None if token is None else vault.unseal_bytes(bytes(token), aad=_place(person))
        _keep(person, secret, made_here.get(person))
    return {person for person, _token in rows}


def _insert(persons: list[int]) -> None:
    from governance import vault

    if not persons:
        return
    secrets = {person: os.urandom(32) for person in persons}
    tokens = [vault.seal_bytes(secrets[person], aad=_place(person), purpose=key_ring.PERSON) for person in persons]
    made = _Made() if connection.in_atomic_block else None
    with connection.cursor() as cursor:
        cursor.execute(MAKE, [persons, tokens])
        mine = {person for (person,) in cursor.fetchall()}
    if made is not None:
        transaction.on_commit(made)
    for person in mine:
        _keep(person, secrets[person], made)
    if others := [person for person in persons if person not in mine]:  # another transaction made them meanwhile
        _read(others)


def _keep(person: int, secret: bytes | None, made: _Made | None) -> None:
    if len(_known) >= MOST:
        for old in list(_known)[: MOST // 2]:
            _known.pop(old, None)
    _known[person] = _Known(secret, made, time.monotonic())


def _place(person: int) -> str:
    return f"{LABEL}|{person}"


class PersonNumberField(models.BigAutoField):
    """The primary key of the model whose rows are persons: taken before the row is written, because its values are sealed for that number."""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BigAutoField", args, kwargs

    def get_pk_value_on_save(self, instance: models.Model) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> list[int]:
        """Return new numbers, each with its secret; two statements."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [self.model._meta.db_table, self.column, count],
            )
            numbers = [number for (number,) in cursor.fetchall()]
        begin(numbers)
        return numbers
