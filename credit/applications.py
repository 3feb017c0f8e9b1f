"""Doors of an application: enter, submit, evaluate, decide, end."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from credit import costing, devices, ending, exposure, known_facts, offers, product_terms
from credit.books import local_day
from credit.models import Application, Offer, Product, RateCap
from credit.stated import cleaned, purposes
from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.money import is_cents
from crm.lib.templatetags.crm import grouped
from customers.models import Customer
from governance import person_keys, users
from governance.lifecycle import MovedMeanwhile, move
from governance.models import Partner, Team, User
from governance.models.identity import Channel
from ledger import log
from risk import bureau, engine
from risk.models import Decision

Status = Application.Status
STRATEGY = "retail_installment"

# Reasons credit adds to those of the engine; their sentences stand in `REASONS`.
EXPOSURE_CAP, COST_CAP = "credit.exposure_cap", "credit.total_cost_above_cap"
NO_RATE, NO_SCHEDULE = "credit.no_rate", "credit.impossible_schedule"
REASONS = {
    EXPOSURE_CAP: _("The person's exposure cap leaves too little room."),
    COST_CAP: _("The annualised total cost would be above the cap."),
    NO_RATE: _("The decision names no rate for this product."),
    NO_SCHEDULE: _("The product makes no schedule for this amount and term."),
    "credit.income_not_proved": _("Income could not be proved."),
    "credit.purpose_not_served": _("The purpose is not one we lend for."),
    "credit.documents_missing": _("Documents are missing."),
    "credit.identity_doubtful": _("The identity could not be confirmed."),
    "credit.affordability": _("The instalment is too high for the income."),
    "credit.payment_conduct": _("Earlier credits were not paid as agreed."),
}
# What a person may give as the reason of a decline, in the order it is offered.
DECLINE_REASONS = tuple(code for code in REASONS if code not in (COST_CAP, NO_RATE, NO_SCHEDULE))


class AlreadyOpen(DomainError):
    """The customer has an open application for this product, or the sender's number was used."""

    code = "already_open"


class OwnApplication(NotAllowed):
    """Nobody decides an application they entered."""

    code = "own_application"


class OverAuthority(NotAllowed):
    """The amount is above what the person may approve; `extra["authority"]` says how much."""

    code = "over_authority"


class OverLimit(Invalid):
    """The amount is above what the risk decision allows; `extra["limit"]` says how much."""

    code = "over_limit"


class NotDecidable(DomainError):
    """Only a referred application waits for a person's decision."""

    code = "not_decidable"


def checked_request(product: Product, *, amount: Decimal, term: int, purpose: str, on: date | None = None) -> None:
    """Check what is asked for against the product; a new application, taken `on` a day, against its sale too.

    :raises Invalid: with a sentence per wrong field
    """
    problems: dict[str, Any] = {}
    if on is not None and not product.takes(on):
        problems["product"] = _("This product is not on sale.")
    if not is_cents(amount):
        problems["amount"] = _("Enter an amount in whole cents.")
    elif not product.amount_min <= amount <= product.amount_max:
        bounds = {"least": grouped(product.amount_min), "most": grouped(product.amount_max)}
        problems["amount"] = _("Enter an amount between %(least)s and %(most)s.") % bounds
    if not product.term_min <= term <= product.term_max:
        problems["term"] = _("Enter a term between %(least)s and %(most)s months.") % {"least": product.term_min, "most": product.term_max}
    elif not product_terms.serves(product.terms, term):
        problems["term"] = _("Enter a term in multiples of %(every)s months.") % {"every": product.terms["every"]}
    if purpose not in purposes():
        problems["purpose"] = _("This is not one of the purposes to choose from.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)


@transaction.atomic
def create(
    *,
    customer: Customer,
    product: Product,
    amount: Decimal,
    term: int,
    purpose: str,
    stated: Mapping[str, Any],
    actor: User,
    at: datetime,
    channel: str = Channel.BRANCH,
    branch: Team | None = None,
    owner: User | None = None,
    partner: Partner | None = None,
    reference: str = "",
    device: devices.Device | None = None,
) -> Application:
    """Enter an application as a draft; branch and partner are the customer's unless given, the owner is the actor.

    :raises Invalid: with a sentence per wrong field
    :raises AlreadyOpen: if the customer has an open application for the product, or `reference` was used
    :raises PersonErased: if the customer was erased
    """
    person_keys.still_kept(customer)
    on = local_day(customer.legal_entity, at)
    checked_request(product, amount=amount, term=term, purpose=purpose, on=on)
    application = Application(
        legal_entity_id=customer.legal_entity_id,
        branch=branch or customer.branch,
        channel=channel,
        partner=partner or customer.partner,
        owner=owner or actor,
        customer=customer,
        product=product,
        amount=amount,
        term=term,
        purpose=purpose,
        stated=cleaned(stated),
        reference=reference,
        entered_by=actor,
        created_at=at,
    )
    try:
        with transaction.atomic():
            application.save(force_insert=True)
    except IntegrityError as error:
        if "application_one_open_per_customer_product" in str(error):
            raise AlreadyOpen(_("The customer already has an open application for this product.")) from None
        if "application_reference_once" in str(error):
            sentence = _("This reference was used for another application.")
            raise AlreadyOpen(sentence, fields={"reference": sentence}) from None
        raise
    if device is not None:
        devices.record(application, device, at=at)
    log.record(
        "credit.application.created", application, actor=actor, at=at, product=product.code, amount=amount, term=term, channel=channel
    )
    return application


def submit(application: Application, *, actor: User, at: datetime, version: int | None = None) -> Application:
    """Hand a draft in for evaluation, which a worker does after commit.

    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(application, version)
    return move(application, Status.SUBMITTED, actor=actor, at=at, submitted_at=at)


def evaluate(application_id: int, *, at: datetime) -> Application:
    """Let the risk engine judge a submitted application and act on the outcome. May run twice; the second finds it done.

    A credit bureau that is connected is asked first where no report on file counts; if it does not answer, the policy is told so. All of this
    may call out and holds no lock; the room under the cap is checked afterwards, under the lock.
    """
    application = Application.objects.select_related("customer", "product", "legal_entity").get(pk=application_id)
    actor = users.system()
    if application.status == Status.SUBMITTED:
        try:
            move(application, Status.EVALUATING, actor=actor, at=at, evaluation_started_at=at)
        except MovedMeanwhile:
            return application
    if application.status != Status.EVALUATING:
        return application
    bureau.ensure(
        application.customer,
        reason=bureau.Reason.CREDIT_APPROVAL,
        subject=f"credit.application:{application.public_id}",
        actor=actor,
        at=at,
    )
    known = known_facts.of(application, at=at)
    decision = engine.evaluate(
        known.facts,
        sources=known.sources,
        at=at,
        strategy=STRATEGY,
        subject=f"credit.application:{application.public_id}",
        actor=actor,
        customer_id=application.customer_id,
    )
    try:
        return conclude(application, decision=decision, actor=actor, at=at, rate_caps=known.rate_caps, exposure_cap=known.exposure_cap)
    except MovedMeanwhile:  # another worker concluded first, or the customer withdrew
        application.refresh_from_db()
        return application


@transaction.atomic
def conclude(
    application: Application,
    *,
    decision: Decision,
    actor: User,
    at: datetime,
    rate_caps: Sequence[RateCap] | None = None,
    exposure_cap: Decimal | None = None,
) -> Application:
    """Act on the engine's verdict: approve what limit and exposure leave, else decline or refer with its reasons.

    The caps are those the facts were made with, where the caller has read them; else they are read here.

    :raises MovedMeanwhile: if it is no longer evaluating
    """
    reasons = list(decision.reasons)
    if decision.outcome == "decline":
        return move(application, Status.DECLINED, actor=actor, at=at, decision=decision, reason_codes=reasons, decided_at=at)

    def refer(*more: str) -> Application:
        codes = [*reasons, *more]
        return move(application, Status.REFERRED, actor=actor, at=at, decision=decision, reason_codes=codes, facts={"reasons": codes})

    if decision.outcome != "approve":
        return refer()
    rate = decision.annual_rate
    if rate is None:
        return refer(NO_RATE)
    wanted = application.amount if decision.limit is None else min(application.amount, decision.limit)
    granted = exposure.reserve(application, amount=wanted, at=at, most=exposure_cap)
    if granted < application.product.amount_min:
        exposure.release(application, at=at)
        return refer(EXPOSURE_CAP)
    try:
        on = local_day(application.legal_entity, at)
        offers.draft(application, amount=granted, term=application.term, annual_rate=rate, on=on, held=rate_caps)
    except offers.OverRateCap:
        exposure.release(application, at=at)
        return refer(COST_CAP)
    except costing.ImpossibleSchedule:
        exposure.release(application, at=at)
        return refer(NO_SCHEDULE)
    if granted < application.amount:
        reasons.append(EXPOSURE_CAP)
    return move(
        application,
        Status.APPROVED,
        actor=actor,
        at=at,
        decision=decision,
        reason_codes=reasons,
        approved_amount=granted,
        approved_term=application.term,
        approved_rate=rate,
        decided_at=at,
        facts={"amount": granted, "term": application.term, "annual_rate": rate},
    )


@transaction.atomic
def approve(
    application: Application,
    *,
    amount: Decimal,
    actor: User,
    at: datetime,
    term: int | None = None,
    note: str = "",
    version: int | None = None,
) -> Application:
    """Approve a referred application for `amount` (and `term`, if not the one asked for).

    :raises NotDecidable: if it does not wait for a person
    :raises OwnApplication: if the actor entered it
    :raises OverAuthority: if `amount` is above the actor's authority limit
    :raises OverLimit: if `amount` is above the risk decision's limit or what was asked for
    :raises OverExposure: if the person's cap leaves less
    :raises OverRateCap: if the annualised total cost would pass the cap
    :raises MovedMeanwhile: if it changed since `version`
    """
    term = term or application.term
    check_decidable(application, actor=actor, version=version)
    checked_request(application.product, amount=amount, term=term, purpose=application.purpose)
    check_authority(amount, actor=actor)
    check_limit(application, amount=amount)
    return grant(application, amount=amount, term=term, actor=actor, decided_by=actor, at=at, note=note)


def grant(
    application: Application,
    *,
    amount: Decimal,
    term: int,
    actor: User,
    decided_by: User,
    at: datetime,
    note: str = "",
    rate: Decimal | None = None,
) -> Application:
    """Approve what was checked: hold the exposure, hold the cost against the cap, move. For the doors of a person's decision.

    :param decided_by: who answers for it, `actor` being who pressed the last button (the applicant's agreement is entered by an officer)
    :raises OverExposure: if the person's cap leaves less
    :raises OverRateCap: if the annualised total cost would pass the cap
    :raises MovedMeanwhile: if somebody was faster
    """
    rate = rate_of(application) if rate is None else rate
    exposure.reserve_whole(application, amount=amount, at=at)
    keep_note(application, note)
    offers.draft(application, amount=amount, term=term, annual_rate=rate, on=local_day(application.legal_entity, at))
    return move(
        application,
        Status.APPROVED,
        actor=actor,
        at=at,
        approved_amount=amount,
        approved_term=term,
        approved_rate=rate,
        decided_by=decided_by,
        decided_at=at,
        facts={"amount": amount, "term": term, "annual_rate": rate},
    )


@transaction.atomic
def decline(
    application: Application,
    *,
    reason_codes: Sequence[str],
    actor: User,
    at: datetime,
    note: str = "",
    version: int | None = None,
) -> Application:
    """Decline a referred application for at least one reason out of `DECLINE_REASONS` or the decision's own.

    :raises NotDecidable: if it does not wait for a person
    :raises OwnApplication: if the actor entered it
    :raises Invalid: without a reason, or with one that is not known
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_decidable(application, actor=actor, version=version)
    known = {*DECLINE_REASONS, *application.reason_codes}
    if not reason_codes or not known.issuperset(reason_codes):
        sentence = _("Choose at least one reason from the list.")
        raise Invalid(sentence, fields={"reason_codes": sentence})
    codes = list(dict.fromkeys(reason_codes))
    keep_note(application, note)
    return move(
        application,
        Status.DECLINED,
        actor=actor,
        at=at,
        reason_codes=codes,
        decided_by=actor,
        decided_at=at,
        facts={"reasons": codes},
    )


@transaction.atomic
def withdraw(application: Application, *, actor: User, at: datetime, version: int | None = None) -> Application:
    """Step back for the customer: the application, its standing offer and what was held for it end.

    :raises IllegalMove: if it is booked or has ended
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(application, version)
    return _end(application, Status.WITHDRAWN, Offer.Status.WITHDRAWN, actor=actor, at=at)


@transaction.atomic
def expire(application: Application, *, at: datetime) -> Application:
    """End an application whose time is over, as the house itself.

    :raises IllegalMove: if it is booked or has ended
    """
    return _end(application, Status.EXPIRED, Offer.Status.EXPIRED, actor=users.system(), at=at)


def limit_of(application: Application) -> Decimal:
    """Return the most a person may approve: what was asked for, within the decision's limit and the product."""
    limit = min(application.amount, application.product.amount_max)
    decided = application.decision.limit if application.decision else None
    return limit if decided is None else min(limit, decided)


def rate_of(application: Application) -> Decimal:
    """Return the annual rate a person's approval carries: the decision's, else its grade's, else the product's highest."""
    decision, product = application.decision, application.product
    rate = decision.annual_rate if decision else None
    if rate is None and decision and decision.grade:
        rate = product.rate_for(decision.grade)
    return max(map(Decimal, product.rates_by_grade.values())) if rate is None else rate


def check_version(application: Application, version: int | None) -> None:
    """:raises MovedMeanwhile: if the page was made from another version than the one that stands"""
    if version is not None and application.version != version:
        raise MovedMeanwhile(
            _("%(record)s changed meanwhile: it is now “%(status)s”.")
            % {"record": application, "status": application.get_status_display()},
            status_now=application.status,
            version=application.version,
        )


def check_authority(amount: Decimal, *, actor: User) -> None:
    """:raises OverAuthority: if `amount` is above what `actor` may approve"""
    if actor.authority is None or amount > actor.authority:
        authority = actor.authority or Decimal("0.00")
        sentence = _("You may approve up to %(authority)s; this needs somebody with more authority.") % {"authority": grouped(authority)}
        raise OverAuthority(sentence, fields={"amount": sentence}, authority=str(authority))


def check_limit(application: Application, *, amount: Decimal) -> None:
    """:raises OverLimit: if `amount` is above the risk decision's limit or what was asked for"""
    limit = limit_of(application)
    if amount > limit:
        sentence = _("%(application)s may not exceed %(limit)s.") % {"application": application, "limit": grouped(limit)}
        raise OverLimit(sentence, fields={"amount": sentence}, limit=str(limit))


def check_decidable(application: Application, *, actor: User, version: int | None) -> None:
    check_version(application, version)
    if application.status != Status.REFERRED:
        raise NotDecidable(
            _("%(record)s is “%(status)s” and does not wait for a decision.")
            % {"record": application, "status": application.get_status_display()},
            status_now=application.status,
        )
    if actor.is_also(application.entered_by_id):
        raise OwnApplication(_("Nobody decides an application they entered."))


def keep_note(application: Application, note: str) -> None:
    """Seal the decider's words before the move, in its transaction: a move by UPDATE does not seal."""
    if note:
        application.note = note
        application.save(update_fields=["note"])


def _end(application: Application, to: str, offer_to: str, *, actor: User, at: datetime) -> Application:
    exposure.lock(application.customer_id)
    application = move(application, to, actor=actor, at=at, ended_at=at)
    standing = Offer.objects.filter(application=application, status=Offer.Status.MADE).first()
    if standing is not None:
        move(standing, offer_to, actor=actor, at=at, ended_at=at)
    ending.end_open(application, actor=actor, at=at, expired=to == Status.EXPIRED)
    exposure.release(application, at=at)
    return application


def stuck(*, before: datetime) -> list[int]:
    """Return applications whose evaluation began before a moment and whose worker died; the sweeper of the ledger follows what is only submitted."""
    begun = Application.objects.filter(status=Status.EVALUATING, evaluation_started_at__lt=before)
    return list(begun.order_by("pk").values_list("pk", flat=True)[:1000])
