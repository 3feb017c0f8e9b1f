"""What bodies of contacts share over HTTP: the parts of a promise, named as the body names them when one cannot be, and what may come next."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from collection.contacts import NEXT_ACTIONS
from collection.judgement import Part
from crm.lib.errors import DomainError

NEXT = [(channel.value, channel.label) for channel in NEXT_ACTIONS]
FIELD = re.compile(r"(amount|due_on)_(\d+)")  # as the form on a page calls them


def parts_of(rows: list[dict[str, Any]]) -> list[Part]:
    return [Part(row["due_on"], row["amount"]) for row in rows]


@contextmanager
def named(field: str) -> Iterator[None]:
    """Let a refusal name a part by its place in the body, such as `promise.0.due_on`, the way a value of a wrong form is named."""
    try:
        yield
    except DomainError as error:
        error.fields = {FIELD.sub(lambda at: f"{field}.{int(at[2]) - 1}.{at[1]}", name): words for name, words in error.fields.items()}
        raise
