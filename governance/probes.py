"""Who asks for what is not theirs: each such question goes into the ledger, many of them to compliance; and how often somebody may guess."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import models
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from governance import notices, rules
from ledger import log

WRITTEN = 20  # entries an hour of one person: what is more is the same news
HOUR, DAY = 3600, 86_400
MISSES = "search.misses_a_day"


class TooManyGuesses(DomainError):
    """Exact searches that found nobody: whoever may not open values could try them all."""

    code = "too_many_guesses"
    status = 429


_later: ContextVar[list[tuple[type[models.Model], Any, str, datetime]] | None] = ContextVar("asked in vain", default=None)


@contextmanager
def noted_at_the_end() -> Iterator[None]:
    """Write down what is asked for inside once it is over: a door that refuses takes back whatever its transaction wrote."""
    kept: list[tuple[type[models.Model], Any, str, datetime]] = []
    token = _later.set(kept)
    try:
        yield
    finally:
        _later.reset(token)
        for model, user, public_id, at in kept:
            _write(model, user, public_id, at=at)


def note(model: type[models.Model], user: Any, public_id: str, *, at: datetime) -> None:
    """Record that `user` asked for a row of `model` that is there and is not theirs; nothing for one that is not there."""
    kept = _later.get()
    if kept is None:
        _write(model, user, public_id, at=at)
    elif all((model, public_id) != (one[0], one[2]) for one in kept):
        kept.append((model, user, public_id, at))


def _write(model: type[models.Model], user: Any, public_id: str, *, at: datetime) -> None:
    row = None if "\0" in public_id else model._default_manager.filter(public_id=public_id).only("pk").first()
    if row is None:
        return
    asked = count(f"probe:{user.pk}", HOUR)
    if asked <= WRITTEN:
        customer = {"customer_id": getattr(row, "customer_id", None)} if any(f.name == "customer" for f in model._meta.fields) else {}
        log.record("governance.access.refused", row, actor=user, at=at, **customer)
    if asked == WRITTEN:
        _warn(user, "probing", at=at)


def guessed(user: Any, *, at: datetime) -> None:
    """Count an exact search of `user` that found nobody.

    :raises TooManyGuesses: once a day's number is used up; compliance is told
    """
    today = localdate(at)
    most = int(rules.value(MISSES, on=today))
    missed = count(f"guess:{today}:{user.pk}", DAY)
    if missed == most + 1:
        log.record("governance.access.guessing", user, actor=user, at=at, misses=missed)
        _warn(user, "guessing", at=at)
    if missed > most:
        raise TooManyGuesses(_("Too many searches of today found nobody. Search again tomorrow, or ask compliance."))


def count(key: str, seconds: int) -> int:
    """Return how often `key` was counted since its first time, this one included."""
    cache.add(key, 0, seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # it ran out between the two
        cache.set(key, 1, seconds)
        return 1


def _warn(user: Any, what: str, *, at: datetime) -> None:
    from governance.models import User
    from governance.permissions import VIEW_PROBE

    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[VIEW_PROBE]).exclude(pk=user.pk)
    notices.tell(
        list(people), code=f"access.{what}", key=f"access.{what}:{user.pk}:{at:%Y%m%d%H}", url=f"/admin/users/{user.public_id}/", at=at, actor=user,
    )  # fmt: skip


@notices.words("access.probing", icon="lock", tone="warn")
def _probing(notice: Any) -> Any:
    return _("Somebody asks again and again for files that are not theirs.")


@notices.words("access.guessing", icon="lock", tone="warn")
def _guessing(notice: Any) -> Any:
    return _("Somebody searches again and again for people who are not here.")
