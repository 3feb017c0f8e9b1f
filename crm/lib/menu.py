"""The sidebar: one ordered registry of entries; a person sees what their permissions open."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.registry import Registry

GROUPS = {
    "work": _("Work"),
    "customers": _("Customers"),
    "marketing": _("Marketing"),
    "credit": _("Credit"),
    "collections": _("Collections"),
    "risk": _("Risk"),
    "warning": _("Warning"),
    "service": _("Service"),
    "ledger": _("Ledger"),
    "governance": _("Governance"),
    "reports": _("Reports"),
    "admin": _("Admin"),
}


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar; `key` is the second key after `g` that opens it."""

    group: str
    order: int
    label: Any
    url_name: str
    permission: str
    icon: str
    key: str = ""


ENTRIES: Registry[Entry] = Registry("menu entry")


def entry(*, group: str, order: int, label: Any, url_name: str, permission: str, icon: str, key: str = "") -> None:
    """Add a sidebar entry; `permission` empty means every signed-in user.

    :raises ValueError: if the group is not one of GROUPS
    """
    if group not in GROUPS:
        raise ValueError(f"{group!r} is no group of the sidebar")
    ENTRIES.register(url_name, Entry(group, order, label, url_name, permission, icon, key))


@dataclass
class Line:
    """An entry as one person sees it on one page."""

    label: Any
    url: str
    icon: str
    key: str
    current: bool


@dataclass
class Group:
    """Entries under one name; a group of one shows no name."""

    label: Any
    lines: list[Line]

    @property
    def named(self) -> bool:
        return len(self.lines) > 1


def visible(user: Any, path: str) -> list[Group]:
    """Return the groups `user` may open, the entry of the longest matching address marked as current."""
    rows: list[tuple[str, Line]] = []
    for item in sorted(ENTRIES.values(), key=lambda item: (list(GROUPS).index(item.group), item.order)):
        if not item.permission or user.has_perm(item.permission):
            rows.append((item.group, Line(item.label, reverse(item.url_name), item.icon, item.key, False)))
    inside = [line for _group, line in rows if path == line.url or (line.url != "/" and path.startswith(line.url))]
    if inside:
        max(inside, key=lambda line: len(line.url)).current = True
    groups: dict[str, Group] = {}
    for name, line in rows:
        groups.setdefault(name, Group(GROUPS[name], [])).lines.append(line)
    return list(groups.values())
