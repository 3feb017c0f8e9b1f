"""What apps put on a person's home page: queues with a next step, figures that open their list, one main action."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.lib.registry import Registry

FIGURES = 10


@dataclass(frozen=True)
class Block:
    """One registered piece; `roles` empty means every role that has the permission."""

    name: str
    permission: str
    order: int
    roles: tuple[str, ...]
    title: Any
    read: Callable[..., Any]
    empty: Any = ""
    icon: str = ""
    url_name: str = ""
    key: str = ""
    only_full: bool = False


QUEUES: Registry[Block] = Registry("home queue")
TILES: Registry[Block] = Registry("home figure")
PANELS: Registry[Block] = Registry("home panel")
ACTIONS: Registry[Block] = Registry("home action")


def queue(
    name: str,
    *,
    title: Any,
    permission: str,
    read: Callable[[Any, datetime], Sequence[dict[str, Any]]],
    empty: Any,
    order: int,
    roles: Sequence[str] = (),
    url_name: str = "",
    only_full: bool = False,
) -> None:
    """Add a queue: `read(user, at)` returns at most six rows for `parts/_queue.html`, the next one first.

    :param url_name: the list behind the queue
    :param only_full: shown only while something is in it
    """
    QUEUES.register(name, Block(name, permission, order, tuple(roles), title, read, empty, "", url_name, "", only_full))


def figure(
    name: str,
    *,
    label: Any,
    permission: str,
    read: Callable[[Any, datetime], dict[str, Any]],
    order: int,
    roles: Sequence[str] = (),
) -> None:
    """Add a figure: `read(user, at)` returns {figure, url, under, tone}; ten of the lowest order are shown."""
    TILES.register(name, Block(name, permission, order, tuple(roles), label, read))


def panel(name: str, *, title: Any, permission: str, order: int, url_name: str, roles: Sequence[str] = ()) -> None:
    """Add a panel under the first queue; it is asked for from `url_name`, under its own permission, when it comes near."""
    PANELS.register(name, Block(name, permission, order, tuple(roles), title, _nothing, "", "", url_name))


def action(
    name: str,
    *,
    label: Any,
    permission: str,
    url_name: str,
    icon: str = "plus",
    key: str = "n",
    order: int = 50,
    roles: Sequence[str] = (),
) -> None:
    """Offer the main action of the page; the first one a person may do is shown."""
    ACTIONS.register(name, Block(name, permission, order, tuple(roles), label, _nothing, "", icon, url_name, key))


def _nothing(*_args: Any) -> None:
    return None


def ask(block: Block, user: Any, at: datetime) -> Any:
    """Read a block under its own permission: rights that were lent open rows for that one only."""
    user.asked = block.permission
    try:
        return block.read(user, at)
    finally:
        user.asked = ""


def open_to(user: Any, blocks: Registry[Block]) -> list[Block]:
    """Return the blocks `user` may see, in order."""
    role = getattr((getattr(user, "previews", None) or user).role, "code", "")
    mine = [b for b in blocks.values() if user.has_perm(b.permission) and (not b.roles or role in b.roles)]
    return sorted(mine, key=lambda block: block.order)
