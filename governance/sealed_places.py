"""Where sealed values lie: every sealed field of every model, the keys of files, the kept answers of the API. Read from the models themselves."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import connection

from governance import file_keys, key_ring, person_keys, persons, vault
from governance.fields import SealedTextField
from governance.models import FileKey, IdempotencyKey, PersonKey

Use = tuple[str, int]  # purpose and version of a key


@dataclass(frozen=True)
class Column:
    """One column of tokens: its field's name, what its tokens are bound to, whose key seals it."""

    name: str
    label: str
    purpose: str


@dataclass(frozen=True)
class Place:
    """A table with columns of tokens; `bound` is the column that, with the label, makes what a token is bound to.

    `person` leads to the person whose the values are (`governance.persons`).
    """

    model: Any
    bound: str
    columns: tuple[Column, ...]
    person: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)

    def person_sql(self, of: str = "kept") -> str:
        return persons.sql(self.model, self.person, of)


@lru_cache(maxsize=1)
def places() -> tuple[Place, ...]:
    """Return every table that holds sealed values."""
    found = []
    for model in apps.get_models():
        fields = [one for one in model._meta.concrete_fields if isinstance(one, SealedTextField)]
        if fields and not model._meta.proxy:
            columns = tuple(Column(one.column or one.name, one.label, vault.purpose_of(one.label)) for one in fields)
            found.append(Place(model, "seal_key", columns, persons.path(model)))
    found.append(Place(FileKey, "seal_key", (Column("token", file_keys.LABEL, key_ring.FILE),)))
    found.append(Place(PersonKey, "id", (Column("token", person_keys.LABEL, key_ring.PERSON),)))
    found.append(Place(IdempotencyKey, "id", (Column("body", "idempotency", vault.purpose_of("idempotency")),)))
    return tuple(found)


def counted() -> Counter[Use]:
    """Return how many values each key seals; one pass over each table. A first byte of 1 to 255 is a key from before data keys."""
    found: Counter[Use] = Counter()
    names = {code: purpose for purpose, code in key_ring.CODES.items()}
    with connection.cursor() as cursor:
        for place in places():
            values = ", ".join(f'(kept."{one.name}")' for one in place.columns)
            cursor.execute(
                f"SELECT substring(held.sealed FROM 1 FOR {key_ring.HEADER}), count(*) "  # noqa: S608  names come from the models
                f'FROM "{place.table}" AS kept CROSS JOIN LATERAL (VALUES {values}) AS held (sealed) WHERE held.sealed IS NOT NULL GROUP BY 1'
            )
            for first, count in cursor.fetchall():
                head = bytes(first)
                if head[:1] != b"\0":
                    found[(key_ring.LEGACY, head[0] if head else 0)] += count
                elif len(head) == key_ring.HEADER and (code := head[1] & ~person_keys.BOUND) in names:
                    found[(names[code], int.from_bytes(head[2:], "big"))] += count
    return found


def outdated(place: Place, live: dict[str, bytes]) -> tuple[str, list[bytes]]:
    """Return the condition for rows, called `kept`, that hold a value under another key than the one that seals now, with its parameters.

    A value under the data key alone counts too, where it belongs to a person and should be sealed for them.
    """
    parts: list[str] = []
    parameters: list[bytes] = []
    for one in place.columns:
        first, of_person = live[one.purpose], person_keys.bound(live[one.purpose], 0)[: key_ring.HEADER]
        wanted = f"CASE WHEN {place.person_sql()} IS NULL THEN %s::bytea ELSE %s::bytea END" if place.person else "%s"
        parts.append(f'(kept."{one.name}" IS NOT NULL AND substring(kept."{one.name}" FROM 1 FOR {key_ring.HEADER}) NOT IN (%s, {wanted}))')
        parameters += [person_keys.ERASED, first, of_person] if place.person else [person_keys.ERASED, first]
    return " OR ".join(parts), parameters


def ranges(place: Place, size: int, first: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of ranges of ids of about `size` rows, from `first` on."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                f'SELECT min(id), max(id) FROM (SELECT id FROM "{place.table}" WHERE id >= %s ORDER BY id LIMIT %s) AS part',  # noqa: S608
                [first, size],
            )
            found: Any = cursor.fetchone()
            if found[0] is None:
                return
            yield found
            first = found[1] + 1
