"""The contact policy, as collections asks it: the one gate of `customers.contacts`, and what counts as an attempt."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, F, QuerySet, Value

from collection.models import Case, Channel, Contact, Outcome, PhoneCall
from customers import contact_gate, contacts
from customers.contacts import Answer, Judged
from customers.models import ContactAttempt, Relation
from governance.models import User

LOGGED_WITHIN = timedelta(hours=4)  # a call not logged by then was forgotten: the next contact is another one
NOT_ANSWERED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.RETURNED, Outcome.NOT_MET, Outcome.SENT)


def answer(case: Case, *, channel: str, at: datetime, relation: Relation | None = None) -> Answer:
    """Return whether the debtor, or who answers for the debt beside them, may be reached by a channel now; the rule in words if not."""
    return contacts.may_contact(case.customer, channel, at, relation=relation)


def answers(case: Case, *, at: datetime) -> dict[str, Judged]:
    """Return what the gate says of each channel now."""
    return contacts.judged_by(case.customer, [channel for channel in Channel.values if channel != Channel.INBOUND], at)


def begin_call(case: Case, *, actor: User, at: datetime, key: str, relation: Relation | None = None) -> ContactAttempt:
    """Take a call's place among the counts before it is dialled.

    :raises NotNow: with the rule and the moment from which it is allowed
    """
    return contact_gate.reserve(
        case.customer, channel=Channel.CALL, key=key, at=at, actor=actor, relation=relation, subject=case.public_id, under_way=True
    )


def under_way(case: Case, *, actor: User, at: datetime, relation: Relation | None = None) -> ContactAttempt | None:
    """Return the call that `actor` began in this case, to the debtor or to who answers beside them, and has not ended."""
    return contact_gate.under_way(case.customer, actor=actor, at=at, relation=relation)


def unlogged(case: Case, *, actor: User, at: datetime) -> PhoneCall | None:
    """Return the latest call of `actor` in this case whose result is not logged yet."""
    rows = PhoneCall.objects.filter(case=case, actor=actor, began_at__gt=at - LOGGED_WITHIN, attempt__contacts__isnull=True)
    return rows.select_related("attempt").order_by("-pk").first()


def begun_call(case: Case, *, actor: User, at: datetime, relation: Relation | None = None) -> ContactAttempt | None:
    """Return the attempt of a call that waits for its result, over or not."""
    call = unlogged(case, actor=actor, at=at)
    if call is not None and call.relation_id == (relation.pk if relation is not None else None):
        return call.attempt
    return under_way(case, actor=actor, at=at, relation=relation)


def pass_through(
    case: Case,
    *,
    channel: str,
    outcome: str,
    actor: User,
    at: datetime,
    key: str,
    relation: Relation | None = None,
    begun: ContactAttempt | None = None,
) -> ContactAttempt | None:
    """Let one contact through and count it, in one step: a call that was begun is ended, anything else is asked for now.

    Who calls in by themselves is always heard, and is not counted.

    :param begun: what was let through and counted when the contact began
    :raises NotNow: with the rule and the moment from which it is allowed
    """
    if channel == Channel.INBOUND:
        return None
    if channel == Channel.CALL and begun is None:
        begun = begun_call(case, actor=actor, at=at, relation=relation)
    attempt = begun or contact_gate.reserve(
        case.customer,
        channel=channel,
        key=key,
        at=at,
        actor=actor,
        relation=relation,
        subject=case.public_id,
        under_way=channel == Channel.CALL,
    )
    if outcome not in NOT_ANSWERED:
        return contact_gate.answered(attempt)
    return contact_gate.settle(attempt, connected=False) if channel == Channel.CALL else attempt


def party(relation: Relation | None) -> str:
    """Return what the person one turns to is to the debt."""
    return str(contacts.party_of(relation))


def bar_wrong_number(contact: Contact, *, actor: User) -> None:
    """Bar a number that proved to be somebody else's, for every file that has it: the one dialled. At a door it is the address: see visits."""
    if contact.channel == Channel.CALL and contact.outcome == Outcome.WRONG_NUMBER:
        dialled = contact.attempt.number_key if contact.attempt is not None else ""
        contacts.bar_number(contact.case.customer, actor=actor, at=contact.at, relation=contact.relation, number_key=dialled)


def talks(customer_ids: Collection[int], since: datetime, relations: Collection[int]) -> Iterable[tuple[int, datetime]]:
    """Return when these persons called in and were spoken with: as debtors, or about the debts that one answers for beside others."""
    if relations:
        return inbound(since).filter(relation__in=relations).values_list("case__customer", "at")
    return ((who, at) for who, own, at in began(customer_ids, since) if own is None)


def began(
    customer_ids: Collection[int], since: datetime, *, until: datetime | None = None
) -> QuerySet[Contact, tuple[int, int | None, datetime]]:
    """Return the talks that these persons began, and those of who answers beside them: whose file, the relation, the moment. One query.

    They are found where the gate counts what goes out (`contacts.counted_as`): who has a file of their own, in that file.
    """
    rows = inbound(since) if until is None else inbound(since).filter(at__lt=until)
    nobody = Value(None, output_field=BigIntegerField())
    here = rows.filter(case__customer__in=customer_ids, relation__other__isnull=True).annotate(
        who=F("case__customer_id"), own=F("relation_id"), moment=F("at")
    )
    elsewhere = rows.filter(relation__other__in=customer_ids).annotate(who=F("relation__other_id"), own=nobody, moment=F("at"))
    columns = ("who", "own", "moment")
    return here.values_list(*columns).union(elsewhere.values_list(*columns), all=True)


def inbound(since: datetime) -> QuerySet[Contact]:
    """Return the talks that who answers for a debt began; somebody else's call is no talk with them."""
    rows = Contact.objects.filter(channel=Channel.INBOUND, at__gt=since)
    return rows.exclude(outcome__in=(*NOT_ANSWERED, Outcome.THIRD_PARTY, Outcome.WRONG_NUMBER))


contacts.TALKS.register("collections", talks)
