"""Doors of a link to a counter-offer: the applicant reads the other terms on a telephone, proves to hold the mobile on file, and answers."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import exposure, links, offers, underwriting
from credit.books import local_day
from credit.links import LinkUsed
from credit.models import CounterLink, CounterOffer, Offer
from crm.lib.errors import DomainError
from customers import one_time_codes, templates
from customers.models import MessagePurpose
from governance import users
from governance.lifecycle import move
from governance.models import User
from ledger import log

PURPOSE = "answer_counter"

KIND = templates.declare(
    "counter.link",
    label=_("Link to a counter-offer"),
    purpose=MessagePurpose.SERVICE,
    samples={
        "url": ("https://example.com/c/AbC", "https://example.com/c/AbC"),
        "day": ("2026-12-06", "2026-12-06"),
        "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    },
    secret=True,
)


class CounterAnswered(DomainError):
    """The counter-offer waits for no answer any more."""

    code = "counter_answered"


@transaction.atomic
def make(offered: CounterOffer, *, actor: User, at: datetime) -> CounterLink:
    """Make a link to a counter-offer and send it to the applicant's mobile; a link before it opens nothing any more.

    The token is in the message alone: here only its hash is kept.

    :raises CounterAnswered: if it waits for no answer
    :raises CounterLapsed: if its last day has passed
    """
    exposure.lock(offered.application.customer_id)
    row = CounterOffer.objects.select_for_update(of=("self",)).get(pk=offered.pk)
    row.application = offered.application
    check_open(row, at=at)
    customer = row.application.customer
    made = links.send(CounterLink, "counter", template=KIND, customer=customer, day=row.due_on, actor=actor, at=at, counter=row)
    log.record("credit.counteroffer.link_made", row, actor=actor, at=at, customer_id=customer.pk, due_on=row.due_on)
    return made


def find(token: str) -> CounterLink:
    """Return the link to a counter-offer; see `links.of_token`."""
    rows = CounterLink.objects.select_related(
        "counter__made_by",
        "counter__application__customer",
        "counter__application__product",
        "counter__application__legal_entity",
        "counter__application__decision",
    )
    return links.of_token(rows, token)


def shown(link: CounterLink, *, at: datetime) -> None:
    """Note when the terms were first on the applicant's screen."""
    if link.shown_at is None:
        link.shown_at = at
        CounterLink.objects.filter(pk=link.pk, shown_at__isnull=True).update(shown_at=at)


def drawn(offered: CounterOffer, *, at: datetime) -> Offer:
    """Return what an offer on these terms would say if it were made now, not saved.

    :raises OverRateCap: if the annualised total cost would pass the cap meanwhile
    """
    on = local_day(offered.application.legal_entity, at)
    draft = offers.draft(offered.application, amount=offered.amount, term=offered.term, annual_rate=offered.annual_rate, on=on)
    return Offer(application=offered.application, amount=offered.amount, term=offered.term, **offers.columns(draft, on))


def send_code(link: CounterLink, *, at: datetime) -> None:
    """Send a one-time code to the mobile on file.

    :raises LinkUsed, CounterAnswered, CounterLapsed, TooManyCodes: if so
    """
    check_unused(link)
    check_open(link.counter, at=at)
    one_time_codes.issue(link.counter.public_id, customer=link.counter.application.customer, purpose=PURPOSE, at=at)


def answer(link: CounterLink, *, agrees: bool, code: str, at: datetime) -> CounterOffer:
    """Take the applicant's answer from whoever holds link and mobile. Called outside transactions; a second click is told.

    :raises WrongCode, NoCode: if the digits are not those that were sent
    :raises LinkUsed: if it was used before
    :raises CounterAnswered: if it was answered otherwise meanwhile
    :raises CounterLapsed: if its last day has passed
    """
    check_unused(link)
    check_open(link.counter, at=at)
    one_time_codes.confirm(link.counter.public_id, customer=link.counter.application.customer, purpose=PURPOSE, code=code, at=at)
    actor, door = users.system(), underwriting.agree if agrees else underwriting.refuse
    with transaction.atomic():
        door(link.counter, way=CounterOffer.Way.ONLINE, actor=actor, at=at)
        row = CounterLink.objects.select_for_update().get(pk=link.pk)
        move(row, CounterLink.Status.USED, actor=actor, at=at, used_at=at, facts={"agrees": agrees})
    return link.counter


def go_on(offer: Offer, *, at: datetime) -> None:
    """Send the link to the offer that follows a counter-offer agreed to by link: the telephone stays the way. May run twice."""
    agreed = CounterLink.objects.filter(
        counter__application=offer.application_id, counter__status=CounterOffer.Status.AGREED, status=CounterLink.Status.USED
    )
    if offer.status == Offer.Status.MADE and agreed.exists() and not offer.links.exists():
        links.make(offer, actor=users.system(), at=at)


def check_unused(link: CounterLink) -> None:
    """:raises LinkUsed: if the link was used"""
    if CounterLink.objects.filter(pk=link.pk, status=CounterLink.Status.USED).exists():
        raise LinkUsed(_("You answered by this link before."))


def check_open(offered: CounterOffer, *, at: datetime) -> None:
    """Refuse, without a lock, what no longer waits: before a one-time code is spent on it.

    :raises CounterAnswered, CounterLapsed: if so
    """
    status = CounterOffer.objects.values_list("status", flat=True).get(pk=offered.pk)
    if status != CounterOffer.Status.OPEN:
        raise CounterAnswered(_("This was answered already."))
    if local_day(offered.application.legal_entity, at) > offered.due_on:
        raise underwriting.CounterLapsed(_("The counter-offer stood until %(day)s.") % {"day": offered.due_on})


def waits(offered: CounterOffer, *, at: datetime) -> bool:
    """Return whether `offered` can still be answered."""
    return offered.status == CounterOffer.Status.OPEN and local_day(offered.application.legal_entity, at) <= offered.due_on
