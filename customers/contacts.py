"""Doors of contact: may this customer be reached now, what was tried, and the stops. Rules from the rule book, counts from the rows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import CharField, Q, Value
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.among import among
from crm.lib.errors import DomainError, Invalid
from crm.lib.registry import Registry
from customers import contact_packs, contact_policy
from customers.contact_packs import Held
from customers.contact_policy import Attempt, Pack, Question, Verdict, Window
from customers.models import AgreedWindow, BarredNumber, ContactAttempt, ContactBar, ContactChannel, Customer, Party, Relation, RelationStop
from customers.models.relations import OBLIGORS
from governance.models import User
from governance.models.identity import chinese
from ledger import log

LOOK_BACK = timedelta(days=31)  # thirty days before any moment of a natural day
ON_THE_NUMBER = ("call", "sms")  # what goes to a telephone number


@dataclass(frozen=True)
class Judged:
    """One question to the gate with its verdict, the limits it was held against, and the sentence for people."""

    question: Question
    verdict: Verdict
    held: Held
    answer: "Answer"
    customer: Customer
    relation: Relation | None = None


class NotNow(DomainError):
    """The rules of contact refuse; `extra` has the rule, and the moment from which it is allowed.

    The refused transaction is rolled back; whoever catches it calls `remember` after that, so that the refusal is on record.
    """

    code = "contact_refused"
    judged: Judged | None = None
    actor: User | None = None
    subject: str = ""

    def remember(self) -> None:
        """Put the refusal on the record; once."""
        from customers import contact_gate

        judged, self.judged = self.judged, None
        if judged is not None:
            contact_gate.keep(judged, actor=self.actor, subject=self.subject)


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


# Apps above know when a person called in by themselves: (customer ids, since, relations they stand in, none for the customers) → customer
# and moment. One query a set.
TALKS: Registry[Callable[[Collection[int], datetime, Collection[int]], Iterable[tuple[int, datetime]]]] = Registry("talk a person began")


def holds_of(customer_ids: Collection[int]) -> dict[int, Hold]:
    """Return the hold on reminders of each customer who has one."""
    found: dict[int, Hold] = {}
    for holds in HOLDS.values():
        found = {**holds(customer_ids), **found}
    return found


def pack(*, on: date) -> Pack:
    """Return the limits that hold on a day.

    :raises NoRule: if one is missing: without rules nobody is contacted
    """
    return contact_packs.held(on=on).pack


def zone_of(customer: Customer) -> ZoneInfo:
    """Return the zone by whose clock the customer lives; the lender's where none is on file."""
    return ZoneInfo(customer.zone or customer.legal_entity.zone)


def attempts_of(customer_ids: Iterable[int], *, at: datetime, relation: Relation | None = None) -> dict[int, list[Attempt]]:
    """Return the attempts that the limits count, by customer, and the talks the person began, after which it is quiet too.

    A constant number of queries. Whoever answers beside the customer is counted apart, and once for all the debts they answer for.
    """
    found: dict[int, list[Attempt]] = defaultdict(list)
    beside = everywhere(relation) if relation is not None else {}
    whose = dict.fromkeys(beside.values(), relation.customer_id) if relation is not None else {}
    ids = list(whose) or list(customer_ids)
    for talks in TALKS.values():
        for customer_id, moment in talks(ids, at - LOOK_BACK, list(beside)):
            found[whose.get(customer_id, customer_id)].append(Attempt(contact_policy.INBOUND, moment, True))
    of_person = Q(relation__in=list(beside)) if beside else Q(relation=None)
    rows = ContactAttempt.objects.filter(of_person, customer_id__in=ids, at__gt=at - LOOK_BACK)
    for customer_id, channel, moment, connected, under_way in rows.values_list("customer_id", "channel", "at", "connected", "open_until"):
        found[whose.get(customer_id, customer_id)].append(Attempt(channel, moment, connected, under_way))
    return found


def everywhere(relation: Relation) -> dict[int, int]:
    """Return the relations in which somebody without a file of their own stands beside customers, each with its customer.

    Who has this number is one person: a guarantor of two debts is not called three times a day for each.
    """
    found = {relation.pk: relation.customer_id}
    if relation.mobile_key:
        found |= dict(Relation.objects.filter(mobile_key=relation.mobile_key, other=None).values_list("pk", "customer_id"))
    return found


def bars_of(customer_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the stopped channels by customer, those of a number that is somebody else's too; one query."""
    found: dict[int, set[str]] = defaultdict(set)
    ids = among(customer_ids)
    number = Value("number", output_field=CharField())
    wrong = BarredNumber.objects.filter(lifted_at__isnull=True).values("number_key")
    stopped = ContactBar.objects.filter(customer__among=ids, lifted_at__isnull=True).values_list("customer_id", "channel")
    of_others = Customer.objects.filter(pk__among=ids, mobile_key__in=wrong).annotate(way=number).values_list("pk", "way")
    for customer_id, channel in stopped.union(of_others):
        found[customer_id].update(ON_THE_NUMBER if channel == "number" else (channel,))
    return {customer_id: frozenset(channels) for customer_id, channels in found.items()}


def windows_of(customer_ids: Iterable[int], *, on: date) -> dict[int, tuple[Window, ...]]:
    """Return the hours agreed with each customer that hold on a day; one query."""
    found: dict[int, list[Window]] = defaultdict(list)
    lasting = Q(until__isnull=True) | Q(until__gte=on)
    rows = AgreedWindow.objects.filter(lasting, customer_id__in=list(customer_ids), ended_at__isnull=True, since__lte=on)
    for customer_id, opens, closes, kind in rows.values_list("customer_id", "opens", "closes", "kind"):
        found[customer_id].append(Window(opens, closes, kind == AgreedWindow.Kind.AGREED))
    return {customer_id: tuple(windows) for customer_id, windows in found.items()}


def counted_as(customer: Customer, relation: Relation | None) -> tuple[Customer, Relation | None]:
    """Return under whom a contact counts: a guarantor with a file of their own counts there, another one under the relation."""
    if relation is not None and relation.other is not None:
        return relation.other, None
    return customer, relation


def number_of(who: Customer, own: Relation | None) -> str:
    """Return the fingerprint of the number on which one is reached whom `counted_as` named; "" where none is on file."""
    return str((who if own is None else own).mobile_key or "")


def party_of(relation: Relation | None) -> str:
    """Return what somebody is to the debt: who does not answer for it, or did not agree to be turned to, is a third party."""
    if relation is None:
        return Party.DEBTOR
    answers = relation.kind in OBLIGORS and relation.consent == Relation.Consent.GIVEN
    return Party(relation.kind) if answers and relation.may_contact and relation.ended_at is None else Party.THIRD


def may_contact(
    customer: Customer, channel: str, at: datetime, *, party: str = "debtor", purpose: str = "collection", relation: Relation | None = None
) -> Answer:
    """Say whether `customer` may be reached by `channel` at `at`; `reason` is the sentence that says why not, and when.

    Ask before a call is placed or logged, a letter sent, a visit made. Messages are asked for by their sender.

    :param party: "debtor", "guarantor", "co_borrower"; anybody else is refused
    :param relation: whom of the customer's file one turns to; then it says the party, and the count is their own
    """
    return judged(customer, channel, at, party=party, purpose=purpose, relation=relation).answer


def may_contact_by(
    customer: Customer, channels: Iterable[str], at: datetime, *, party: str = "debtor", purpose: str = "collection"
) -> dict[str, Answer]:
    """Ask `may_contact` of several channels at once, in four queries, and one more for reminders."""
    return {channel: one.answer for channel, one in judged_by(customer, channels, at, party=party, purpose=purpose).items()}


def judged(
    customer: Customer,
    channel: str,
    at: datetime,
    *,
    party: str = "debtor",
    purpose: str = "collection",
    relation: Relation | None = None,
    number_key: str = "",
) -> Judged:
    """Ask the gate and return all it was said from."""
    return judged_by(customer, [channel], at, party=party, purpose=purpose, relation=relation, number_key=number_key)[channel]


def judged_by(
    customer: Customer,
    channels: Iterable[str],
    at: datetime,
    *,
    party: str = "debtor",
    purpose: str = "collection",
    relation: Relation | None = None,
    number_key: str = "",
) -> dict[str, Judged]:
    """Ask the gate of several channels at once.

    :param number_key: fingerprint of another number of the person than the one on file: that one's bar counts then
    """
    who, own = counted_as(customer, relation)
    party = party_of(relation) if relation is not None else party
    zone = zone_of(who)
    on = at.astimezone(zone).date()
    held = contact_packs.held(on=on, lender=customer.legal_entity.code)
    attempts = tuple(attempts_of([who.pk], at=at, relation=own)[who.pk])
    if number_key:
        barred = (stops_of(who) if own is None else relation_bars(own)) | number_bars(number_key)
    else:
        barred = relation_bars(own) if own is not None else bars_of([who.pk]).get(who.pk, frozenset())
    windows = () if own is not None else windows_of([who.pk], on=on).get(who.pk, ())
    waits = purpose in contact_policy.BY_ITSELF and customer.pk in holds_of([customer.pk])
    found = {}
    for channel in channels:
        question = Question(
            channel=channel, at=at, zone=zone, party=party, purpose=purpose, attempts=attempts, barred=barred, held=waits, windows=windows
        )
        verdict = contact_policy.check(question, held.pack)
        found[channel] = Judged(question, verdict, held, told(verdict, zone), who, own)
    return found


def told(verdict: Verdict, zone: ZoneInfo) -> Answer:
    """Return the verdict with its sentence."""
    return Answer(verdict.allowed, verdict.rule, verdict.opens_at, explain(verdict.rule, verdict.opens_at, zone))


def relation_bars(relation: Relation) -> frozenset[str]:
    """Return what is stopped of somebody outside: the number, if it is another's, and what they asked us to stop."""
    asked = RelationStop.objects.filter(relation=relation, lifted_at__isnull=True).values_list("channel", flat=True)
    return number_bars(relation.mobile_key or "") | frozenset(asked)


def number_bars(number_key: str) -> frozenset[str]:
    """Return what is stopped of a number, if it is somebody else's."""
    wrong = BarredNumber.objects.filter(number_key=number_key, lifted_at__isnull=True).exists()
    return frozenset(ON_THE_NUMBER) if wrong else frozenset()


def stops_of(customer: Customer) -> frozenset[str]:
    """Return the channels the person is not to be reached by, whatever number is used."""
    rows = ContactBar.objects.filter(customer=customer, lifted_at__isnull=True).exclude(reason=ContactBar.Reason.WRONG_NUMBER)
    return frozenset(rows.values_list("channel", flat=True))


def refusal(one: Judged, *, actor: User | None, subject: str = "") -> NotNow:
    """Return the refusal of a contact; its catcher puts it on record."""
    opens = one.answer.opens_at.astimezone(UTC).isoformat() if one.answer.opens_at else ""
    error = NotNow(one.answer.reason, rule=one.answer.rule, opens_at=opens)
    error.judged, error.actor, error.subject = one, actor, subject
    return error


def demand(customer: Customer, channel: str, at: datetime, *, party: str = "debtor", purpose: str = "collection") -> None:
    """Go on only if the contact is allowed.

    :raises NotNow: if it is not
    """
    one = judged(customer, channel, at, party=party, purpose=purpose)
    if not one.verdict.allowed:
        raise refusal(one, actor=None)


SENTENCES = {
    contact_policy.PARTY: gettext_lazy("Only the debtor, a guarantor or a co-borrower may be contacted about the debt."),
    contact_policy.BAR: gettext_lazy("This way of contact is stopped for the customer."),
    contact_policy.HOLD: gettext_lazy("A matter is open with the customer: no reminder leaves meanwhile."),
    contact_policy.HOURS: gettext_lazy("Outside the hours of contact by the customer's clock."),
    contact_policy.ASKED: gettext_lazy("The customer asked not to be contacted in these hours."),
    contact_policy.CONNECTED: gettext_lazy("The answered calls of this day are used up."),
    contact_policy.DAY: gettext_lazy("The attempts of this day by this channel are used up."),
    contact_policy.WEEKLY: gettext_lazy("The attempts of seven days by this channel are used up."),
    contact_policy.QUIET: gettext_lazy("The quiet days after the last talk are not over."),
    contact_policy.MONTHLY: gettext_lazy("The contacts of thirty days over all channels are used up."),
    contact_policy.PRESSURE: gettext_lazy("The pressure of thirty days over all channels has reached its cap."),
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


@transaction.atomic
def bar_number(
    customer: Customer, *, actor: User, at: datetime, relation: Relation | None = None, number_key: str | None = None
) -> BarredNumber | None:
    """Bar the number on file of who was turned to, everywhere: it is somebody else's. One that is barred stays so; None without a number.

    Another number on file is open by itself: what is barred is the number, not the person. `number_key` is the number that was dialled or
    answered from, which need not be the one on file any more.
    """
    who, own = counted_as(customer, relation)
    key = number_key or number_of(who, own)
    if not key:
        return None
    found, made = BarredNumber.objects.get_or_create(
        number_key=key, lifted_at=None, defaults={"customer": who, "since": at, "actor": actor}
    )
    if made:
        log.record("customers.number.barred", who, actor=actor, at=at)
    return found


@transaction.atomic
def lift_number(customer: Customer, *, actor: User, at: datetime) -> int:
    """Open the number on file again, after it proved to be the customer's; return how many stops ended."""
    rows = BarredNumber.objects.filter(number_key=customer.mobile_key, lifted_at__isnull=True)
    lifted = rows.update(lifted_at=at, lifted_by=actor)
    if lifted:
        log.record("customers.number.lifted", customer, actor=actor, at=at)
    return lifted


def words(channel: str) -> Any:
    """Return a channel's name in the reader's language."""
    return dict(ContactChannel.choices).get(channel, channel)
