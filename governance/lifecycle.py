"""Status is a table on the model; `move`, and `move_many` for rows of one kind, are the only functions that change it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.transactions import joined, update_returning
from ledger import log

M = TypeVar("M", bound=models.Model)


class IllegalMove(DomainError):
    """The status table has no such step."""

    code = "illegal_move"


class MovedMeanwhile(DomainError):
    """Somebody else moved it first."""

    code = "moved_meanwhile"


@joined()
def move(
    obj: M,
    to: str,
    *,
    actor: Any,
    at: datetime,
    event: str | None = None,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> M:
    """Move `obj` to status `to` with `changes`, if it still has the status it was read with; record it.

    :raises IllegalMove: if `obj.MOVES` has no such step
    :raises MovedMeanwhile: if the row's status is no longer what `obj` says
    """
    row: Any = obj
    was = row.status
    label = status_label(row, was)
    if to not in row.MOVES[was]:
        raise IllegalMove(
            _("%(record)s is “%(was)s” and cannot become “%(to)s”.") % {"record": obj, "was": label, "to": status_label(row, to)},
            was=str(was),
            to=str(to),
        )
    changes |= {"status": to}
    counted = hasattr(row, "version") and "version" not in changes
    if counted:
        changes["version"] = models.F("version") + 1  # an edit since `obj` was read has taken the next number
    standing = type(obj)._base_manager.filter(pk=obj.pk, status=was)
    written = update_returning(standing, changes, "version" if counted else "status")
    if written is None:
        raise MovedMeanwhile(
            _("%(record)s is no longer “%(was)s”: somebody else was faster.") % {"record": obj, "was": label},
            was=str(was),
        )
    if counted:
        changes["version"] = written
    for name, value in changes.items():
        setattr(obj, name, value)
    name = event or f"{obj._meta.label_lower}.{to}"
    log.record(name, obj, actor=actor, at=at, **{"was": str(was), **(facts or {})})
    return obj


@joined()
def move_many(
    rows: Sequence[M],
    to: str,
    *,
    actor: Any,
    at: datetime,
    event: str,
    facts: Callable[[M], Mapping[str, Any]] = lambda _row: {},
    **changes: Any,
) -> None:
    """Move rows that the caller holds locked to status `to`, all with the same `changes`, or none of them: one statement for each status
    they had, one for the entries of all.

    :raises IllegalMove: if `MOVES` has no such step for one of them
    :raises MovedMeanwhile: if one no longer has the status it was read with
    """
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        standing: Any = row
        groups[str(standing.status)].append(standing)
    for was, group in groups.items():
        if to not in group[0].MOVES[was]:
            words = {"record": group[0], "was": status_label(group[0], was), "to": status_label(group[0], to)}
            raise IllegalMove(_("%(record)s is “%(was)s” and cannot become “%(to)s”.") % words, was=was, to=str(to))
    entries = []
    for was, group in groups.items():
        counted = {"version": models.F("version") + 1} if hasattr(group[0], "version") else {}
        standing = type(group[0])._base_manager.filter(pk__in=[row.pk for row in group], status=was)
        if standing.update(status=to, **changes, **counted) != len(group):
            words = {"record": group[0], "was": status_label(group[0], was)}
            raise MovedMeanwhile(_("%(record)s is no longer “%(was)s”: somebody else was faster.") % words, was=was)
        for row in group:
            told = {"was": was, **facts(row)}
            entries.append(log.Row(row._meta.label_lower, row.pk, getattr(row, "customer_id", None), told))
            for name, value in {**changes, "status": to}.items():
                setattr(row, name, value)
            if counted:
                row.version += 1
    log.record_many(event, entries, actor=actor, at=at)


def status_label(obj: Any, status: str) -> Any:
    """Return the status in the user's language when its choices carry one."""
    return dict(obj._meta.get_field("status").flatchoices).get(status, status)
