"""Four eyes on the lists: putting a value on, taking one off or bringing in a file waits for a second person.

A proposal keeps what a list entry keeps: fingerprint and mask, never the value, and its reason sealed. Until it is confirmed it counts for
nothing.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.lib.errors import Invalid
from governance import changes, vault
from governance.changes import Kind, Line
from governance.models import ChangeRequest, User
from risk import lists
from risk.models import ListEntry
from risk.permissions import MANAGE_LIST

ADD, END, FILE = "risk.list_add", "risk.list_end", "risk.list_file"
KINDS = (ADD, END, FILE)
SHOWN = 100  # rows of a file that its page spells out; the rest are counted
PLACE = "risk.listentry.reason|proposal"  # a proposal is open JSON: reasons lie in it sealed to this place
PREFIX = 48  # characters of a fingerprint that name it in a proposal: 192 bits


def closed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a proposal with its reason sealed."""
    return dict(row) | {"reason": base64.b64encode(vault.seal(row["reason"], aad=PLACE)).decode()}


def opened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a proposal with its reason in words."""
    return dict(row) | {"reason": vault.unseal(base64.b64decode(row["reason"]), aad=PLACE)}


def propose(
    *, list: str, what: str, value: str, reason: str, source: str, actor: User, at: datetime,  # noqa: A002
    since: date | None = None, until: date | None = None,
) -> ChangeRequest:  # fmt: skip
    """Ask that a value be put on a list.

    :raises Invalid: with a sentence per wrong field
    :raises AlreadyListed: if it stands there already
    :raises AlreadyProposed: if the same waits for a second person
    """
    row = lists.checked(list=list, what=what, value=value, reason=reason, source=source, at=at, since=since, until=until)
    lists.refuse_listed(row)
    subject = f"{list}:{row['key'][:PREFIX]}"
    return changes.propose(ADD, subject, after=closed(row) | {"by": actor.pk}, reason=row["reason"], actor=actor, at=at)


def propose_end(entry: ListEntry, *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Ask that an entry be taken off its list.

    :raises Invalid: without a reason
    :raises AlreadyEnded: if it was taken off before
    :raises AlreadyProposed: if the same waits for a second person
    """
    after = closed({"reason": lists.worded(reason)}) | {"by": actor.pk}
    return changes.propose(END, entry.public_id, after=after, reason=reason, actor=actor, at=at)


def propose_file(rows: Sequence[Mapping[str, Any]], *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Ask that the rows of a file be put on their lists, all by one answer.

    :param rows: as `lists.read_csv` reads them
    :raises Invalid: without a row or a reason
    :raises AlreadyProposed: if the same rows wait for a second person
    """
    if not rows:
        raise Invalid(_("No row of the file can be put on a list."))
    subject = hashlib.sha256("|".join(sorted(f"{row['list']}:{row['key']}" for row in rows)).encode()).hexdigest()[:PREFIX]
    after = {"rows": [closed(row) for row in rows], "by": actor.pk}
    return changes.propose(FILE, subject, after=after, reason=reason, actor=actor, at=at)


def waiting() -> Any:
    """Return what waits for a second person, the oldest first."""
    rows = ChangeRequest.objects.filter(kind__in=KINDS, status=ChangeRequest.Status.OPEN)
    return rows.select_related("made_by").order_by("pk")


def name(change: ChangeRequest) -> str:
    """Return what a proposal asks for, in a line."""
    return f"{changes.KINDS[change.kind].label}: {changes.KINDS[change.kind].name(change.subject, change.after)}"


# --- putting on -----------------------------------------------------------------------------------------------------------
def _no_standing(subject: str) -> dict[str, Any]:
    on_list, _colon, key = subject.partition(":")
    entry = ListEntry.objects.filter(list=on_list, key__startswith=key, ended_at__isnull=True).first()
    return {"entry": entry.public_id} if entry else {}


def _can_put(_subject: str, after: dict[str, Any]) -> None:
    lists.refuse_listed(after)


def _what(row: Mapping[str, Any]) -> str:
    return f"{lists.What(row['what']).label} {row['masked']}"


def _row_lines(_before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [
        Line(_("Value"), "", _what(after)),
        Line(_("Which list"), "", lists.List(after["list"]).label),
        Line(_("Reason"), "", opened(after)["reason"]),
        Line(_("Source"), "", ListEntry.Source(after["source"]).label),
        Line(_("From"), "", after["since"]),
        Line(_("Until"), "", after["until"] or _("without end")),
    ]


def _row_of(after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in opened(after).items() if name != "by"}


def _people(after: Mapping[str, Any], actor: User) -> dict[str, Any]:
    """Return who asked and who agreed; where nobody else could agree they are one, and then nobody agreed."""
    asked = User.objects.get(pk=after["by"])
    return {"actor": asked, "confirmed_by": None if asked.pk == actor.pk else actor}


def _put(_subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> ListEntry:
    return lists.put(_row_of(after), at=at, **_people(after, actor))


# --- taking off -----------------------------------------------------------------------------------------------------------
def _entry(public_id: str) -> ListEntry | None:
    return ListEntry.objects.filter(public_id=public_id).first()


def _entry_standing(public_id: str) -> dict[str, Any]:
    entry = _entry(public_id)
    if entry is None:
        return {}
    told = {"list": entry.list, "what": entry.what, "masked": entry.masked}
    return told | {"ended": entry.ended_at is not None}


def _can_end(public_id: str, _after: dict[str, Any]) -> None:
    entry = _entry(public_id)
    if entry is None:
        raise Invalid(_("There is no such entry."))
    if entry.ended_at is not None:
        raise lists.AlreadyEnded(_("%(entry)s was taken off before.") % {"entry": entry})


def _end_lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [
        Line(_("Value"), _what(before) if before else "", _("taken off")),
        Line(_("Which list"), lists.List(before["list"]).label if before else "", ""),
        Line(_("Reason"), "", opened(after)["reason"]),
    ]


def _end(public_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> ListEntry:
    entry = ListEntry.objects.select_for_update(of=("self",)).get(public_id=public_id)
    return lists.end(entry, reason=opened(after)["reason"], at=at, **_people(after, actor))


# --- files ----------------------------------------------------------------------------------------------------------------
def _nothing(_subject: str) -> dict[str, Any]:
    return {}


def _can_bring(_subject: str, after: dict[str, Any]) -> None:
    if not after["rows"]:
        raise Invalid(_("No row of the file can be put on a list."))


def _rows_told(rows: Sequence[Any]) -> str:
    return ngettext("%(n)s row", "%(n)s rows", len(rows)) % {"n": f"{len(rows):,}"}


def _file_lines(_before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    rows = after["rows"]
    counts = Counter(row["list"] for row in rows)
    found = [Line(lists.List(code).label, "", _rows_told([None] * counts[code])) for code in lists.List.values if counts[code]]
    for row in map(opened, rows[:SHOWN]):
        until = row["until"] or say("without end")
        told = f"{row['reason']} · {ListEntry.Source(row['source']).label} · {row['since']} – {until}"
        found.append(Line(f"{lists.List(row['list']).label}: {_what(row)}", "", told))
    if len(rows) > SHOWN:
        found.append(Line(_("And further"), "", _rows_told(rows[SHOWN:])))
    return found


def _bring(_subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> int:
    return lists.put_many([opened(row) for row in after["rows"]], at=at, **_people(after, actor))


def _entries_url(_subject: str) -> str:
    return reverse("list-entries")


changes.KINDS.register(
    ADD,
    Kind(
        label=_("Put on a list"), check=MANAGE_LIST, standing=_no_standing, validate=_can_put, lines=_row_lines, make=_put,
        name=lambda _subject, after: f"{lists.List(after['list']).label}, {_what(after)}", url=_entries_url,
    ),
)  # fmt: skip
changes.KINDS.register(
    END,
    Kind(
        label=_("Take off a list"), check=MANAGE_LIST, standing=_entry_standing, validate=_can_end, lines=_end_lines, make=_end,
        name=lambda subject, _after: subject, url=_entries_url,
    ),
)  # fmt: skip
changes.KINDS.register(
    FILE,
    Kind(
        label=_("A file for the lists"), check=MANAGE_LIST, standing=_nothing, validate=_can_bring, lines=_file_lines, make=_bring,
        name=lambda _subject, after: _rows_told(after["rows"]), url=_entries_url,
    ),
)  # fmt: skip
