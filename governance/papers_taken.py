"""Papers taken out of the house: each stands among the files taken, with who took it and what for. The paper itself is not kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.lib.registry import Registry
from governance.models import Export, User


@dataclass(frozen=True)
class Paper:
    """A kind of paper as the list of files taken names it; `purposes` say what it may be made for."""

    title: Any
    purposes: Mapping[str, Any]


# Apps above register their kinds of paper: name → what it is.
PAPERS: Registry[Paper] = Registry("paper")


def took(kind: str, serial: str, *, purpose: str, actor: User, at: datetime) -> Export:
    """Note that a paper left as a file. Called inside the transaction of the door that gives it out, which records it in the ledger.

    :raises KeyError: for a kind or a purpose nobody registered
    """
    _known = PAPERS[kind].purposes[purpose]
    return Export.objects.create(
        list=kind, subject=serial, actor=actor, purpose=purpose, reason="", columns=[], rows=1, downloads=1, created_at=at, expires_at=at
    )


def named(row: Export) -> None:
    """Give a row of the files taken what its page says of a paper: title and purpose; nothing for a list."""
    paper = PAPERS.get(row.list)
    if paper is not None:
        row.title = paper.title  # type: ignore[attr-defined]
        row.what_for = paper.purposes.get(row.purpose, row.purpose)  # type: ignore[attr-defined]
