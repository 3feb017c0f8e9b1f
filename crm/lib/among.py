"""Ids asked for by the thousand: `customer__among=among(ids)` is `= ANY('{…}'::bigint[])`, one value instead of one for each id.

`__in` prepares and checks each id by itself, in Python and in the database: for a part of 2,000 customers that costs more than the question.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.fields.related import ForeignObject


class Ids:
    """Ids as the database reads an array; nothing of Django iterates it."""

    __slots__ = ("text",)
    kind = "bigint[]"

    def __init__(self, ids: Iterable[int]) -> None:
        self.text = "{" + ",".join(map(str, map(int, ids))) + "}"


class Words:
    """Words as the database reads an array of text."""

    __slots__ = ("text",)
    kind = "text[]"

    def __init__(self, words: Iterable[str]) -> None:
        self.text = "{" + ",".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words) + "}"


def among(ids: Iterable[int]) -> Ids:
    """Return ids to be asked for by the look-up `among` of a bigint column or a key."""
    return Ids(ids)


def among_words(words: Iterable[str]) -> Words:
    """Return words to be asked for by the look-up `among` of a column of text."""
    return Words(words)


@ForeignObject.register_lookup  # whose look-ups are its own
@models.Field.register_lookup
class Among(models.Lookup):  # type: ignore[type-arg]  # not generic at run time
    """The column is one of the ids, or of the words."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s::{self.rhs.kind})", (*params, self.rhs.text)
