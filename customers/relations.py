"""Doors for relations: add one with its source and consent, open it for collections, end it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from customers import identifiers, reveals
from customers.models import ContactChannel, Customer, Note, Relation, RelationStop
from customers.models.relations import OBLIGORS
from customers.reveals import RevealPurpose
from governance import access, uses
from governance.models import User
from governance.models.identity import Level
from ledger import log

READ_FOR = "service"  # what pages and the API read an outside person for, masked


class OtherSideUnclear(Invalid):
    """Neither a customer nor name and mobile of an outside person were given, or both."""

    code = "other_side_unclear"


class KnownAlready(Invalid):
    code = "relation_known"


class Ended(DomainError):
    """The relation is over."""

    code = "relation_ended"


class ThirdParty(DomainError):
    """Only who answers for a debt and agreed may be turned to for it: collection from third parties is prohibited."""

    code = "third_party"


@transaction.atomic
def add(
    customer: Customer,
    *,
    kind: str,
    source: str,
    actor: User,
    at: datetime,
    consent: str = Relation.Consent.NOT_ASKED,
    other: Customer | None = None,
    name: str = "",
    mobile: str = "",
) -> Relation:
    """Record that `other`, or the outside person `name` with `mobile`, stands in a relation to `customer`.

    :raises OtherSideUnclear: if the other side is given twice, by half, or is the customer
    :raises KnownAlready: if the customer has this relation with this person
    :raises Invalid: if name or mobile cannot be
    """
    if (other is None) == (not name.strip() and not mobile.strip()):
        sentence = _("Give the file number of our customer, or name and mobile of the person.")
        raise OtherSideUnclear(sentence, fields={"other": sentence})
    if other is not None and (other.pk == customer.pk or other.legal_entity_id != customer.legal_entity_id):
        sentence = _("Choose another customer than this one.")
        raise OtherSideUnclear(sentence, fields={"other": sentence})
    row = Relation(customer=customer, kind=kind, source=source, consent=consent, other=other, created_by=actor, created_at=at)
    if other is None:
        problems = {}
        try:
            row.name = identifiers.name(name)
        except Invalid as error:
            problems["name"] = error.message
        try:
            row.mobile = identifiers.mobile(mobile)
        except Invalid as error:
            problems["mobile"] = error.message
        if problems:
            raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "relation_once" not in str(error):
            raise
        sentence = _("This relation with this person is recorded already.")
        raise KnownAlready(sentence, fields={"other" if other else "mobile": sentence}) from None
    log.record("customers.relation.added", row, actor=actor, at=at, source=source, consent=consent, **row.sides())
    return row


@transaction.atomic
def end(relation: Relation, *, actor: User, at: datetime) -> Relation:
    """End a relation; it stays in the history, and nobody may be contacted because of it.

    :raises Ended: if it is over already
    """
    if not Relation.objects.live().filter(pk=relation.pk).update(ended_at=at, ended_by=actor, may_contact=False):
        raise Ended(_("This relation has ended already."))
    relation.refresh_from_db(fields=["ended_at", "ended_by", "may_contact"])
    log.record("customers.relation.ended", relation, actor=actor, at=at, **relation.sides())
    return relation


@transaction.atomic
def allow_contact(relation: Relation, *, allowed: bool, actor: User, at: datetime) -> Relation:
    """Open or close a relation for collections: who answers for the debt, and nobody else, may be turned to.

    :raises ThirdParty: if it is neither guarantor nor co-borrower, or one who did not agree
    :raises Ended: if it is over
    """
    if allowed and (relation.kind not in OBLIGORS or relation.consent != Relation.Consent.GIVEN):
        raise ThirdParty(_("Only a guarantor or co-borrower who agreed may be contacted about the debt. Everybody else is a third party."))
    if not Relation.objects.live().filter(pk=relation.pk).update(may_contact=allowed):
        raise Ended(_("This relation has ended already."))
    relation.refresh_from_db(fields=["may_contact"])
    if allowed:  # opened anew, every way is: they said so
        relation.stops.filter(lifted_at__isnull=True).update(lifted_at=at)
    event = "customers.relation.contact_opened" if allowed else "customers.relation.contact_closed"
    log.record(event, relation, actor=actor, at=at, **relation.sides())
    return relation


@transaction.atomic
def stop(relation: Relation, *, channel: str, actor: User, at: datetime) -> RelationStop:
    """Stop one way of contact with somebody outside, as they asked; one that is stopped stays so. Opening the relation anew lifts it.

    :raises Invalid: if there is no such way of contact
    """
    if channel not in ContactChannel.values:
        raise Invalid(_("Choose the way of contact."), fields={"channel": _("Choose the way of contact.")})
    found, made = RelationStop.objects.get_or_create(
        relation=relation, channel=channel, lifted_at=None, defaults={"since": at, "actor": actor}
    )
    if made:
        log.record("customers.relation.stopped", relation, actor=actor, at=at, channel=channel, **relation.sides())
    return found


@transaction.atomic
def reveal(relation: Relation, *, field: str, purpose: str, reason: str, actor: User, at: datetime) -> str:
    """Return name or mobile of an outside person in clear; who, for what and why go into the ledger first.

    :raises ThirdParty: if it is asked for to collect a debt, and the person is not one who may be contacted about it
    :raises reveals.NoReason: if purpose or reason is missing
    :raises FieldClosed: if the actor's role may not open this field
    :raises uses.UnlawfulUse: if the purpose may not read this value, or needs a consent that the customer has not given
    """
    if field not in ("name", "mobile") or relation.other_id is not None:
        raise Invalid(_("A customer's own values are opened in their own file."))
    if purpose == RevealPurpose.COLLECTION and not Relation.objects.contactable().filter(pk=relation.pk).exists():
        raise ThirdParty(_("Only a guarantor or co-borrower who agreed may be contacted about the debt. Everybody else is a third party."))
    reveals.check(purpose=purpose, reason=reason)
    access.demand(actor, f"customers.relation.{field}", Level.REVEAL)
    read = uses.reading(Relation.objects.get(pk=relation.pk), purpose, actor=actor, at=at)
    read.may_be_read(field)
    note = Note.objects.create(customer=relation.customer, author=actor, text=reason.strip(), at=at)
    log.record(
        "customers.relation.revealed", relation, actor=actor, at=at, field=field, purpose=purpose, note_id=note.pk, **relation.sides()
    )
    return getattr(read, field) or ""
