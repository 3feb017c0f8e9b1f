"""What of a row a person reaches: the level of each guarded field, resolved in one place for pages, lists, search, files and API alike.

Rows are narrowed by `ScopedQuerySet.visible_to`; fields by `level`. A role's permissions say the most (change, open on request, see
masked); its own `field_levels` and `level_ceiling` narrow that, and nothing widens it. What shows a masked value asks `shown`, which knows
who reads: the request's person, or whoever a task works for (`reading`). Where nobody reads, in the house's own work, values are masked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import NotAllowed
from crm.lib.permissions import outside
from crm.lib.registry import Registry
from governance.models.identity import Level, User

HIDDEN = "••••"  # the same for a long value, a short one and none at all
RANK = {level: rank for rank, level in enumerate(Level.values)}


class FieldClosed(NotAllowed):
    """The role may not do this with the field."""

    code = "field_closed"


class OutsideHours(NotAllowed):
    """The role is closed at this hour."""

    code = "outside_hours"


@dataclass(frozen=True)
class Guarded:
    """A field whose level a role may narrow.

    `reveal` and `edit` are the permissions that open and change it.
    """

    label: Any
    reveal: str = ""
    edit: str = ""


FIELDS: Registry[Guarded] = Registry("guarded field")


def guard(code: str, label: Any, *, reveal: str = "", edit: str = "") -> str:
    """Declare a guarded field, `app.model.field`; the app that holds it does so beside the model."""
    FIELDS.register(code, Guarded(label, reveal, edit))
    return code


@cache
def sensitivity(code: str) -> int:
    """Return the level of a guarded field by JR/T 0197-2020 (1–5), as the data catalogue has it."""
    from governance import catalogue  # it reads the declarations of every app

    app, model, field = code.split(".")
    found = apps.get_model(app, model)
    return catalogue.entry(found, found._meta.get_field(field)).level


_products: list[Callable[[], list[tuple[str, Any]]]] = []


def offer_products(read: Callable[[], list[tuple[str, Any]]]) -> None:
    """Let roles be narrowed to products: `read()` returns code and name of each. The app that has products says so."""
    _products[:] = [read]


def products() -> list[tuple[str, Any]]:
    return [row for read in _products for row in read()]


def level(user: Any, code: str) -> str:
    """Return how much of the field `code` the role of `user` reaches, whatever their permissions; nothing without a role."""
    known: dict[str, str] = user.__dict__.setdefault("_field_levels", {})
    if code not in known:
        known[code] = _level(user, code)
    return known[code]


def _level(user: Any, code: str) -> str:
    previews = getattr(user, "previews", None)
    if previews is not None:  # both must reach it
        return min(_own_level(user, code), level(previews, code), key=RANK.__getitem__)
    return _own_level(user, code)


def _own_level(user: Any, code: str) -> str:
    role = getattr(user, "role", None)
    if role is None or not user.is_active:
        return Level.NONE
    if role.level_ceiling is not None and sensitivity(code) > role.level_ceiling:
        return Level.NONE
    return Level(role.field_levels.get(code, Level.EDIT))


def outside_hours(user: Any, *, at: datetime) -> OutsideHours | None:
    """Return the refusal for who comes outside the hours of their role, None within them."""
    hours = user.closed_at(at)
    if hours is None:
        return None
    return OutsideHours(outside(hours))


def may(user: Any, code: str, least: str) -> bool:
    """Return whether `user` reaches the field `code` at least so far, by level and permission."""
    if RANK[level(user, code)] < RANK[least]:
        return False
    field = FIELDS[code]
    needed = {Level.REVEAL: field.reveal, Level.EDIT: field.edit}.get(Level(least), "")
    return not needed or user.has_perm(needed)


def demand(user: Any, code: str, least: str) -> None:
    """:raises FieldClosed: if the role's level of the field is below `least`; permissions are the caller's to ask for"""
    if RANK[level(user, code)] >= RANK[least]:
        return
    sentence = {
        Level.REVEAL: _("Your role may not open “%(field)s”."),
        Level.EDIT: _("Your role may not change “%(field)s”."),
    }.get(Level(least), _("Your role does not see “%(field)s”."))
    raise FieldClosed(sentence % {"field": FIELDS[code].label}, field=code)


# --- who reads -------------------------------------------------------------------------------------------------------
_reader: ContextVar[Callable[[], Any] | None] = ContextVar("reader", default=None)


@contextmanager
def reading(who: Callable[[], Any]) -> Iterator[None]:
    """Let everything shown inside be what `who()` may see; asked for late, because the API knows its caller late."""
    token = _reader.set(who)
    try:
        yield
    finally:
        _reader.reset(token)


def reader() -> User | None:
    """Return who reads now; None in the house's own work and where nobody has signed in (a customer's own page)."""
    who = _reader.get()
    found = who() if who else None
    return found if isinstance(found, User) else None


def shown(code: str, masked: Callable[[], str]) -> str:
    """Return the masked value, or `HIDDEN` if the reader sees nothing of the field; it is not even opened then."""
    user = reader()
    return HIDDEN if user is not None and level(user, code) == Level.NONE else masked()


class Masked:
    """The attribute `masked_<field>` of a row: its mask, as far as the reader may see it."""

    def __init__(self, field: str, mask: Callable[[str], str], *, code: str = "") -> None:
        self.field, self.mask, self.code = field, mask, code

    def __set_name__(self, owner: Any, name: str) -> None:
        self.code = self.code or f"{owner.__module__.split('.')[0]}.{owner.__name__.lower()}.{self.field}"

    def __get__(self, row: Any, owner: Any = None) -> Any:
        if row is None:
            return self
        return shown(self.code, lambda: self.mask(getattr(row, self.field) or ""))
