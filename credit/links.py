"""Doors of a link: the customer reads the cost table on a telephone, proves to hold the mobile on file, and accepts."""

import hashlib
import secrets
from datetime import date, datetime
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit import contracts, offers
from credit.books import value_day
from credit.models import Link, Loan, Offer, OfferLink
from crm.lib.errors import DomainError, NotFound
from customers import messages, one_time_codes, templates
from customers.models import Customer, MessagePurpose
from governance import users, vault
from governance.lifecycle import move
from governance.models import User
from ledger import log

L = TypeVar("L", bound=Link)
PURPOSE = "accept_offer"
READ = "read_contract"
TOKEN_BYTES = 24  # 192 bits: no number of guesses finds one
MOST, WITHIN = 60, 60  # requests a minute from one address, all links together

KIND = templates.declare(
    "offer.link",
    label=_("Link to an offer"),
    purpose=MessagePurpose.SERVICE,
    samples={
        "url": ("https://example.com/o/AbC", "https://example.com/o/AbC"),
        "day": ("2026-12-06", "2026-12-06"),
        "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    },
    secret=True,
)


class NoSuchLink(NotFound):
    """No link has this token, or a newer one took its place."""

    code = "no_such_link"


class LinkUsed(DomainError):
    """The offer was accepted by this link before; `extra["loan"]` names the loan."""

    code = "link_used"


class NotStanding(DomainError):
    """The offer can no longer be accepted, or the loan is not booked yet: there is no such paper."""

    code = "no_such_paper"


class TooOften(DomainError):
    """Too many requests from one address."""

    code = "too_often"
    status = 429


@transaction.atomic
def make(offer: Offer, *, actor: User, at: datetime) -> OfferLink:
    """Make a link to a standing offer and send it to the customer's mobile; a link before it opens nothing any more.

    The token is in the message alone: here only its hash is kept.

    :raises OfferLapsed: if the offer no longer stands
    """
    row = offers.locked_standing(offer, at=at)
    customer = row.application.customer
    made = send(OfferLink, "offer", template=KIND, customer=customer, day=row.expires_on, actor=actor, at=at, offer=row)
    log.record("credit.offer.link_made", row, actor=actor, at=at, customer_id=customer.pk, expires_on=row.expires_on)
    return made


def send(kind: type[L], name: str, *, template: str, customer: Customer, day: date, actor: User, at: datetime, **of: Any) -> L:
    """Make a link to what `of` names, in place of one before it, and send it to the customer's mobile; within the caller's transaction.

    :param name: of the page it opens, `public-<name>`
    :param day: the last one on which the link serves
    """
    rows = cast("QuerySet[L]", kind._default_manager.all())
    for link in rows.select_for_update().filter(status=Link.Status.LIVE, **of):
        move(link, Link.Status.REVOKED, actor=actor, at=at)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    made = rows.create(token_hash=digest(token), made_by=actor, made_at=at, **of)
    messages.send(
        customer=customer,
        template=template,
        channel="sms",
        values={
            "url": settings.BASE_URL.rstrip("/") + reverse(f"public-{name}", args=[token]),
            "day": day.isoformat(),
            "lender": messages.sender_name(customer, messages.language_of(customer)),
        },
        key=f"{name}-link:{made.pk}",
        actor=actor,
        at=at,
        purpose=MessagePurpose.SERVICE,
    )
    return made


def of_token(rows: QuerySet[L], token: str) -> L:
    """Return the link of a token, used or not.

    :raises NoSuchLink: for an unknown token and for one that was replaced, alike
    """
    found: L | None = rows.filter(token_hash=digest(token)).exclude(status=Link.Status.REVOKED).first()
    if found is None:
        raise NoSuchLink(_("This link opens nothing. Ask for a new one."))
    return found


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find(token: str) -> OfferLink:
    """Return the link to an offer; see `of_token`."""
    rows = OfferLink.objects.select_related(
        "offer", "offer__application", "offer__application__customer", "offer__application__product", "offer__application__legal_entity"
    )
    return of_token(rows, token)


def check_rate(address: str) -> None:
    """Count a request from a network address, kept for a minute under its keyed hash.

    :raises TooOften: above the most a minute
    """
    key = f"offer-link:{vault.fingerprint(address, label='credit.links.address')[:32]}"
    cache.add(key, 0, WITHIN)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out between the two
        return
    if count > MOST:
        raise TooOften(_("Too many requests. Wait a minute and try again."))


def shown(link: OfferLink, *, at: datetime) -> OfferLink:
    """Note when the table that stands was first on the customer's screen; another table begins anew."""
    if link.shown_hash != link.offer.cost_hash:
        link.shown_hash, link.shown_at = link.offer.cost_hash, at
        OfferLink.objects.filter(pk=link.pk).update(shown_hash=link.shown_hash, shown_at=at)
    return link


def seconds(link: OfferLink, *, at: datetime) -> int:
    """Return for how long the table that stands was on the screen, by the server's clock."""
    if link.shown_at is None or link.shown_hash != link.offer.cost_hash:
        return 0
    return max(0, int((at - link.shown_at).total_seconds()))


def confirm(link: OfferLink, *, cost_hash: str, at: datetime) -> Offer:
    """Record that the customer read and confirmed the cost table.

    :raises LinkUsed, OfferLapsed, DisclosureChanged, ReadTooFast: see `offers.confirm_disclosure`
    """
    check_unused(link)
    return offers.confirm_disclosure(
        link.offer, cost_hash=cost_hash, seconds=seconds(link, at=at), actor=users.system(), at=at, channel="link"
    )


def send_code(link: OfferLink, *, at: datetime) -> None:
    """Send a one-time code to the mobile on file.

    :raises NotConfirmed: before the cost table is confirmed
    :raises LinkUsed, TooManyCodes: if so
    """
    check_unused(link)
    if not link.offer.is_confirmed:
        raise offers.NotConfirmed(_("The cost table has to be confirmed before the offer is accepted."))
    one_time_codes.issue(link.offer.public_id, customer=link.offer.application.customer, purpose=PURPOSE, at=at)


def accept(link: OfferLink, *, code: str, at: datetime) -> Loan:
    """Accept the offer for whoever holds link and mobile: the loan is booked. Called outside transactions; a second click is told.

    :raises WrongCode, NoCode: if the digits are not those that were sent
    :raises LinkUsed: if it was used before
    :raises NotConfirmed, OfferLapsed, DisclosureChanged: see `offers.accept`
    """
    check_unused(link)
    offers.check_acceptable(link.offer, at=at)
    one_time_codes.confirm(link.offer.public_id, customer=link.offer.application.customer, purpose=PURPOSE, code=code, at=at)
    actor = users.system()
    with transaction.atomic():
        loan = offers.accept(link.offer, key=f"link:{link.pk}", actor=actor, at=at)
        row = OfferLink.objects.select_for_update().get(pk=link.pk)
        if row.status == OfferLink.Status.LIVE:
            move(row, OfferLink.Status.USED, actor=actor, at=at, used_at=at, facts={"loan": loan.public_id})
    return loan


# --- papers --------------------------------------------------------------------------------------------------------
def draft(link: OfferLink, *, at: datetime) -> bytes:
    """Return the contract to be read before it is accepted, the borrower masked: a link may have been passed on.

    :raises NotStanding: if the offer can no longer be accepted
    """
    if not stands(link.offer, at=at):
        raise NotStanding(_("It can no longer be accepted. Call us if you still want the loan."))
    return contracts.draft(link.offer, actor=users.system(), at=at)


def send_paper_code(link: OfferLink, *, at: datetime) -> None:
    """Send a one-time code with which the customer of an accepted offer gets the contract.

    :raises NotStanding: if the offer was not accepted
    :raises TooManyCodes: if so
    """
    check_accepted(link)
    one_time_codes.issue(link.offer.public_id, customer=link.offer.application.customer, purpose=READ, at=at)


def paper(link: OfferLink, *, code: str, at: datetime) -> bytes:
    """Return the contract of an accepted offer to whoever holds link and mobile. Called outside transactions.

    :raises NotStanding: if the offer was not accepted
    :raises WrongCode, NoCode: if the digits are not those that were sent
    :raises NotKept, FileAltered: see `contracts.opened`
    """
    check_accepted(link)
    one_time_codes.confirm(link.offer.public_id, customer=link.offer.application.customer, purpose=READ, code=code, at=at)
    actor = users.system()
    return contracts.opened(contracts.paper(link.offer, actor=actor, at=at), actor=actor, at=at)


def check_accepted(link: OfferLink) -> None:
    """:raises NotStanding: if no loan came of the offer"""
    if not Loan.objects.filter(offer=link.offer_id).exists():
        raise NotStanding(_("There is a contract once the offer has been accepted."))


def check_unused(link: OfferLink) -> None:
    """Refuse a link that was used.

    :raises LinkUsed: if so
    """
    status = OfferLink.objects.values_list("status", flat=True).get(pk=link.pk)
    if status == OfferLink.Status.USED:
        loan = Loan.objects.filter(offer=link.offer_id).values_list("public_id", flat=True).first()
        raise LinkUsed(_("This offer was accepted by this link before."), loan=loan or "")


def stands(offer: Offer, *, at: datetime) -> bool:
    """Return whether `offer` can still be accepted."""
    return offer.status == Offer.Status.MADE and value_day(offer.application.legal_entity, at) <= offer.expires_on
