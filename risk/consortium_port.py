"""Port: what the lenders of a consortium say of a person, in bands. No consortium is connected: whoever asks is told so by name.

The app `consortium` will register its answer in `ANSWERS`; until then `ask` refuses and `facts` tells a strategy nothing, so that a fact of it
is absent rather than zero. In mainland China credit facts go through a licensed bureau, not directly between lenders: the pack of that
country leaves this off.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.registry import Registry

NAME = "consortium"


class NoConsortium(DomainError):
    """No consortium is connected: nobody was asked."""

    code = "no_consortium"


@dataclass(frozen=True)
class Banded:
    """An answer: bands, never numbers, by name; and when it was given."""

    bands: Mapping[str, str]
    at: datetime


ANSWERS: Registry[Callable[[int, datetime], Banded | None]] = Registry("answer of a consortium")


def is_on() -> bool:
    """Return whether a consortium is connected."""
    return any(True for _answer in ANSWERS.values())


def ask(customer_id: int, *, at: datetime) -> Banded | None:
    """Return what the consortium says of a person; None where it knows nobody.

    :raises NoConsortium: if none is connected
    """
    for answer in ANSWERS.values():
        return answer(customer_id, at)
    raise NoConsortium(_("No consortium is connected."))


def facts(customer_id: int, *, at: datetime) -> dict[str, Any]:
    """Return the facts of the consortium's answer; nothing while none is connected."""
    if not is_on():
        return {}
    found = ask(customer_id, at=at)
    return {} if found is None else {f"consortium_{name}": band for name, band in found.bands.items()}
