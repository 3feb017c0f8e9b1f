"""Global search: what apps can find, asked in one place; each narrows to the rows and kinds its reader may open."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.lib.fields import ALPHABET, LENGTH
from crm.lib.registry import Registry

SHORTEST_ID = 3  # characters after the dash; fewer name half the book


@dataclass(frozen=True)
class Hit:
    """One record as the search shows it: masked, with the address that opens it."""

    public_id: str
    title: str
    url: str
    under: Sequence[Any] = ()
    tone: str = ""
    label: Any = ""


@dataclass(frozen=True)
class Provider:
    """Finds records of one kind; `recall` reads again what a person opened before, by public id."""

    name: str
    title: Any
    permission: str
    find: Callable[[Any, str, int], list[Hit]]
    recall: Callable[[Any, Sequence[str]], list[Hit]]
    url_name: str
    icon: str
    order: int
    list_url_name: str = field(default="")


PROVIDERS: Registry[Provider] = Registry("search provider")


def provide(
    name: str,
    *,
    title: Any,
    permission: str,
    find: Callable[[Any, str, int], list[Hit]],
    recall: Callable[[Any, Sequence[str]], list[Hit]],
    url_name: str,
    icon: str,
    order: int,
    list_url_name: str = "",
) -> None:
    """Let the search ask `find(user, text, limit)`; `url_name` is the record's page, `list_url_name` the list behind it."""
    PROVIDERS.register(name, Provider(name, title, permission, find, recall, url_name, icon, order, list_url_name))


def open_to(user: Any) -> list[Provider]:
    """Return the providers whose kind `user` may open, in order."""
    return sorted((one for one in PROVIDERS.values() if user.has_perm(one.permission)), key=lambda one: one.order)


def id_of(text: str, prefix: str) -> str:
    """Return the beginning of a public id of the kind `prefix` that `text` may be, empty when it can be none.

    `l-7k2`, `L7K2M9QXAB` and a whole id without its letter are all understood.
    """
    compact = re.sub(r"[\s\-‐-―－]", "", text).upper()
    letters = f"[{ALPHABET}]"
    if re.fullmatch(f"{letters}{{{LENGTH}}}", compact):
        return f"{prefix}-{compact}"
    if re.fullmatch(f"{prefix}{letters}{{{SHORTEST_ID},{LENGTH}}}", compact) and (len(compact) == LENGTH + 1 or "-" in text):
        return f"{prefix}-{compact[1:]}"
    return ""
