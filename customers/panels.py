"""What other apps show on the customer's page: each panel is an address of theirs with its own permission."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from crm.lib.registry import Registry


@dataclass(frozen=True)
class Panel:
    name: str
    title: Any
    url_name: str
    permission: str
    order: int
    icon: str = ""


PANELS: Registry[Panel] = Registry("customer panel")


def add(name: str, *, title: Any, url_name: str, permission: str, order: int) -> None:
    """Put a panel on the customer's page; its address takes the customer's public id."""
    PANELS.register(name, Panel(name, title, url_name, permission, order))


def open_to(user: Any, public_id: str) -> list[dict[str, Any]]:
    """Return the panels `user` may open for one customer, in order, with their addresses."""
    mine = sorted((p for p in PANELS.values() if user.has_perm(p.permission)), key=lambda panel: panel.order)
    return [
        {"name": p.name, "title": p.title, "url": reverse(p.url_name, args=[public_id]), "key": str(n)} for n, p in enumerate(mine, start=2)
    ]
