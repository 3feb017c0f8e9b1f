"""What an agency does with a case it has: ask before a contact, tell how it went, and give back what it may not keep.

Its contacts count in the same counters as the house's, under the same gate. It is told a number only with the place for a call or message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from collection import (
    complaints,
    contacts,
    dispositions,
    disputes,
    gate,
    hardship,
    links,
    permissions,
    placements,
    promises,
    small_balances,
)
from collection.judgement import Part
from collection.models import Agency, Channel, Complaint, Contact, Dispute, Hardship, Outcome, Placement, Promise
from collection.models.agencies import PlacementQuerySet
from credit import exposure
from credit.models import Loan
from crm.lib.errors import DomainError, Invalid
from customers import contact_gate, relations, replies
from customers import contacts as gates
from customers.models import ContactAttempt, ContactBar, MessageChannel, Relation, RelationStop
from governance import uses
from governance.models import User
from ledger import log

ASKED_FOR = timedelta(hours=24)  # how long a place among the counts waits to be told about
NUMBERED = (Channel.CALL, Channel.SMS)
KEY = "agency:"
# At which field of its API a bar is told.
FIELDS = {
    "result": "outcome", "relation": "outcome", "person": "confirmed", "lines": "lines_said", "promised": "promise", "promise": "promise",
}  # fmt: skip


class NotAsked(DomainError):
    """The gate is asked before a contact, not after it."""

    code = "not_asked"


class CallNotTold(DomainError):
    """How the agency's last call to this person ended is not told yet."""

    code = "call_not_told"


class NotConfirmed(DomainError):
    """No talk with the debtor, confirmed, is told of this day."""

    code = "not_confirmed"


class NotWithYou(DomainError):
    """The case went back to the house."""

    code = "not_with_you"


class NobodyAnswers(DomainError):
    """Nobody of the house may answer for this matter."""

    code = "nobody_answers"


@dataclass(frozen=True)
class Allowed:
    """A contact that may be made now: its place is taken. `number` for calls and text messages; `until` for calls."""

    channel: str
    at: datetime
    until: datetime | None
    number: str


def held(placement: Placement) -> Placement:
    """Return the locked row of a case that is with its agency; the customer is locked first.

    :raises NotWithYou: if it is back, or the agency is suspended
    """
    row = locked(placement)
    if not with_agency(row):
        raise back(row)
    return row


def with_agency(row: Placement) -> bool:
    return row.status == Placement.Status.PLACED and row.agency.status == Agency.Status.ACTIVE


def back(row: Placement) -> NotWithYou:
    return NotWithYou(_("%(placement)s is back in the house.") % {"placement": row.public_id})


def locked(placement: Placement) -> Placement:
    exposure.lock(placement.case.customer_id)
    return (
        Placement.objects.select_for_update(of=("self", "case"))
        .select_related("agency", "case__legal_entity", "case__customer__legal_entity", "placed_by__role", "placed_by__team")
        .get(pk=placement.pk)
    )


def untold(row: Placement, relation: Relation | None, *, channel: str, at: datetime) -> QuerySet[ContactAttempt]:
    """Return the places that people and clients of an agency took with this person and did not tell about, while they may."""
    who, own = gates.counted_as(row.case.customer, relation)
    taken = ContactAttempt.objects.filter(customer=who, relation=own, channel=channel, at__gt=at - ASKED_FOR, contacts__isnull=True)
    return taken.filter(actor__agencies=row.agency_id, key__startswith=KEY).order_by("-pk")


def no_visits() -> Invalid:
    sentence = _("Visits are made by two people of the house.")
    return Invalid(sentence, fields={"channel": sentence})


@transaction.atomic
def ask(placement: Placement, *, channel: str, actor: User, at: datetime, obligor: str = "") -> Allowed:
    """Take a contact's place among the counts of lender and agencies before it is made; of a call the agency tells before the next.

    :param obligor: public id of who answers for the debt beside the debtor, if one turns to them; counted by themselves
    :raises NotWithYou: if the case is back
    :raises NobodyThere: if that one does not answer for this debt
    :raises CallNotTold: if the agency has not told how its last call to this person ended
    :raises SmallBalance: if only a small remainder is overdue: nobody is called
    :raises NotNow: with the rule, and the moment from which it is allowed
    :raises Invalid: if nobody is asked about this channel
    """
    if channel == Channel.VISIT:
        raise no_visits()
    if channel not in Channel.values or channel == Channel.INBOUND:
        raise Invalid(_("Choose how the contact is to be made."), fields={"channel": _("Choose how the contact is to be made.")})
    row = held(placement)
    relation = links.asked(row.case, obligor)
    if channel == Channel.CALL and untold(row, relation, channel=channel, at=at).exists():
        raise CallNotTold(_("Tell how the last call ended before you ask for another one."))
    if channel == Channel.CALL:
        small_balances.refuse(row.case)
    attempt = contact_gate.reserve(
        row.case.customer, channel=channel, key=f"{KEY}{uuid4()}", at=at, actor=actor, subject=row.case.public_id,
        under_way=channel == Channel.CALL, relation=relation,
    )  # fmt: skip
    number = ""
    if channel in NUMBERED:
        holder: Any = row.case.customer if relation is None else relation.other or relation
        number = str(uses.reading(holder, "collections", actor=actor, at=at).mobile or "")
        told: dict[str, Any] = {"channel": channel, "party": gate.party(relation)}
        log.record("collections.placement.number_told", row, actor=actor, at=at, **told, **placements.facts(row))
    return Allowed(channel, attempt.at, attempt.open_until, number)


@transaction.atomic
def tell(
    placement: Placement, *, channel: str, outcome: str, actor: User, at: datetime, note: str = "", confirmed: bool = False,
    lines_said: bool = False, promise: Sequence[Part] = (), obligor: str = "",
) -> Contact:  # fmt: skip
    """Write down how a contact went; what the customer said takes effect as if it was said to the house.

    :param obligor: public id of who was turned to beside the debtor; the debtor's own words are not taken from them
    :param confirmed: the agency made sure who it spoke to; results with the debtor's own words, or the obligor's, need it
    :param lines_said: the lines that must be said in a talk were said; the same results need it

    What was asked for before the case went back is still told, so that no result is lost: a number that is somebody else's, a death. A
    promise told so late is one only where nobody took another since; else the talk alone is written down.

    :raises NotWithYou: if the case is back, and the gate let nothing through before that is not told
    :raises NobodyThere: if that one does not answer for this debt
    :raises NotAsked: if the gate was not asked; who calls in by themselves is heard
    :raises LinesNotSaid: if they were not
    :raises Invalid: with a sentence per wrong value
    """
    row = locked(placement)
    relation = links.asked(row.case, obligor)
    if not with_agency(row) and not untold(row, relation, channel=channel, at=at).exists():
        raise back(row)
    if channel == Channel.VISIT:
        raise no_visits()
    if promise and not with_agency(row) and not may_promise_late(row, relation, channel=channel, at=at):
        outcome, promise = Outcome.RIGHT_PARTY, ()
    told = contacts.Told(
        channel, outcome, Channel.CALL, row.back_on, confirmed=confirmed, lines_said=lines_said, note=note.strip(), promise=promise,
        relation=relation, agency=row.agency.code,
    )  # fmt: skip
    contact = contacts.write(
        row.case, told, place=lambda _id: _settled(row, relation, channel=channel, outcome=outcome, actor=actor, at=at), actor=actor,
        at=at, fields=FIELDS,
    )  # fmt: skip
    placements.follow([row.case.customer_id], actor=actor, at=at)
    return contact


def _settled(row: Placement, relation: Relation | None, *, channel: str, outcome: str, actor: User, at: datetime) -> ContactAttempt | None:
    """Return the place that was taken for this contact, with its end told."""
    if channel == Channel.INBOUND:
        return None
    taken = untold(row, relation, channel=channel, at=at)
    attempt = taken.filter(actor=actor).first() or taken.exclude(open_until__gt=at).first()  # a colleague's that is over
    if attempt is None:
        raise NotAsked(_("Ask before the contact: it is counted together with those of the house and other agencies."))
    if outcome not in gate.NOT_ANSWERED:
        return contact_gate.answered(attempt)
    return contact_gate.settle(attempt, connected=False)


def may_promise_late(row: Placement, relation: Relation | None, *, channel: str, at: datetime) -> bool:
    """Return whether a promise told after the case went back is the latest word: the case is open, and nobody took one since the call."""
    asked = untold(row, relation, channel=channel, at=at).first()
    return asked is not None and row.case.is_open and not Promise.objects.filter(case=row.case_id, taken_at__gte=asked.at).exists()


def tellable(user: User, *, at: datetime) -> PlacementQuerySet:
    """Return the placements about which `user` may tell how a contact went: those they see, and those that went back before they could."""
    theirs = Q(customer=OuterRef("case__customer")) | Q(customer__related_by__customer=OuterRef("case__customer"))
    taken = ContactAttempt.objects.filter(
        theirs, actor__agencies=OuterRef("agency"), key__startswith=KEY, at__gt=at - ASKED_FOR, contacts__isnull=True
    )
    late = Placement.objects.filter(Exists(taken), agency__members=user.pk)
    return Placement.objects.filter(Q(pk__in=Placement.objects.visible_to(user).values("pk")) | Q(pk__in=late.values("pk")))


@transaction.atomic
def promise(placement: Placement, *, parts: Sequence[Part], channel: str, actor: User, at: datetime) -> Promise:
    """Write down what a customer promised in a talk that is told already: on the same day, by the customer's clock, with the person sure.

    :raises NotWithYou: if the case is back
    :raises NotConfirmed: if the agency told no talk of this day in which it was certain that it was the debtor
    :raises Invalid: with a sentence per wrong value
    """
    row = held(placement)
    if channel == Channel.VISIT:
        raise no_visits()
    if not talked_today(row, at=at):
        raise NotConfirmed(_("Tell the talk with the customer first, with the person confirmed: a promise is the debtor's own word."))
    return promises.write(row.case, parts=parts, channel=channel, actor=actor, at=at)


def talked_today(row: Placement, *, at: datetime) -> bool:
    """Return whether the agency told a talk with the debtor, confirmed, on this day of the customer's."""
    zone = gates.zone_of(row.case.customer)
    midnight = datetime.combine(at.astimezone(zone).date(), time.min, tzinfo=zone)
    told = Contact.objects.filter(case=row.case_id, relation=None, actor__agencies=row.agency_id, at__gte=midnight, at__lte=at)
    outcomes = told.order_by().values_list("channel", "outcome")
    return any((found := dispositions.result(*one)) is not None and found.person for one in outcomes)


@transaction.atomic
def stop(placement: Placement, *, channel: str, actor: User, at: datetime, obligor: str = "") -> ContactBar | RelationStop:
    """Stop one way of contact, as the person asked: for the house and every agency. One that is stopped stays so.

    :param obligor: public id of who asked, where it was not the debtor: theirs is stopped then, and the debtor's stays open
    :raises NotWithYou: if the case is back
    :raises NobodyThere: if that one does not answer for this debt
    :raises Invalid: if there is no such way of contact
    """
    row = held(placement)
    who, own = gates.counted_as(row.case.customer, links.asked(row.case, obligor))
    if own is not None:
        return relations.stop(own, channel=channel, actor=actor, at=at)
    found = ContactBar.objects.filter(customer=who, channel=channel, lifted_at__isnull=True).first()
    if found is None:
        found = gates.bar(who, channel=channel, reason=ContactBar.Reason.STOP, actor=actor, at=at)
        for way in MessageChannel.values:
            if replies.stops(way) == channel:
                replies.take_back([who], channel=way, reason="stopped", at=at)
    return found


# --- what takes the case back --------------------------------------------------------------------------------------
def answerer(row: Placement) -> User:
    """Return who of the house answers for a matter: who placed the case, else who may.

    :raises NobodyAnswers: if nobody may
    """
    able = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[permissions.DECIDE_MATTER])
    people: Iterable[User] = [row.placed_by, *able.select_related("role", "team").order_by("pk")]
    found = next((one for one in people if one.kind == User.Kind.STAFF and disputes.may_own(one, row.case)), None)
    if found is None:
        raise NobodyAnswers(_("Nobody of the house may answer for this matter: tell the house by telephone."))
    return found


@transaction.atomic
def dispute(
    placement: Placement, *, loan: Loan, kind: str, amount: Decimal, channel: str, statement: str, actor: User, at: datetime
) -> Dispute:
    """Open a dispute; the case goes back to the house at once.

    :raises NotWithYou: if the case is back
    :raises Invalid: with a sentence per wrong value
    """
    row = held(placement)
    made = disputes.raise_(
        row.case, loan=loan, kind=kind, amount=amount, channel=channel, owner=answerer(row), actor=actor, at=at, statement=statement
    )
    placements.recall(row, reason=Placement.Reason.DISPUTE, actor=actor, at=at)
    return made


@transaction.atomic
def complain(placement: Placement, *, kind: str, channel: str, statement: str, actor: User, at: datetime) -> Complaint:
    """File a complaint; the case goes back to the house at once.

    :raises NotWithYou: if the case is back
    :raises Invalid: with a sentence per wrong value
    """
    row = held(placement)
    told = {"channel": channel, "owner": answerer(row), "actor": actor, "at": at, "statement": statement}
    made = complaints.file(row.case, kind=kind, about=None, is_complex=False, **told)  # type: ignore[arg-type]
    placements.recall(row, reason=Placement.Reason.COMPLAINT, actor=actor, at=at)
    return made


@transaction.atomic
def ask_relief(placement: Placement, *, cause: str, words: str, actor: User, at: datetime) -> Hardship:
    """Ask for relief in the customer's name; the case goes back to the house at once.

    :raises NotWithYou: if the case is back
    :raises Invalid: with a sentence per wrong value
    """
    row = held(placement)
    made = hardship.open_(row.case, cause=cause, owner=answerer(row), actor=actor, at=at, words=words)
    placements.recall(row, reason=Placement.Reason.HARDSHIP, actor=actor, at=at)
    return made


@transaction.atomic
def give_back(placement: Placement, *, actor: User, at: datetime) -> Placement:
    """Return a case to the house; what came in until now earned its fee.

    :raises NotWithYou: if it is back already
    """
    return placements.recall(held(placement), reason=Placement.Reason.RETURNED, actor=actor, at=at)
