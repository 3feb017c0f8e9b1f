"""What the house refuses in the story is told, and the story goes on.

Who pays, calls and complains is drawn, so on some day a case that a story needs is paused, frozen or too small. A person would take the next
one; a start of the whole product must not end at it. Only refusals by name are taken so: every other error is a fault and stops the load.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

from crm.lib.errors import DomainError

if TYPE_CHECKING:
    from crm.demo.play import House


@contextmanager
def told(house: House, about: str) -> Iterator[None]:
    """Do all of it or nothing; say what was refused of `about`."""
    try:
        with transaction.atomic():
            yield
    except DomainError as refused:
        house.say(f"  {about}: {refused.message}")
