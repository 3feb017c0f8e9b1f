"""Doors of contact: may this customer be reached now, what was tried, and the stops. Rules from the rule book, counts from the rows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.errors import DomainError, Invalid
from crm.lib.registry import Registry
from customers import contact_policy
from customers.contact_policy import Attempt, Pack, Question
from customers.models import ContactAttempt, ContactBar, ContactChannel, Customer
from governance import rules
from governance.models import User
from governance.models.identity import chinese
from ledger import log

HOURS = "contact.hours"
LOOK_BACK = timedelta(days=8)  # seven days before any moment of a natural day
COUNTED = {
    "connected_calls_per_day": "contact.connected_calls_per_day",
    "calls_per_day": "contact.calls_per_day",
    "calls_per_week": "contact.calls_per_week",
    "messages_per_day": "contact.messages_per_day",
    "messages_per_week": "contact.messages_per_week",
}


class NotNow(DomainError):
    """The rules of contact refuse; `extra` has the rule, and the moment from which it is allowed."""

    code = "contact_refused"


@dataclass(frozen=True)
class Answer:
    """What the gate says of one contact, with a sentence for people."""

    allowed: bool
    rule: str
    opens_at: datetime | None
    reason: str


@dataclass(frozen=True)
class Hold:
    """A matter open with a customer that reminders wait for: what it is, in words, and since when."""

    why: Any
    since: datetime


# Apps above say for whom reminders wait; each is asked once for a whole batch and answers in a constant number of queries.
HOLDS: Registry[Callable[[Collection[int]], Mapping[int, Hold]]] = Registry("hold on reminders")


def holds_of(customer_ids: Collection[int]) -> dict[int, Hold]:
    """Return the hold on reminders of each customer who has one."""
    found: dict[int, Hold] = {}
    for holds in HOLDS.values():
        found = {**holds(customer_ids), **found}
    return found


def pack(*, on: date) -> Pack:
    """Return the rules that hold on a day.

    :raises NoRule: if one is missing: without rules nobody is contacted
    """
    found = rules.values([HOURS, *COUNTED.values()], on=on)
    hours, limits = found[HOURS], {name: found[code] for name, code in COUNTED.items()}
    return Pack(opens=time.fromisoformat(hours["opens"]), closes=time.fromisoformat(hours["closes"]), **limits)


def zone_of(customer: Customer) -> ZoneInfo:
    """Return the zone by whose clock the customer lives; the lender's where none is on file."""
    return ZoneInfo(customer.zone or customer.legal_entity.zone)


def attempts_of(customer_ids: Iterable[int], *, at: datetime) -> dict[int, list[Attempt]]:
    """Return the attempts that the limits count, by customer; one query."""
    found: dict[int, list[Attempt]] = defaultdict(list)
    rows = ContactAttempt.objects.filter(customer_id__in=list(customer_ids), at__gt=at - LOOK_BACK)
    for customer_id, channel, moment, connected in rows.values_list("customer_id", "channel", "at", "connected"):
        found[customer_id].append(Attempt(channel, moment, connected))
    return found


def bars_of(customer_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the stopped channels by customer; one query."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = ContactBar.objects.filter(customer_id__in=list(customer_ids), lifted_at__isnull=True)
    for customer_id, channel in rows.values_list("customer_id", "channel"):
        found[customer_id].add(channel)
    return {customer_id: frozenset(channels) for customer_id, channels in found.items()}


def may_contact(customer: Customer, channel: str, at: datetime, *, party: str = "debtor", purpose: str = "collection") -> Answer:
    """Say whether `customer` may be reached by `channel` at `at`; `reason` is the sentence that says why not, and when.

    Ask before a call is placed or logged, a letter sent, a visit made. Messages are asked for by their sender.

    :param party: "debtor", "guarantor", "co_borrower"; anybody else is refused
    """
    return may_contact_by(customer, [channel], at, party=party, purpose=purpose)[channel]


def may_contact_by(
    customer: Customer, channels: Iterable[str], at: datetime, *, party: str = "debtor", purpose: str = "collection"
) -> dict[str, Answer]:
    """Ask `may_contact` of several channels at once, in three queries, and one more for reminders."""
    zone = zone_of(customer)
    rules_now = pack(on=at.astimezone(zone).date())
    attempts, barred = tuple(attempts_of([customer.pk], at=at)[customer.pk]), bars_of([customer.pk]).get(customer.pk, frozenset())
    held = purpose in contact_policy.BY_ITSELF and customer.pk in holds_of([customer.pk])
    found = {}
    for channel in channels:
        question = Question(channel=channel, at=at, zone=zone, party=party, purpose=purpose, attempts=attempts, barred=barred, held=held)
        verdict = contact_policy.check(question, rules_now)
        found[channel] = Answer(verdict.allowed, verdict.rule, verdict.opens_at, explain(verdict.rule, verdict.opens_at, zone))
    return found


def demand(customer: Customer, channel: str, at: datetime, *, party: str = "debtor", purpose: str = "collection") -> None:
    """Go on only if the contact is allowed.

    :raises NotNow: if it is not
    """
    answer = may_contact(customer, channel, at, party=party, purpose=purpose)
    if not answer.allowed:
        opens = answer.opens_at.astimezone(UTC).isoformat() if answer.opens_at else ""
        raise NotNow(answer.reason, rule=answer.rule, opens_at=opens)


SENTENCES = {
    contact_policy.PARTY: gettext_lazy("Only the debtor, a guarantor or a co-borrower may be contacted about the debt."),
    contact_policy.BAR: gettext_lazy("This way of contact is stopped for the customer."),
    contact_policy.HOLD: gettext_lazy("A matter is open with the customer: no reminder leaves meanwhile."),
    contact_policy.HOURS: gettext_lazy("Outside the hours of contact by the customer's clock."),
    contact_policy.CONNECTED: gettext_lazy("The answered calls of this day are used up."),
    contact_policy.DAY: gettext_lazy("The attempts of this day by this channel are used up."),
    contact_policy.WEEKLY: gettext_lazy("The attempts of seven days by this channel are used up."),
}


def explain(rule: str, opens_at: datetime | None, zone: ZoneInfo) -> str:
    """Return the sentence for a refusal, in the reader's language; "" for none."""
    if not rule:
        return ""
    sentence = str(SENTENCES[rule])
    if opens_at is None:
        return sentence
    local = opens_at.astimezone(zone)
    if chinese():
        when = f"{local.month}月{local.day}日{local:%H:%M}"
    else:
        when = f"{local:%H:%M} on {date_format(local.date(), 'j M')}"
    return _("%(sentence)s Possible again from %(when)s.") % {"sentence": sentence, "when": when}


def record(
    customer: Customer,
    *,
    channel: str,
    at: datetime,
    key: str,
    connected: bool = False,
    purpose: str = "collection",
    actor: User | None = None,
) -> ContactAttempt:
    """Count one attempt from our side; the same `key` is counted once. The caller's own door writes the ledger.

    Call it in the transaction of the contact's own record, for a call with `connected` when somebody answered.

    :raises ValueError: if the channel is none of `ContactChannel`
    """
    if channel not in ContactChannel.values:
        raise ValueError(f"{channel} is no channel of contact")
    found, _made = ContactAttempt.objects.get_or_create(
        key=key,
        defaults={"customer": customer, "channel": channel, "at": at, "connected": connected, "purpose": purpose, "actor": actor},
    )
    return found


@transaction.atomic
def bar(customer: Customer, *, channel: str, reason: str, actor: User, at: datetime) -> ContactBar:
    """Stop one channel for a customer; what was planned by it is not sent.

    :raises Invalid: if channel or reason is unknown, or the channel is stopped already
    """
    if channel not in ContactChannel.values:
        raise Invalid(_("Choose the way of contact."), fields={"channel": _("Choose the way of contact.")})
    if reason not in ContactBar.Reason.values:
        raise Invalid(_("Choose the reason."), fields={"reason": _("Choose the reason.")})
    try:
        with transaction.atomic():
            found = ContactBar.objects.create(customer=customer, channel=channel, reason=reason, since=at, actor=actor)
    except IntegrityError:
        sentence = _("This way of contact is stopped already.")
        raise Invalid(sentence, fields={"channel": sentence}) from None
    log.record("customers.contact.stopped", customer, actor=actor, at=at, channel=channel, reason=reason)
    return found


@transaction.atomic
def lift(found: ContactBar, *, actor: User, at: datetime) -> None:
    """End a stop; one that was lifted meanwhile is left as it is."""
    if ContactBar.objects.filter(pk=found.pk, lifted_at__isnull=True).update(lifted_at=at):
        log.record("customers.contact.reopened", found.customer, actor=actor, at=at, channel=found.channel)


def words(channel: str) -> Any:
    """Return a channel's name in the reader's language."""
    return dict(ContactChannel.choices).get(channel, channel)
