"""A person's decisions that are more than yes or no: on conditions, through a second person, on other terms than asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import applications, clocks, conditions, exposure, offers
from credit.books import local_day
from credit.models import Application, CounterOffer, Proposal
from crm.lib.errors import DomainError, Invalid, NotAllowed
from customers.documents import check_version
from governance import rules
from governance.lifecycle import move
from governance.models import User

Status = Application.Status


class SamePerson(NotAllowed):
    """A proposal is confirmed or returned by another person than the one who made it, and not by who entered the application."""

    code = "same_person"


class NoDifference(Invalid):
    """A counter-offer says something else than was asked for."""

    code = "no_difference"


class CounterLapsed(DomainError):
    """The day until which the counter-offer stood has passed."""

    code = "counter_lapsed"


@transaction.atomic
def approve(
    application: Application,
    *,
    amount: Decimal,
    actor: User,
    at: datetime,
    term: int | None = None,
    note: str = "",
    kinds: Iterable[str] = (),
    condition_words: str = "",
    version: int | None = None,
) -> Application:
    """Approve, on the named conditions if there are any: the offer cannot be accepted before each is cleared.

    :raises Invalid: for conditions that cannot be; for the rest see `applications.approve`
    """
    wanted = conditions.checked(kinds, condition_words)
    done = applications.approve(application, amount=amount, term=term, note=note, actor=actor, at=at, version=version)
    conditions.put(done, kinds=wanted, words=condition_words, actor=actor, at=at)
    return done


@transaction.atomic
def propose(
    application: Application,
    *,
    kind: str,
    amount: Decimal,
    term: int,
    actor: User,
    at: datetime,
    note: str = "",
    kinds: Iterable[str] = (),
    condition_words: str = "",
    version: int | None = None,
) -> Proposal:
    """Propose an approval or a counter-offer to a second person; the amount is held under the person's cap from now on.

    :raises NotDecidable: if it does not wait for a person
    :raises OwnApplication: if the actor entered it
    :raises OverLimit: if `amount` is above the risk decision's limit or what was asked for
    :raises OverExposure: if the person's cap leaves less
    :raises OverRateCap: if the annualised total cost would pass the cap
    :raises NoDifference: if a counter-offer says what was asked for
    :raises MovedMeanwhile: if it changed since `version`
    """
    _check(application, kind=kind, amount=amount, term=term, actor=actor, version=version)
    wanted = conditions.checked(kinds, condition_words)
    exposure.reserve_whole(application, amount=amount, at=at)
    _draft(application, amount=amount, term=term, at=at)
    proposal = Proposal(
        application=application,
        kind=kind,
        amount=amount,
        term=term,
        conditions=wanted,
        condition_words=condition_words.strip()[:500] or None,
        note=note.strip()[:2000] or None,
        made_by=actor,
        made_at=at,
    )
    proposal.save(force_insert=True)
    facts = {"proposal": proposal.public_id, "kind": kind, "amount": amount, "term": term}
    move(application, Status.PROPOSED, actor=actor, at=at, facts=facts)
    return proposal


@transaction.atomic
def confirm(proposal: Proposal, *, actor: User, at: datetime, version: int | None = None) -> Application:
    """Make another's proposal the house's decision.

    :raises SamePerson: if the actor made it, or entered the application
    :raises OverAuthority: if the amount is above the actor's authority limit
    :raises OverExposure: if the person's cap fell below meanwhile
    :raises OverRateCap: if the cap on the cost did
    :raises IllegalMove: if it is answered already
    :raises MovedMeanwhile: if it changed since `version`, or somebody was faster
    """
    application = proposal.application
    check_version(proposal, version)
    _check_second(proposal, actor)
    applications.check_authority(proposal.amount, actor=actor)
    exposure.lock(application.customer_id)
    move(proposal, Proposal.Status.CONFIRMED, actor=actor, at=at, answered_by=actor, answered_at=at)
    words = proposal.condition_words or ""
    if proposal.kind == Proposal.Kind.COUNTER:
        _counter(application, amount=proposal.amount, term=proposal.term, note=proposal.note or "", kinds=proposal.conditions,
                 condition_words=words, actor=actor, at=at)  # fmt: skip
        return application
    done = applications.grant(
        application, amount=proposal.amount, term=proposal.term, note=proposal.note or "", actor=actor, decided_by=actor, at=at
    )
    conditions.put(done, kinds=proposal.conditions, words=words, actor=actor, at=at)
    return done


@transaction.atomic
def give_back(proposal: Proposal, *, words: str, actor: User, at: datetime, version: int | None = None) -> Application:
    """Return another's proposal with words: the application goes back to the queue and nothing is held for it.

    :raises SamePerson: if the actor made it, or entered the application
    :raises Invalid: without words
    :raises IllegalMove: if it is answered already
    :raises MovedMeanwhile: if it changed since `version`, or somebody was faster
    """
    check_version(proposal, version)
    _check_second(proposal, actor)
    words = words.strip()
    if not words:
        sentence = _("Say what is to be changed.")
        raise Invalid(sentence, fields={"words": sentence})
    exposure.lock(proposal.application.customer_id)
    if proposal.status == Proposal.Status.OPEN:
        proposal.answer = words[:1000]
        proposal.save(update_fields=["answer"])
    move(proposal, Proposal.Status.RETURNED, actor=actor, at=at, answered_by=actor, answered_at=at)
    return _back(proposal.application, "credit.application.returned", actor=actor, at=at)


@transaction.atomic
def call_back(proposal: Proposal, *, actor: User, at: datetime, version: int | None = None) -> Application:
    """Take one's own proposal back before anybody answered.

    :raises SamePerson: if somebody else made it
    :raises IllegalMove: if it is answered already
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(proposal, version)
    if actor.pk != proposal.made_by_id:
        raise SamePerson(_("Only who made a proposal calls it back."))
    exposure.lock(proposal.application.customer_id)
    move(proposal, Proposal.Status.ENDED, actor=actor, at=at)
    return _back(proposal.application, "credit.application.called_back", actor=actor, at=at)


@transaction.atomic
def counter(
    application: Application,
    *,
    amount: Decimal,
    term: int,
    actor: User,
    at: datetime,
    note: str = "",
    kinds: Iterable[str] = (),
    condition_words: str = "",
    version: int | None = None,
) -> CounterOffer:
    """Offer other terms than asked for; the applicant has to agree before it becomes an approval.

    :raises NoDifference: if amount and term are those asked for
    :raises OverAuthority: if `amount` is above the actor's authority limit; for the rest see `propose`
    """
    _check(application, kind=Proposal.Kind.COUNTER, amount=amount, term=term, actor=actor, version=version)
    applications.check_authority(amount, actor=actor)
    return _counter(
        application, amount=amount, term=term, note=note, kinds=kinds, condition_words=condition_words, actor=actor, at=at
    )  # fmt: skip


@transaction.atomic
def agree(offered: CounterOffer, *, way: str, actor: User, at: datetime, version: int | None = None) -> Application:
    """Enter that the applicant agrees to a counter-offer: it becomes the approval, and the offer with its cost table follows.

    :raises CounterLapsed: if its last day has passed
    :raises Invalid: without the way in which the applicant agreed
    :raises IllegalMove: if it is answered already
    :raises MovedMeanwhile: if it changed since `version`, or somebody was faster
    """
    check_version(offered, version)
    application = offered.application
    if offered.status == CounterOffer.Status.OPEN and local_day(application.legal_entity, at) > offered.due_on:
        raise CounterLapsed(_("The counter-offer stood until %(day)s.") % {"day": offered.due_on})
    _check_way(way)
    exposure.lock(application.customer_id)
    move(offered, CounterOffer.Status.AGREED, actor=actor, at=at, way=way, answered_by=actor, answered_at=at, facts={"way": way})
    done = applications.grant(
        application, amount=offered.amount, term=offered.term, rate=offered.annual_rate, actor=actor, decided_by=offered.made_by, at=at
    )
    conditions.put(done, kinds=offered.conditions, words=offered.condition_words or "", actor=offered.made_by, at=at)
    return done


@transaction.atomic
def refuse(offered: CounterOffer, *, way: str, actor: User, at: datetime, version: int | None = None) -> Application:
    """Enter that the applicant does not agree: the application returns to the queue and nothing is held for it.

    :raises Invalid: without the way in which the applicant answered
    :raises IllegalMove: if it is answered already
    :raises MovedMeanwhile: if it changed since `version`, or somebody was faster
    """
    check_version(offered, version)
    _check_way(way)
    exposure.lock(offered.application.customer_id)
    move(offered, CounterOffer.Status.REFUSED, actor=actor, at=at, way=way, answered_by=actor, answered_at=at, facts={"way": way})
    return _back(offered.application, "credit.application.counter_refused", actor=actor, at=at)


def _counter(
    application: Application,
    *,
    amount: Decimal,
    term: int,
    note: str,
    kinds: Iterable[str],
    condition_words: str,
    actor: User,
    at: datetime,
) -> CounterOffer:
    wanted = conditions.checked(kinds, condition_words)
    today = local_day(application.legal_entity, at)
    exposure.reserve_whole(application, amount=amount, at=at)
    _draft(application, amount=amount, term=term, at=at)
    applications.keep_note(application, note)
    offered = CounterOffer(
        application=application,
        amount=amount,
        term=term,
        annual_rate=applications.rate_of(application),
        conditions=wanted,
        condition_words=condition_words.strip()[:500] or None,
        due_on=today + timedelta(days=int(rules.value(clocks.COUNTER_DAYS, on=today))),
        made_by=actor,
        made_at=at,
    )
    offered.save(force_insert=True)
    facts = {"counter_offer": offered.public_id, "amount": amount, "term": term, "due_on": offered.due_on}
    move(application, Status.COUNTERED, actor=actor, at=at, facts=facts)
    return offered


def _check(application: Application, *, kind: str, amount: Decimal, term: int, actor: User, version: int | None) -> None:
    applications.check_decidable(application, actor=actor, version=version)
    if kind not in Proposal.Kind.values:
        raise Invalid(_("A proposal approves or offers other terms."))
    applications.checked_request(application.product, amount=amount, term=term, purpose=application.purpose)
    applications.check_limit(application, amount=amount)
    if kind == Proposal.Kind.COUNTER and (amount, term) == (application.amount, application.term):
        sentence = _("This is what was asked for: approve it, or offer another amount or term.")
        raise NoDifference(sentence, fields={"amount": sentence})


def _check_second(proposal: Proposal, actor: User) -> None:
    if actor.is_also(proposal.made_by_id) or actor.is_also(proposal.application.entered_by_id):
        raise SamePerson(_("A second person confirms: not the one who proposed it, nor the one who entered the application."))


def _check_way(way: str) -> None:
    if way not in CounterOffer.Way.values:
        sentence = _("Choose how the applicant answered.")
        raise Invalid(sentence, fields={"way": sentence})


def _draft(application: Application, *, amount: Decimal, term: int, at: datetime) -> None:
    """:raises OverRateCap: if the annualised total cost would pass the cap"""
    on = local_day(application.legal_entity, at)
    offers.draft(application, amount=amount, term=term, annual_rate=applications.rate_of(application), on=on)


def _back(application: Application, event: str, *, actor: User, at: datetime) -> Application:
    exposure.release(application, at=at)
    return move(application, Status.REFERRED, actor=actor, at=at, event=event)
