"""The gate as a door: the verdict and the place it gives are one step, and both are kept.

`reserve` holds the person's row, asks, and writes the attempt before it lets go. So of two collectors who would both make the third
call one gets it and the other is told from when. A reserved call counts as a connect until `settle` tells its end or its day is over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from customers import contacts
from customers.contact_policy import counted
from customers.contacts import Judged, NotNow
from customers.models import ContactAttempt, ContactChannel, ContactVerdict, Customer, Relation
from governance.models import User

__all__ = ["NotNow", "answered", "keep", "keep_all", "reserve", "settle", "under_way"]


@transaction.atomic
def reserve(
    customer: Customer,
    *,
    channel: str,
    key: str,
    at: datetime,
    actor: User,
    purpose: str = "collection",
    relation: Relation | None = None,
    subject: str = "",
    under_way: bool = False,
    number_key: str = "",
) -> ContactAttempt:
    """Ask for one contact and take its place among the counts, in one step. The same `key` is one attempt.

    :param relation: whom one turns to beside the customer; only who answers for the debt
    :param under_way: a call that begins now: it may still connect until `settle`
    :param number_key: fingerprint of another number of the person than the one on file, which may be somebody else's
    :raises NotNow: if the rules refuse; `remember` puts that on record
    :raises ValueError: if the channel is none of `ContactChannel`
    """
    if channel not in ContactChannel.values:
        raise ValueError(f"{channel} is no channel of contact")
    who, own = contacts.counted_as(customer, relation)
    Customer.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=who.pk)
    counted = Q(customer=who, relation=own)
    if own is not None:  # one person beside several customers: their relations are held too
        beside = contacts.everywhere(own)
        list(Relation.objects.filter(pk__in=beside).order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
        counted = Q(customer__in=set(beside.values()), relation__in=beside)
    # Who asked a moment earlier may get here later: what was reserved meanwhile counts for them too.
    meanwhile = ContactAttempt.objects.filter(counted, at__gt=at, at__lte=at + timedelta(minutes=1)).aggregate(last=Max("at"))["last"]
    at = meanwhile or at
    known = ContactAttempt.objects.filter(key=key).first()
    if known is not None:
        return known
    one = contacts.judged(customer, channel, at, purpose=purpose, relation=relation, number_key=number_key)
    if not one.verdict.allowed:
        raise contacts.refusal(one, actor=actor, subject=subject)
    attempt = ContactAttempt.objects.create(
        customer=who,
        relation=own,
        channel=channel,
        at=at,
        purpose=purpose,
        key=key,
        actor=actor,
        number_key=(number_key or contacts.number_of(who, own)) if channel in contacts.ON_THE_NUMBER else "",
        open_until=at + timedelta(minutes=one.held.minutes) if under_way else None,
    )
    keep(one, actor=actor, subject=subject, attempt=attempt)
    return attempt


@transaction.atomic
def settle(attempt: ContactAttempt, *, connected: bool) -> ContactAttempt:
    """Tell how a call ended; told again, the first word stays."""
    ended = ContactAttempt.objects.filter(pk=attempt.pk, open_until__isnull=False).update(connected=connected, open_until=None)
    if ended:
        attempt.connected, attempt.open_until = connected, None
    return attempt


@transaction.atomic
def answered(attempt: ContactAttempt) -> ContactAttempt:
    """Note that somebody answered: from now on it is a connect, whatever is told of its end."""
    ContactAttempt.objects.filter(pk=attempt.pk).update(connected=True, open_until=None)
    attempt.connected, attempt.open_until = True, None
    return attempt


def under_way(customer: Customer, *, actor: User, at: datetime, relation: Relation | None = None) -> ContactAttempt | None:
    """Return the call of `actor` to this customer, or to who answers beside them, whose end is not told yet."""
    who, own = contacts.counted_as(customer, relation)
    rows = ContactAttempt.objects.filter(customer=who, relation=own, actor=actor, channel=ContactChannel.CALL, open_until__gt=at)
    return rows.order_by("-pk").first()


def keep(one: Judged, *, actor: User | None, subject: str = "", attempt: ContactAttempt | None = None) -> ContactVerdict:
    """Write down one verdict with what it was said from."""
    row = row_of(one, actor=actor, subject=subject)
    row.attempt = attempt
    row.save(force_insert=True)
    return row


def keep_all(rows: Iterable[ContactVerdict]) -> None:
    """Write down the verdicts of a batch at once."""
    ContactVerdict.objects.bulk_create(rows)


def row_of(one: Judged, *, actor: User | None, subject: str = "") -> ContactVerdict:
    """Return the verdict as a row, not saved."""
    question, verdict = one.question, one.verdict
    return ContactVerdict(
        customer=one.customer,
        relation=one.relation,
        party=question.party if question.party in ("debtor", "guarantor", "co_borrower") else "third",
        channel=question.channel,
        purpose=question.purpose,
        at=question.at,
        verdict=verdict.kind,
        rule=verdict.rule,
        opens_at=verdict.opens_at,
        pack=one.held.name,
        inputs=inputs_of(one),
        subject=subject,
        actor=actor,
    )


def inputs_of(one: Judged) -> dict[str, Any]:
    """Return what a verdict was said from: the person's clock, what was counted, the limits and who set each."""
    question, pack = one.question, one.held.pack
    limits = {name: value for name, value in vars(pack).items() if name not in ("opens", "closes") and value is not None}
    return {
        "clock": f"{question.at.astimezone(question.zone):%Y-%m-%d %H:%M}",
        "zone": str(question.zone),
        "hours": f"{pack.opens:%H:%M}-{pack.closes:%H:%M}",
        "counts": counted(question),
        "limits": limits,
        "sources": dict(one.held.sources),
        "stopped": sorted(question.barred),
        "held": question.held,
        "windows": [f"{each.opens:%H:%M}-{each.closes:%H:%M} {'agreed' if each.agreed else 'left out'}" for each in question.windows],
    }
