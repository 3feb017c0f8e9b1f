"""Doors of the black, grey and watch lists, and what they say of an applicant: facts for a strategy, never a verdict.

Values are found by keyed fingerprints; the value itself is kept nowhere, its mask is. The engine is told which lists a person stands on,
not by which value: the list entry stays with the people who keep the lists.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
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
LONGEST, MOST_ROWS = 200, 5_000
HEADS = ("list", "what", "value", "reason", "source", "since", "until")


class AlreadyListed(DomainError):
    """The value stands on that list already."""

    code = "already_listed"
    status = 422


class AlreadyEnded(DomainError):
    """The entry was taken off before."""

    code = "already_ended"


@dataclass
class Imported:
    """What became of a file: how many were added, and a sentence per row that was not."""

    added: int = 0
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


@transaction.atomic
def add(
    *,
    list: str,  # noqa: A002  the trade's word for it
    what: str,
    value: str,
    reason: str,
    source: str,
    actor: User,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
) -> ListEntry:
    """Put a value on a list.

    :raises Invalid: with a sentence per wrong field
    :raises AlreadyListed: if it stands there already
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
    entry = ListEntry(
        list=list, what=what, key=key_of(what, filed), masked=MASKS.get(What(what), masking.mask_text)(filed)[:80], reason=reason.strip(),
        source=source, since=since, until=until, added_by=actor, added_at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        if "list_entry_once" not in str(error):
            raise
        sentence = _("This stands on that list already.")
        raise AlreadyListed(sentence, fields={"value": sentence}) from None
    log.record("risk.listentry.added", entry, actor=actor, at=at, list=list, what=what, source=source, since=since, until=until)
    return entry


@transaction.atomic
def end(entry: ListEntry, *, reason: str, actor: User, at: datetime) -> ListEntry:
    """Take an entry off its list; it stays on record.

    :raises Invalid: without a reason
    :raises AlreadyEnded: if somebody was faster
    """
    if not reason.strip() or len(reason) > LONGEST:
        sentence = _("Say why, in at most 200 characters.")
        raise Invalid(sentence, fields={"reason": sentence})
    told = {"ended_at": at, "ended_by": actor, "end_reason": reason.strip()}
    if not ListEntry.objects.filter(pk=entry.pk, ended_at__isnull=True).update(**told):
        raise AlreadyEnded(_("%(entry)s was taken off before.") % {"entry": entry})
    for name, value in told.items():
        setattr(entry, name, value)
    log.record("risk.listentry.ended", entry, actor=actor, at=at, list=entry.list, what=entry.what)
    return entry


def found_by(what: str, value: str, *, on: date) -> Any:
    """Return the entries of a value, those that ended too.

    :raises Invalid: if it cannot be one of its kind
    """
    return ListEntry.objects.filter(key=key_of(what, canonical(what, value, on=on))).for_list().order_by("-pk")


def import_csv(content: bytes, *, actor: User, at: datetime) -> Imported:
    """Add the rows of a file with the heads of `HEADS`; a row that cannot be is told by number and left out.

    :raises Invalid: if it is no such file
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("The file is not UTF-8 text.")) from None
    rows = csv.DictReader(io.StringIO(text))
    if missing := [head for head in HEADS[:5] if head not in (rows.fieldnames or ())]:
        raise Invalid(_("The file lacks the columns %(names)s.") % {"names": ", ".join(missing)})
    done = Imported()
    for number, row in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            done.problems.append((number, str(_("The file has more than %(most)s rows; the rest was left out.") % {"most": MOST_ROWS})))
            break
        try:
            given = {name: (row.get(name) or "").strip() for name in HEADS}
            days = {name: date.fromisoformat(given.pop(name)) if given[name] else given.pop(name) or None for name in ("since", "until")}
            add(**given, **days, actor=actor, at=at)  # type: ignore[arg-type]
            done.added += 1
        except ValueError:
            done.problems.append((number, str(_("A day is written as 2026-11-23."))))
        except DomainError as refusal:
            done.problems.append((number, " ".join(str(text) for text in (refusal.fields or {"": refusal.message}).values())))
    return done


def facts(values: Mapping[str, str | None], *, on: date) -> dict[str, bool]:
    """Return what the lists say of an applicant: listed_black, listed_grey, listed_watch. One query.

    :param values: what the applicant gave by kind (id_number, mobile, device, address, employer); what cannot be one is left out
    """
    keys = []
    for what, value in values.items():
        if value:
            try:
                keys.append(key_of(what, canonical(what, value, on=on)))
            except Invalid:
                continue
    held = set(ListEntry.objects.holding(on).filter(key__in=keys).values_list("list", flat=True))
    return {f"listed_{name}": name in held for name in List.values}
