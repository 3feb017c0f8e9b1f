"""The customer's timeline: ledger entries as sentences, one history of everything that was done.

Apps above register the sentences of their events, the kinds one may filter by, and what more there is to show of a record.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib import pages
from crm.lib.registry import Registry
from governance.models import User
from governance.users import SYSTEM
from ledger import log
from ledger.models import Entry

SHOWN = 30
OTHER = "other"
ONE_SITTING = timedelta(hours=1)  # changes by one person within it are one item
Say = Callable[[Entry], Any]
Fold = Callable[[Sequence[Entry]], Any]


@dataclass(frozen=True)
class Sentence:
    """How an event is told; `permission` is what one needs to read it, `fold` tells several in a row as one."""

    say: Say
    icon: str
    tone: str
    permission: str
    kind: str = ""
    fold: Fold | None = None


@dataclass(frozen=True)
class Kind:
    """What one may filter by; an event belongs to the kind with the longest prefix that fits its name."""

    label: Any
    order: int
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Detail:
    """What there is to show of a record besides its sentence; opened for those who may read the entry."""

    body: str = ""
    url: str = ""


Read = Callable[[Sequence[Entry], User], Mapping[int, Detail]]

SENTENCES: Registry[Sentence] = Registry("timeline sentence")
KINDS: Registry[Kind] = Registry("timeline kind")
DETAILS: Registry[Read] = Registry("timeline detail")


def sentence(
    event: str, *, icon: str, tone: str = "neutral", permission: str = "", kind: str = "", fold: Fold | None = None
) -> Callable[[Say], Say]:
    """Register `say(entry)`, which returns a whole sentence without personal values, for an event."""

    def decorate(say: Say) -> Say:
        SENTENCES.register(event, Sentence(say, icon, tone, permission, kind, fold))
        return say

    return decorate


def kind(name: str, *, label: Any, order: int, prefixes: Iterable[str]) -> None:
    """Add something to filter by: events whose names begin with one of `prefixes`."""
    KINDS.register(name, Kind(label, order, tuple(prefixes)))


def detail(subject_type: str) -> Callable[[Read], Read]:
    """Register `read(entries, user)` for records of a type: one query for a whole page, {entry id: Detail}."""

    def decorate(read: Read) -> Read:
        DETAILS.register(subject_type, read)
        return read

    return decorate


kind("file", label=gettext_lazy("Customer file"), order=10, prefixes=("customers.customer.", "customers.relation.", "customers.duplicate."))
kind("consents", label=gettext_lazy("Consents"), order=20, prefixes=("customers.consent.",))
kind("notes", label=gettext_lazy("Notes"), order=60, prefixes=("customers.note.",))
kind("activities", label=gettext_lazy("Activities"), order=50, prefixes=("customers.activity.",))
kind(
    "messages",
    label=gettext_lazy("Messages"),
    order=70,
    prefixes=("customers.message.", "customers.contact.", "customers.code.", "customers.number.", "customers.window.", "customers.reply."),
)
kind("documents", label=gettext_lazy("Documents"), order=80, prefixes=("customers.document.", "customers.paper."))
kind(OTHER, label=gettext_lazy("Other"), order=999, prefixes=())


def kind_of(event: str) -> str:
    """Return the kind an event is filtered by."""
    told = SENTENCES.get(event)
    if told is not None and told.kind:
        return told.kind
    fits = [(len(prefix), name) for name, each in KINDS.items() for prefix in each.prefixes if event.startswith(prefix)]
    return max(fits)[1] if fits else OTHER


@dataclass
class Timeline:
    items: list[dict[str, Any]]
    hidden: int
    earlier: int | None
    kinds: list[dict[str, Any]] = field(default_factory=list)
    chosen: str = ""


def of(customer_id: int, user: User, *, before: int | None = None, chosen: str = "") -> Timeline:
    """Return 30 entries of a customer's timeline, newest first; what `user` may not read is counted, not shown.

    :param before: the entry the last page ended with
    :param chosen: a kind to narrow to
    """
    # an event nobody wrote a sentence for is the machine's own business and not counted either
    mine = [event for event, told in SENTENCES.items() if not told.permission or user.has_perm(told.permission)]
    others = [event for event in SENTENCES if event not in mine]
    everything = log.of_customer(customer_id)
    # what never happened to this customer is no filter of theirs; their entries lie side by side in one index
    there = set(everything.order_by().values_list("event", flat=True).distinct()) if before is None else set()
    kinds = kinds_among(event for event in mine if event in there)
    if chosen in KINDS:
        mine = [event for event in mine if kind_of(event) == chosen]
    else:
        chosen = ""
    entries = everything.filter(event__in=mine)
    if before is not None:
        mark = everything.filter(pk=before).first()
        if mark is None:
            return Timeline([], 0, None, kinds, chosen)
        entries = entries.filter(Q(at__lt=mark.at) | Q(at=mark.at, pk__lt=mark.pk))
    found: Sequence[Entry] = list(entries.order_by("-at", "-pk")[: SHOWN + 1])
    more, found = len(found) > SHOWN, found[:SHOWN]
    hidden = pages.capped(everything.filter(event__in=others))[0] if there & set(others) and not chosen else 0
    return Timeline(items(found, user), hidden, found[-1].pk if more else None, kinds, chosen)


def kinds_among(events: Iterable[str]) -> list[dict[str, Any]]:
    """Return the kinds that `events` fall into, in order, for the filter."""
    names = {kind_of(event) for event in events}
    return [{"name": name, "label": KINDS[name].label} for name in sorted(names, key=lambda each: (KINDS[each].order, each))]


def items(found: Sequence[Entry], user: User) -> list[dict[str, Any]]:
    """Return entries as `parts/_timeline.html` shows them, those of one sitting folded; one query for names, one a type of record."""
    actors = {row.pk: acted(row) for row in User.objects.filter(pk__in={entry.actor_id for entry in found})}
    details = _details(found, user)
    rows = []
    for group in _folded(found):
        entry = group[0]
        told = SENTENCES[entry.event]
        more = details.get(entry.pk, Detail())
        rows.append(
            {
                "text": told.fold(group) if told.fold and len(group) > 1 else told.say(entry),
                "icon": told.icon,
                "tone": told.tone,
                "at": entry.at,
                "actor": actors.get(entry.actor_id or 0, ""),
                "body": more.body,
                "url": more.url,
                "parts": [{"text": told.say(part), "at": part.at} for part in group] if len(group) > 1 else [],
            }
        )
    return rows


def _folded(found: Sequence[Entry]) -> list[list[Entry]]:
    """Put neighbours together that one person did in one sitting, where their sentence can be told for several."""
    groups: list[list[Entry]] = []
    for entry in found:
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and last.event == entry.event
            and SENTENCES[entry.event].fold is not None
            and last.actor_id == entry.actor_id
            and groups[-1][0].at - entry.at <= ONE_SITTING
        ):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _details(found: Sequence[Entry], user: User) -> dict[int, Detail]:
    by_type: dict[str, list[Entry]] = {}
    for entry in found:
        if entry.subject_type in DETAILS:
            by_type.setdefault(entry.subject_type, []).append(entry)
    shown: dict[int, Detail] = {}
    for subject_type, entries in by_type.items():
        shown |= DETAILS[subject_type](entries, user)
    return shown


def acted(user: User) -> str:
    """Return how an actor is called: people by name, the house by what it is."""
    return _("the system") if user.kind == User.Kind.SERVICE and user.username == SYSTEM else user.name
