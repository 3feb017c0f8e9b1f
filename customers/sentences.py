"""What the customer's own file says on the timeline, and what there is to show of notes and activities."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.models import Activity, Note, Purpose, Relation
from customers.reveals import Field
from customers.timeline import Detail, detail, sentence
from governance.models import User
from ledger.models import Entry

FIELD_WORDS = {
    **dict(Field.choices),
    "income": gettext_lazy("Income"),
    "monthly_debt": gettext_lazy("Monthly debt"),
    "language": gettext_lazy("Language of our messages"),
    "zone": gettext_lazy("Clock of the customer"),
}


def _names(fields: list[str]) -> str:
    return ", ".join(str(FIELD_WORDS.get(name, name)) for name in dict.fromkeys(fields))


def _purpose(entry: Entry) -> Any:
    return dict(Purpose.choices).get(entry.facts.get("purpose", ""), entry.facts.get("purpose", ""))


def _changes(entries: Sequence[Entry]) -> str:
    names = _names([name for entry in reversed(entries) for name in entry.facts.get("fields", [])])
    return _("File changed %(times)s times: %(fields)s") % {"times": len(entries), "fields": names}


def _openings(entries: Sequence[Entry]) -> str:
    return _("Values opened: %(fields)s") % {"fields": _names([entry.facts.get("field", "") for entry in reversed(entries)])}


@sentence("customers.customer.created", icon="customer", tone="info")
def _created(entry: Entry) -> str:
    return _("File opened")


@sentence("customers.customer.changed", icon="edit", fold=_changes)
def _changed(entry: Entry) -> str:
    return _("File changed: %(fields)s") % {"fields": _names(entry.facts.get("fields", []))}


@sentence("customers.customer.revealed", icon="eye", tone="caution", fold=_openings)
def _revealed(entry: Entry) -> str:
    return _("Value opened: %(field)s") % {"field": FIELD_WORDS.get(entry.facts.get("field", ""), "")}


@sentence("customers.customer.handed_over", icon="users", tone="info")
def _handed_over(entry: Entry) -> str:
    if entry.facts.get("to_branch") != entry.facts.get("from_branch"):
        return _("Handed over to another branch")
    return _("Handed over to another person")


@sentence("customers.duplicate.overruled", icon="info", tone="caution")
def _overruled(entry: Entry) -> str:
    n = len(entry.facts.get("files", []))
    return ngettext(
        "File opened although %(n)s other looks like the same person", "File opened although %(n)s others look like the same person", n
    ) % {"n": n}


@sentence("customers.consent.given", icon="consents", tone="good")
def _given(entry: Entry) -> str:
    return _("Consent given: %(purpose)s") % {"purpose": _purpose(entry)}


@sentence("customers.consent.withdrawn", icon="consents", tone="warn")
def _withdrawn(entry: Entry) -> str:
    return _("Consent withdrawn: %(purpose)s") % {"purpose": _purpose(entry)}


@sentence("customers.note.added", icon="notes")
def _note(entry: Entry) -> str:
    return _("Note written")


# --- relations -----------------------------------------------------------------------------------------------------
def _relation(entry: Entry) -> Any:
    return dict(Relation.Kind.choices).get(entry.facts.get("kind", ""), entry.facts.get("kind", ""))


@sentence("customers.relation.added", icon="link")
def _related(entry: Entry) -> str:
    return _("Relation recorded: %(kind)s") % {"kind": _relation(entry)}


@sentence("customers.relation.ended", icon="link")
def _unrelated(entry: Entry) -> str:
    return _("Relation ended: %(kind)s") % {"kind": _relation(entry)}


@sentence("customers.relation.revealed", icon="eye", tone="caution")
def _relation_revealed(entry: Entry) -> str:
    return _("Value of a relation opened: %(kind)s") % {"kind": _relation(entry)}


@sentence("customers.relation.contact_opened", icon="phone", tone="caution")
def _contact_opened(entry: Entry) -> str:
    return _("%(kind)s may be contacted about the debt") % {"kind": _relation(entry)}


@sentence("customers.relation.stopped", icon="phone", tone="caution")
def _relation_stopped(entry: Entry) -> str:
    return _("A person who answers beside the customer asked us to stop one way of contact")


@sentence("customers.relation.contact_closed", icon="phone")
def _contact_closed(entry: Entry) -> str:
    return _("%(kind)s may no longer be contacted about the debt") % {"kind": _relation(entry)}


# --- activities ----------------------------------------------------------------------------------------------------
ENDS = ("customers.activity.done", "customers.activity.cancelled")


def _day(entry: Entry) -> str:
    try:
        return f"{localtime(datetime.fromisoformat(entry.facts['due_at'])):%Y-%m-%d}"
    except (KeyError, TypeError, ValueError):
        return "–"


def _kind(entry: Entry) -> Any:
    return dict(Activity.Kind.choices).get(entry.facts.get("kind", ""), entry.facts.get("kind", ""))


@sentence("customers.activity.planned", icon="calendar")
def _planned(entry: Entry) -> str:
    return _("Planned: %(kind)s, due %(day)s") % {"kind": _kind(entry), "day": _day(entry)}


@sentence("customers.activity.noted", icon="tone-good", tone="good")
def _noted(entry: Entry) -> str:
    return _("Done: %(kind)s") % {"kind": _kind(entry)}


@sentence("customers.activity.changed", icon="calendar")
def _moved(entry: Entry) -> str:
    if entry.facts.get("fields") == ["assignee"]:
        return _("Given to somebody else: %(kind)s") % {"kind": _kind(entry)}
    return _("Moved: %(kind)s, now due %(day)s") % {"kind": _kind(entry), "day": _day(entry)}


@sentence("customers.activity.done", icon="tone-good", tone="good")
def _done(entry: Entry) -> str:
    return _("Done: %(kind)s") % {"kind": _kind(entry)}


@sentence("customers.activity.cancelled", icon="close")
def _cancelled(entry: Entry) -> str:
    return _("Cancelled: %(kind)s") % {"kind": _kind(entry)}


# --- what there is to show -----------------------------------------------------------------------------------------
@detail("customers.note")
def _note_texts(entries: Sequence[Entry], user: User) -> Mapping[int, Detail]:
    texts = {row.pk: row.text for row in Note.objects.filter(pk__in={entry.subject_id for entry in entries})}
    return {entry.pk: Detail(body=texts[entry.subject_id]) for entry in entries if entry.subject_id in texts}


@detail("customers.activity")
def _activity_texts(entries: Sequence[Entry], user: User) -> Mapping[int, Detail]:
    """What was to be done where it was planned, what came of it where it ended."""
    rows = {row.pk: row for row in Activity.objects.filter(pk__in={entry.subject_id for entry in entries})}
    return {
        entry.pk: Detail(body=(row.result or row.text) if entry.event in ENDS else row.text)
        for entry in entries
        if (row := rows.get(entry.subject_id)) is not None
    }


@detail("customers.customer")
def _hands(entries: Sequence[Entry], user: User) -> Mapping[int, Detail]:
    """Who gave the customer to whom; the ledger keeps ids only."""
    moved = [entry for entry in entries if entry.event == "customers.customer.handed_over"]
    ids = {entry.facts.get(side) for entry in moved for side in ("from", "to")}
    names = dict(User.objects.filter(public_id__in=ids - {None}).values_list("public_id", "name")) if moved else {}
    nobody = _("nobody")
    shown = {}
    for entry in moved:
        giver, taker = (names.get(entry.facts.get(side) or "", nobody) for side in ("from", "to"))
        shown[entry.pk] = Detail(body=f"{giver} → {taker}")
    return shown
