"""Notices to staff: told by doors, worded by whoever tells them, counted on the bell in the header.

Telling and reading leave no entry in the ledger: what a notice is about has its own, in the same transaction.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib import pages
from crm.lib.registry import Registry
from governance.models import Notice, User

CAP = 99
KEPT_SECONDS = 300  # how long the bell's figure is believed; telling and reading forget it at once
RETENTION = timedelta(days=180)

Say = Callable[[Notice], Any]


@dataclass(frozen=True)
class Words:
    """How a kind of notice is told."""

    say: Say
    icon: str
    tone: str


WORDS: Registry[Words] = Registry("notice")


def words(code: str, *, icon: str = "bell", tone: str = "info") -> Callable[[Say], Say]:
    """Register `say(notice)`, which returns a whole sentence without personal values, for notices of a code."""

    def decorate(say: Say) -> Say:
        WORDS.register(code, Words(say, icon, tone))
        return say

    return decorate


def tell(people: Iterable[User], *, code: str, key: str, url: str, at: datetime, actor: User | None = None, **facts: Any) -> int:
    """Tell each of `people` but the actor, once per `key`; return how many were told now.

    :param url: an address of ours, which carries public ids only
    :param facts: codes, counts and public ids the sentence needs
    """
    wanted = {person.pk for person in people if person.is_active and (actor is None or person.pk != actor.pk)}
    actor_id = actor.pk if actor else None
    return tell_each([Notice(user_id=pk, code=code, key=key, url=url, facts=facts, actor_id=actor_id, at=at) for pk in sorted(wanted)])


def tell_each(rows: list[Notice]) -> int:
    """Tell each row's person, once per key, with two statements; return how many were told now."""
    had = set(Notice.objects.filter(user__in={row.user_id for row in rows}, key__in={row.key for row in rows}).values_list("user", "key"))
    rows = [row for row in rows if (row.user_id, row.key) not in had]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    _forget({row.user_id for row in rows})
    return len(rows)


def mark_read(user: User, *, at: datetime, notice: Notice | None = None) -> int:
    """Mark one notice of `user` as read, or all of them; return how many were not."""
    rows = Notice.objects.filter(user=user, read_at__isnull=True)
    if notice is not None:
        rows = rows.filter(pk=notice.pk)
    changed = rows.update(read_at=at)
    _forget([user.pk])
    return changed


def unread_label(user: User) -> str:
    """Return the bell's figure: empty for none, `7`, `99+`. Asked of the database once in five minutes at most."""
    label = cache.get_or_set(_place(user.pk), lambda: pages.count_label(_unread(user), CAP), KEPT_SECONDS)
    return "" if label == "0" else str(label)


def sentence(notice: Notice) -> str:
    """Return the notice in words; one whose kind is gone says that something happened."""
    told = WORDS.get(notice.code)
    return str(told.say(notice)) if told else _("Something happened on a record of yours.")


def shown(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return rows for the page: notice, text, icon, tone."""
    rows = []
    for notice in notices:
        told = WORDS.get(notice.code)
        rows.append(
            {
                "notice": notice,
                "text": sentence(notice),
                "icon": told.icon if told else "bell",
                "tone": told.tone if told else "neutral",
            }
        )
    return rows


def forget_old(*, at: datetime) -> int:
    """Delete notices past their retention; return how many."""
    gone, _rows = Notice.objects.filter(at__lt=at - RETENTION).delete()
    return gone


def _unread(user: User) -> Any:
    return Notice.objects.filter(user=user, read_at__isnull=True)


def _place(user_id: int) -> str:
    return f"notices.unread.{user_id}"


def _forget(user_ids: Iterable[int]) -> None:
    places = [_place(pk) for pk in user_ids]
    if places:
        cache.delete_many(places)
        transaction.on_commit(lambda: cache.delete_many(places), robust=True)
