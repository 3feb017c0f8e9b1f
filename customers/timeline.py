"""The customer's timeline: ledger entries as sentences. Apps above register the sentences of their events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib import pages
from crm.lib.registry import Registry
from customers.models import Purpose
from customers.reveals import Field
from governance.models import User
from governance.users import SYSTEM
from ledger import log
from ledger.models import Entry

SHOWN = 30
Say = Callable[[Entry], Any]


@dataclass(frozen=True)
class Sentence:
    """How an event is told; `permission` is what one needs to read it."""

    say: Say
    icon: str
    tone: str
    permission: str


SENTENCES: Registry[Sentence] = Registry("timeline sentence")


def sentence(event: str, *, icon: str, tone: str = "neutral", permission: str = "") -> Callable[[Say], Say]:
    """Register `say(entry)`, which returns a whole sentence without personal values, for an event."""

    def decorate(say: Say) -> Say:
        SENTENCES.register(event, Sentence(say, icon, tone, permission))
        return say

    return decorate


@dataclass
class Timeline:
    items: list[dict[str, Any]]
    hidden: int
    earlier: int | None


def of(customer_id: int, user: User, *, before: int | None = None) -> Timeline:
    """Return 30 items of a customer's timeline, newest first; what `user` may not read is counted, not shown."""
    # an event nobody wrote a sentence for is the machine's own business and not counted either
    mine = [event for event, told in SENTENCES.items() if not told.permission or user.has_perm(told.permission)]
    others = [event for event in SENTENCES if event not in mine]
    everything = log.of_customer(customer_id)
    entries = everything.filter(event__in=mine)
    if before is not None:
        mark = everything.filter(pk=before).first()
        if mark is None:
            return Timeline([], 0, None)
        entries = entries.filter(Q(at__lt=mark.at) | Q(at=mark.at, pk__lt=mark.pk))
    found: Sequence[Entry] = list(entries.order_by("-at", "-pk")[: SHOWN + 1])
    more, found = len(found) > SHOWN, found[:SHOWN]
    actors = {user.pk: acted(user) for user in User.objects.filter(pk__in={entry.actor_id for entry in found})}
    items = []
    for entry in found:
        told = SENTENCES[entry.event]
        items.append(
            {
                "text": told.say(entry),
                "icon": told.icon,
                "tone": told.tone,
                "at": entry.at,
                "actor": actors.get(entry.actor_id or 0, ""),
            }
        )
    hidden = pages.capped(everything.filter(event__in=others))[0] if others and before is None else 0
    return Timeline(items, hidden, found[-1].pk if more else None)


def acted(user: User) -> str:
    """Return how an actor is called: people by name, the house by what it is."""
    return _("the system") if user.kind == User.Kind.SERVICE and user.username == SYSTEM else user.name


FIELD_WORDS = {**dict(Field.choices), "income": gettext_lazy("Income"), "monthly_debt": gettext_lazy("Monthly debt")}


def _fields(entry: Entry) -> str:
    return ", ".join(str(FIELD_WORDS.get(name, name)) for name in entry.facts.get("fields", []))


def _purpose(entry: Entry) -> Any:
    return dict(Purpose.choices).get(entry.facts.get("purpose", ""), entry.facts.get("purpose", ""))


@sentence("customers.customer.created", icon="customer", tone="info")
def _created(entry: Entry) -> str:
    return _("File opened")


@sentence("customers.customer.changed", icon="edit")
def _changed(entry: Entry) -> str:
    return _("File changed: %(fields)s") % {"fields": _fields(entry)}


@sentence("customers.customer.revealed", icon="eye", tone="caution")
def _revealed(entry: Entry) -> str:
    return _("Value opened: %(field)s") % {"field": FIELD_WORDS.get(entry.facts.get("field", ""), "")}


@sentence("customers.consent.given", icon="consents", tone="good")
def _given(entry: Entry) -> str:
    return _("Consent given: %(purpose)s") % {"purpose": _purpose(entry)}


@sentence("customers.consent.withdrawn", icon="consents", tone="warn")
def _withdrawn(entry: Entry) -> str:
    return _("Consent withdrawn: %(purpose)s") % {"purpose": _purpose(entry)}


@sentence("customers.note.added", icon="notes")
def _note(entry: Entry) -> str:
    return _("Note written")


