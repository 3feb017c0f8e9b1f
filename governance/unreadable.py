"""What cannot be read: named by model, record and field; shown in its place on pages; told once a record and day to who holds the keys.

While a page or an answer of the API is only read (GET, HEAD), a marker stands where the value would. Everywhere else – a form that is
sent, a task, a command – `Unreadable` is raised: nothing is sent, paid or written because of a value that is not there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import structlog
from django.apps import apps
from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError
from redis import RedisError

from crm.lib.errors import Invalid
from governance.vault import CannotOpen

DAY = 24 * 3600
MOST = 50  # records told of in a day: beyond that a key is missing and the first says it
FOR_PROGRAMS = "[cannot be read]"
WORDS = gettext_lazy("cannot be read")
ERASED_FOR_PROGRAMS = "[erased]"

logger = structlog.get_logger(__name__)
_shown: ContextVar[str] = ContextVar("unreadable_shown", default="")


class Unreadable(CannotOpen):
    """One field of one record cannot be read; `extra` names them."""

    code = "unreadable"


class Marker(str):
    """What stands in place of a value that cannot be read. Masks leave it as it is."""

    __slots__ = ()
    is_unreadable = True


@contextmanager
def shown(*, to_programs: bool = False) -> Iterator[None]:
    """Let a marker stand in place of what cannot be read, instead of a refusal."""
    token = _shown.set("programs" if to_programs else "people")
    try:
        yield
    finally:
        _shown.reset(token)


def instead(row: Any, field: Any, error: CannotOpen) -> str:
    """Return the marker for `field` of `row`, and tell of it.

    :raises Unreadable: where nothing is only shown
    """
    tell_later(row, field)
    if mode := _shown.get():
        return Marker(FOR_PROGRAMS if mode == "programs" else gettext("cannot be read"))
    words = {"field": field.name, "model": row._meta.label, "record": str(getattr(row, "public_id", row.pk)), "why": error}
    raise Unreadable(
        _("“%(field)s” of %(model)s %(record)s cannot be read. %(why)s") % words,
        model=row._meta.label,
        record=words["record"],
        field=field.name,
    ) from error


def erased(row: Any, field: Any, error: CannotOpen) -> str:
    """Return what stands in place of a value that was erased with its person; nobody is told, for nothing is amiss.

    :raises Erased: where nothing is only shown
    """
    if mode := _shown.get():
        return Marker(ERASED_FOR_PROGRAMS if mode == "programs" else gettext("erased"))
    raise error


def refuse_marker(value: str, field: Any) -> None:
    """Keep a marker that came back by a form from being sealed over what may yet be read.

    :raises Invalid: if `value` is a marker
    """
    if value == FOR_PROGRAMS or value == str(WORDS) or value == "cannot be read":
        raise Invalid(
            _("“%(field)s” cannot be read now and is not changed. Ask who holds the keys.") % {"field": field.name},
            fields={field.name: _("This could not be read: leave the record as it is until it can.")},
        )


def tell_later(row: Any, field: Any) -> None:
    """Ask a worker to record it and to tell people: at most once a record and day, and whatever becomes of this transaction."""
    from governance.tasks import tell_unreadable

    try:
        if not cache.add(f"unreadable:{row._meta.label_lower}:{row.pk}", 1, DAY):
            return
        logger.error("unreadable", model=row._meta.label, pk=row.pk, field=field.name)
        if cache.add("unreadable:count", 1, DAY) or cache.incr("unreadable:count") <= MOST:
            tell_unreadable.delay(model=row._meta.label, pk=row.pk, field=field.name)
    except (OSError, OperationalError, RedisError):  # neither cache nor broker: the page lives without them
        logger.exception("unreadable_not_told", model=row._meta.label, pk=row.pk)


def tell(*, model: str, pk: int, field: str, at: datetime) -> int:
    """Record that `field` of a record cannot be read, and tell who may view the keys; return how many people were told."""
    from governance import notices, users
    from governance.models import User
    from governance.permissions import VIEW_KEY
    from ledger import log

    row: Any = apps.get_model(model)._base_manager.filter(pk=pk).first()
    if row is None:
        return 0
    log.record("governance.value.unreadable", row, actor=users.system(), at=at, field=field)
    people = list(User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[VIEW_KEY]).order_by("pk"))
    key = f"unreadable:{model.lower()}:{pk}:{at.date()}"
    record = str(getattr(row, "public_id", pk))
    return notices.tell(people, code="keys.unreadable", key=key, url=reverse("key-list"), at=at, record=record, field=field)
