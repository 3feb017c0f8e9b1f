"""Doors of the black, grey and watch lists, and what they say of an applicant: facts for a strategy, never a verdict.

What a person asks for goes through `risk.list_changes`: a second person confirms it, and then these doors are called.

Values are found by keyed fingerprints; the value itself is kept nowhere, its mask is. The engine is told which lists a person stands on,
not by which value: the list entry stays with the people who keep the lists.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from customers import identifiers
from governance import masking, vault
from governance.models import User
from ledger import log
from risk.models import ListEntry

LABEL = "risk.listentry"
What, List = ListEntry.What, ListEntry.List
MASKS = {What.ID_NUMBER: masking.mask_id_number, What.MOBILE: masking.mask_mobile}
LONGEST, MOST_ROWS = 200, 2_000  # of a file: as many as a second person can be asked to answer for
HEADS = ("list", "what", "value", "reason", "source", "since", "until")


class AlreadyListed(DomainError):
    """The value stands on that list already."""

    code = "already_listed"
    status = 422


class AlreadyEnded(DomainError):
    """The entry was taken off before."""

    code = "already_ended"


@dataclass
class Read:
    """What a file says: the rows that can be put on a list, by their number, and a sentence per row that cannot."""

    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def canonical(what: str, value: str, *, on: date) -> str:
    """Return a value in the form in which it is compared.

    :raises Invalid: if it cannot be one of its kind
    """
    if what == What.ID_NUMBER:
        return identifiers.id_number(value, on=on)
    if what == What.MOBILE:
        return identifiers.mobile(value)
    text = re.sub(r"[\s,，.。·、\-#（）()]", "", unicodedata.normalize("NFKC", value)).casefold()
    if len(text) < 4 or len(text) > LONGEST:
        raise Invalid(_("Enter between 4 and 200 characters."), fields={"value": _("Enter between 4 and 200 characters.")})
    return text


def key_of(what: str, value: str) -> str:
    """Return the fingerprint of a value in canonical form."""
    return vault.fingerprint(f"{what}|{value}", label=LABEL)


def checked(
    *, list: str, what: str, value: str, reason: str, source: str, at: datetime, since: date | None = None, until: date | None = None,  # noqa: A002
) -> dict[str, Any]:  # fmt: skip
    """Return what would be filed of a value, as JSON: its list, kind, fingerprint, mask, reason, source and days. Nothing is written.

    :raises Invalid: with a sentence per wrong field
    """
    on = localdate(at)
    since = since or on
    problems: dict[str, Any] = {}
    for name, word, known in (("list", list, List.values), ("what", what, What.values), ("source", source, ListEntry.Source.values)):
        if word not in known:
            problems[name] = _("Choose one of the list.")
    if not reason.strip() or len(reason) > LONGEST:
        problems["reason"] = _("Say why, in at most 200 characters.")
    if until is not None and until <= since:
        problems["until"] = _("The end lies after the beginning.")
    filed = ""
    if "what" not in problems:
        try:
            filed = canonical(what, value, on=on)
        except Invalid as refusal:
            problems["value"] = refusal.message
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    return {
        "list": list, "what": what, "key": key_of(what, filed), "masked": MASKS.get(What(what), masking.mask_text)(filed)[:80],
        "reason": reason.strip(), "source": source, "since": since.isoformat(), "until": until.isoformat() if until else None,
    }  # fmt: skip


def standing(list: str, key: str) -> ListEntry | None:  # noqa: A002  the trade's word for it
    """Return the entry of a fingerprint on a list that nobody took off."""
    return ListEntry.objects.filter(list=list, key=key, ended_at__isnull=True).first()


def refuse_listed(row: Mapping[str, Any]) -> None:
    """:raises AlreadyListed: if it stands there already"""
    if standing(row["list"], row["key"]) is not None:
        sentence = _("This stands on that list already.")
        raise AlreadyListed(sentence, fields={"value": sentence})


@transaction.atomic
def put(row: Mapping[str, Any], *, actor: User, at: datetime, confirmed_by: User | None = None) -> ListEntry:
    """Put on its list what `checked` returned; `actor` asked for it and `confirmed_by` agreed.

    :raises AlreadyListed: if it stands there already
    """
    entry = _made(row, actor=actor, at=at, confirmed_by=confirmed_by)
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        if "list_entry_once" not in str(error):
            raise
        sentence = _("This stands on that list already.")
        raise AlreadyListed(sentence, fields={"value": sentence}) from None
    log.record("risk.listentry.added", entry, actor=confirmed_by or actor, at=at, **_told(row))
    return entry


@transaction.atomic
def put_many(rows: Sequence[Mapping[str, Any]], *, actor: User, at: datetime, confirmed_by: User | None = None) -> int:
    """Put the rows of a file on their lists, an entry of the ledger for each; what stands there already stays as it is. Return how many."""
    held = set(ListEntry.objects.filter(key__in=[row["key"] for row in rows], ended_at__isnull=True).values_list("list", "key"))
    wanted = [row for row in rows if (row["list"], row["key"]) not in held]
    # Of two confirmations at the same moment one inserts: the other's rows are skipped by the constraint and not recorded.
    made = [_made(row, actor=actor, at=at, confirmed_by=confirmed_by) for row in wanted]
    ListEntry.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
    mine = {one.public_id: row for one, row in zip(made, wanted, strict=True)}
    found = ListEntry.objects.filter(public_id__in=list(mine)).values_list("pk", "public_id")
    told = [log.Row("risk.listentry", pk, None, log.plain(_told(mine[public_id]))) for pk, public_id in found]
    log.record_many("risk.listentry.added", told, actor=confirmed_by or actor, at=at)
    return len(told)


def _made(row: Mapping[str, Any], *, actor: User, at: datetime, confirmed_by: User | None) -> ListEntry:
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("since", "until")}
    return ListEntry(**dict(row) | days, added_by=actor, added_at=at, confirmed_by=confirmed_by)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("list", "what", "source", "since", "until")}


@transaction.atomic
def end(entry: ListEntry, *, reason: str, actor: User, at: datetime, confirmed_by: User | None = None) -> ListEntry:
    """Take an entry off its list; it stays on record. `actor` asked for it and `confirmed_by` agreed.

    :raises Invalid: without a reason
    :raises AlreadyEnded: if somebody was faster
    """
    told = {"ended_at": at, "ended_by": actor, "end_reason": worded(reason), "end_confirmed_by": confirmed_by}
    if ListEntry.objects.select_for_update().filter(pk=entry.pk, ended_at__isnull=True).values_list("pk", flat=True).first() is None:
        raise AlreadyEnded(_("%(entry)s was taken off before.") % {"entry": entry})
    for name, value in told.items():
        setattr(entry, name, value)
    entry.save(update_fields=list(told))
    log.record("risk.listentry.ended", entry, actor=confirmed_by or actor, at=at, list=entry.list, what=entry.what)
    return entry


def worded(reason: str) -> str:
    """Return a reason as it is kept.

    :raises Invalid: if there is none, or it is too long
    """
    if not reason.strip() or len(reason) > LONGEST:
        sentence = _("Say why, in at most 200 characters.")
        raise Invalid(sentence, fields={"reason": sentence})
    return reason.strip()


def found_by(what: str, value: str, *, on: date) -> Any:
    """Return the entries of a value, those that ended too.

    :raises Invalid: if it cannot be one of its kind
    """
    return ListEntry.objects.filter(key=key_of(what, canonical(what, value, on=on))).for_list().order_by("-pk")


def read_csv(content: bytes, *, at: datetime) -> Read:
    """Read a file with the heads of `HEADS`; a row that cannot be is told by number and left out. Nothing is written.

    :raises Invalid: if it is no such file, or holds no row
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("The file is not UTF-8 text.")) from None
    lines = csv.DictReader(io.StringIO(text))
    if missing := [head for head in HEADS[:5] if head not in (lines.fieldnames or ())]:
        raise Invalid(_("The file lacks the columns %(names)s.") % {"names": ", ".join(missing)})
    read = Read()
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, 2):
        if number > MOST_ROWS + 1:
            read.problems.append((number, str(_("The file has more than %(most)s rows; the rest was left out.") % {"most": MOST_ROWS})))
            break
        try:
            given = {name: (line.get(name) or "").strip() for name in HEADS}
            days = {name: date.fromisoformat(given.pop(name)) if given[name] else given.pop(name) or None for name in ("since", "until")}
            row = checked(**given, **days, at=at)  # type: ignore[arg-type]
        except ValueError:
            read.problems.append((number, str(_("A day is written as 2026-11-23."))))
        except DomainError as refusal:
            read.problems.append((number, " ".join(str(text) for text in (refusal.fields or {"": refusal.message}).values())))
        else:
            first = seen.setdefault((row["list"], row["key"]), number)
            if first == number:
                read.rows.append((number, row))
            else:
                read.problems.append((number, str(_("The same value stands in row %(first)s of this file.") % {"first": first})))
    held = set(ListEntry.objects.filter(key__in=[row["key"] for _n, row in read.rows], ended_at__isnull=True).values_list("list", "key"))
    listed = [number for number, row in read.rows if (row["list"], row["key"]) in held]
    read.problems += [(number, str(_("This stands on that list already."))) for number in listed]
    read.problems.sort(key=lambda one: one[0])
    read.rows = [(number, row) for number, row in read.rows if number not in set(listed)]
    if not read.rows and not read.problems:
        raise Invalid(_("The file has no rows."))
    return read


def facts(values: Mapping[str, str | None], *, on: date, device_key: str = "") -> dict[str, bool]:
    """Return what the lists say of an applicant: listed_black, listed_grey, listed_watch. One query.

    :param values: what the applicant gave by kind (id_number, mobile, device, address, employer); what cannot be one is left out
    :param device_key: what `key_of` said of the applicant's device, where only that was kept
    """
    keys = [device_key] if device_key else []
    for what, value in values.items():
        if value:
            try:
                keys.append(key_of(what, canonical(what, value, on=on)))
            except Invalid:
                continue
    held = set(ListEntry.objects.holding(on).filter(key__in=keys).values_list("list", flat=True))
    return {f"listed_{name}": name in held for name in List.values}
