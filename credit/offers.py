"""Doors of an offer: make it, confirm that its cost table was read, accept it, let it lapse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import caps, conditions, contract_terms, cost, costing, exposure, lines, loans, quote_documents, tranches
from credit.books import value_day
from credit.models import Application, Loan, Offer, Product, Quote, RateCap
from credit.refusals import Refused
from credit.schedule import Row, Terms
from crm.lib.errors import DomainError, Invalid, Stale
from crm.lib.money import quantize
from governance import rules, users
from governance.lifecycle import IllegalMove, move
from governance.models import User
from ledger import log

READING_SECONDS = "disclosure.reading_seconds"
OverRateCap = caps.OverRateCap


class NotConfirmed(DomainError):
    """The cost table was not confirmed; without it nothing is booked."""

    code = "disclosure_not_confirmed"


class DisclosureChanged(DomainError):
    """The table that was shown is not the one that stands: show it again."""

    code = "disclosure_changed"


class ReadTooFast(Invalid):
    """The table was not on the screen long enough to be read."""

    code = "read_too_fast"


class OfferLapsed(DomainError):
    """The offer's time is over, or it has ended otherwise."""

    code = "offer_lapsed"


class OutsideApproval(Invalid):
    """Another amount, term or instalment than was approved."""

    code = "outside_approval"


class AlreadyAccepted(DomainError):
    """The offer was accepted before, by another request."""

    code = "already_accepted"


@dataclass(frozen=True, slots=True)
class Draft:
    """What an offer would be: schedule rows, fee part of each, cost table, rates."""

    rows: list[Row]
    fees: list[Decimal]
    table: dict[str, Any]
    annual_rate: Decimal
    penalty_rate: Decimal
    nominal_rate: Decimal
    effective_rate: Decimal
    caps: Sequence[RateCap] = ()

    def schedule(self) -> list[dict[str, Any]]:
        """Return the rows as the offer stores them: amounts and dates as text."""
        return [
            {
                "seq": row.seq,
                "from_on": row.from_on.isoformat(),
                "due_on": row.due_on.isoformat(),
                "principal": str(row.principal),
                "interest": str(row.interest),
                "fee": str(fee),
                "payment": str(row.payment + fee),
                "balance": str(row.balance),
            }
            for row, fee in zip(self.rows, self.fees, strict=True)
        ]

    def amounts(self) -> list[tuple[Decimal, Decimal, Decimal]]:
        """Return what is due, without the dates."""
        return [(row.principal, row.interest, fee) for row, fee in zip(self.rows, self.fees, strict=True)]


def draft(
    application: Application, *, amount: Decimal, term: int, annual_rate: Decimal, on: date, held: Sequence[RateCap] | None = None
) -> Draft:
    """Return the terms for `application` counted from `on`, held against every cap that binds its product and channel.

    `held` are the caps of the day where the caller has read them already.

    The penalty rate is the contract rate times the product's multiplier, and never above what the caps that count it leave:
    what a borrower pays after default is tested too.

    :raises OverRateCap: if the cost, at two decimals, is above a cap
    :raises ImpossibleSchedule: if there can be no schedule
    """
    product = application.product
    binding = caps.binding(caps.holding(on) if held is None else held, product.code, application.channel)
    worked = costing.work_out(product, amount=amount, term=term, annual_rate=annual_rate, on=on, caps=binding)
    caps.check(binding, worked.costs)
    table = worked.table()
    nominal, effective = (Decimal(table["annualised"][kind]) for kind in ("nominal", "effective"))
    return Draft(worked.rows, worked.fees, table, annual_rate, worked.penalty_rate, nominal, effective, binding)


def terms_of(product: Product, *, amount: Decimal, term: int, annual_rate: Decimal, on: date) -> Terms:
    """Return the schedule's terms under `product`.

    :raises ImpossibleSchedule: if there can be no schedule
    """
    try:
        return contract_terms.of_product(product, amount=amount, term=term, annual_rate=annual_rate, on=on)
    except Refused as error:
        raise costing.impossible(error.code) from None


@transaction.atomic
def make(application: Application, *, at: datetime, actor: User | None = None) -> Offer:
    """Offer what was approved; the offer that stands is returned when there is one, so that it may run twice.

    :raises IllegalMove: if the application is not approved
    :raises OverRateCap: if the cap fell below its cost meanwhile
    """
    actor = actor or users.system()
    exposure.lock(application.customer_id)
    application = _fresh(application.pk)
    if application.status != Application.Status.APPROVED:
        standing = application.offers.filter(status__in=[Offer.Status.MADE, Offer.Status.ACCEPTED]).first()
        if standing is not None:
            return standing
    move(application, Application.Status.OFFERED, actor=actor, at=at)
    amount, term, rate = application.approved_amount, application.approved_term, application.approved_rate
    if amount is None or term is None or rate is None:
        raise IllegalMove(_("%(record)s was approved without terms.") % {"record": application})  # the CHECK forbids it
    on = value_day(application.legal_entity, at)
    drawn = draft(application, amount=amount, term=term, annual_rate=rate, on=on)
    until = on + timedelta(days=application.product.offer_days)
    offer = Offer.objects.create(
        application=application,
        amount=amount,
        term=term,
        expires_on=until,
        quote=_quoted(application, drawn, term=term, until=until, at=at, actor=actor),
        made_at=at,
        **columns(drawn, on),
    )
    log.record(
        "credit.offer.made",
        offer,
        actor=actor,
        at=at,
        customer_id=application.customer_id,
        amount=offer.amount,
        term=offer.term,
        annual_rate=offer.annual_rate,
        cost_hash=offer.cost_hash,
    )
    return offer


@transaction.atomic
def confirm_disclosure(
    offer: Offer, *, cost_hash: str, seconds: int, actor: User, at: datetime, channel: str = Offer.Disclosed.COUNTER
) -> Offer:
    """Record that the borrower read and confirmed the cost table with hash `cost_hash`, shown for `seconds`, and by which way.

    At a counter the borrower signs the printed table, and the actor is the witness; in a shop the table stands on the page on which
    the order is paid; by link the borrower confirms alone. Without it nothing is booked (rule `disclosure.before_signing`).

    :raises OfferLapsed: if the offer no longer stands
    :raises DisclosureChanged: if the table that stands is another
    :raises ReadTooFast: if `seconds` is below what the rule asks
    """
    row = _locked(offer)
    _check_standing(row, at=at)
    if cost_hash != row.cost_hash:
        raise DisclosureChanged(_("The cost table changed: show it again and let it be confirmed."), cost_hash=row.cost_hash)
    least = int(rules.value(READING_SECONDS, on=value_day(row.application.legal_entity, at)))
    if seconds < least:
        sentence = _("The cost table must be on the screen for at least %(seconds)s seconds.") % {"seconds": least}
        raise ReadTooFast(sentence, fields={"seconds": sentence})
    if row.is_confirmed:
        return row
    row.disclosure_confirmed_at, row.disclosure_confirmed_by = at, actor
    row.disclosure_seconds, row.disclosure_hash, row.version = seconds, cost_hash, row.version + 1
    row.disclosure_channel, row.disclosure_witness = channel, actor if channel == Offer.Disclosed.COUNTER else None
    row.save(
        update_fields=[
            "disclosure_confirmed_at", "disclosure_confirmed_by", "disclosure_seconds", "disclosure_hash", "disclosure_channel",
            "disclosure_witness", "version",
        ]
    )  # fmt: skip
    log.record(
        "credit.offer.disclosure_confirmed",
        row,
        actor=actor,
        at=at,
        customer_id=row.application.customer_id,
        cost_hash=cost_hash,
        seconds=seconds,
        channel=str(channel),
        witnessed=row.disclosure_witness_id is not None,
    )
    return row


@transaction.atomic
def accept(offer: Offer, *, key: str, actor: User, at: datetime, first: Decimal | None = None) -> Loan:
    """Accept for the borrower: book the loan and pay out the whole amount, in one transaction. The same `key` again returns the loan.
    A revolving line is opened, nothing is paid out.

    A product that is paid out in parts may pay out a `first` one only: what was disclosed for the whole stays the most it costs, and the
    caps hold for the part too.

    The schedule counts from the day the money goes out. On 30/360 that moves dates and no amount; where it would move an
    amount the borrower confirmed another table than the one signed, so it has to be made and confirmed again.

    :raises ConditionsOpen: if a condition of the approval is not cleared
    :raises NotConfirmed: if the cost table was not confirmed
    :raises OfferLapsed: if the offer no longer stands
    :raises AlreadyAccepted: if it was accepted under another key
    :raises DisclosureChanged: if the amounts would differ from those confirmed
    :raises TrancheNotForeseen, AboveApproved: if the product pays out at once, or `first` is not within the amount
    """
    row = _locked(offer)
    application = row.application
    if row.status == Offer.Status.ACCEPTED:
        return _accepted_before(row, key)
    _check_standing(row, at=at)
    conditions.check_cleared(application)
    if not row.is_confirmed:
        raise NotConfirmed(_("The cost table has to be confirmed before the offer is accepted."))
    on = value_day(application.legal_entity, at)
    drawn = draft(application, amount=row.amount, term=row.term, annual_rate=row.annual_rate, on=on)
    if drawn.amounts() != _stored_amounts(row.schedule) or drawn.penalty_rate != row.penalty_rate:
        raise DisclosureChanged(_("Counted from today the cost differs from the table confirmed: renew the offer and confirm it again."))
    line = application.product.method == Product.Method.REVOLVING
    paid = row.amount if line else tranches.first(row, first)
    if paid != row.amount:
        drawn = draft(application, amount=paid, term=row.term, annual_rate=row.annual_rate, on=on)
    move(application, Application.Status.ACCEPTED, actor=actor, at=at)
    move(row, Offer.Status.ACCEPTED, actor=actor, at=at, accepted_at=at, facts={"cost_hash": row.cost_hash})
    if line:
        loan = lines.open_line(row, key=key, actor=actor, at=at)
    else:
        loan = loans.book(row, drawn.rows, drawn.fees, key=key, actor=actor, at=at, paid=paid)
    exposure.release(application, at=at, used=True)
    move(application, Application.Status.BOOKED, actor=actor, at=at, ended_at=at, facts={"loan": loan.public_id})
    return loan


@transaction.atomic
def renew(offer: Offer, *, actor: User, at: datetime) -> Offer:
    """Count a standing offer's schedule from today; a confirmation of other figures no longer holds.

    :raises OfferLapsed: if the offer no longer stands
    """
    row = _locked(offer)
    _check_standing(row, at=at)
    on = value_day(row.application.legal_entity, at)
    drawn = draft(row.application, amount=row.amount, term=row.term, annual_rate=row.annual_rate, on=on)
    quote = _quoted(row.application, drawn, term=row.term, until=row.expires_on, at=at, actor=actor)
    Offer.objects.filter(pk=row.pk).update(version=row.version + 1, quote=quote, **columns(drawn, on))
    row.refresh_from_db()
    log.record("credit.offer.renewed", row, actor=actor, at=at, customer_id=row.application.customer_id, cost_hash=row.cost_hash)
    return row


def what_if(offer: Offer, *, amount: Decimal, term: int, on: date) -> Draft:
    """Return what the offer would be over another amount and term at its rate; nothing is written.

    Credit was granted for an amount, a term and what it costs a month: none of the three may be exceeded.

    :raises OutsideApproval: if amount, term or instalment is outside the product or above what was approved
    :raises OverRateCap: if the annualised cost would be above the cap
    """
    application, product = offer.application, offer.application.product
    most, longest = application.approved_amount or offer.amount, application.approved_term or offer.term
    problems = {}
    if not product.amount_min <= amount <= most or amount != quantize(amount):
        figures = {"least": f"{product.amount_min:,.2f}", "most": f"{most:,.2f}"}
        problems["amount"] = _("Choose an amount from %(least)s to %(most)s in whole cents.") % figures
    if not product.term_min <= term <= longest:
        problems["term"] = _("Choose a term from %(least)s to %(most)s months.") % {"least": product.term_min, "most": longest}
    if problems:
        raise OutsideApproval(_("This is outside what was approved."), fields=problems)
    drawn = draft(application, amount=amount, term=term, annual_rate=offer.annual_rate, on=on)
    approved = draft(application, amount=most, term=longest, annual_rate=offer.annual_rate, on=on)
    if Decimal(drawn.table["installment"]) > Decimal(approved.table["installment"]):
        ceiling = f"{Decimal(approved.table['installment']):,.2f}"
        sentence = _("The instalment would be above the %(most)s a month that was approved: choose a longer term.") % {"most": ceiling}
        raise OutsideApproval(sentence, fields={"term": sentence})
    return drawn


@transaction.atomic
def replace(offer: Offer, *, amount: Decimal, term: int, actor: User, at: datetime, version: int | None = None) -> Offer:
    """Make a standing offer one over another amount and term, within what was approved. What was confirmed holds no longer.

    :raises OfferLapsed: if the offer no longer stands
    :raises Stale: if it changed since `version`
    :raises OutsideApproval, OverRateCap: see `what_if`
    :raises OverExposure: if the person's cap leaves less meanwhile
    """
    row = _locked(offer)
    _check_standing(row, at=at)
    if version is not None and row.version != version:
        raise Stale(_("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    on = value_day(row.application.legal_entity, at)
    drawn = what_if(row, amount=amount, term=term, on=on)
    was = {"amount_was": row.amount, "term_was": row.term}
    exposure.reserve_whole(row.application, amount=amount, at=at)
    quote = _quoted(row.application, drawn, term=term, until=row.expires_on, at=at, actor=actor)
    Offer.objects.filter(pk=row.pk).update(version=row.version + 1, amount=amount, term=term, quote=quote, **columns(drawn, on))
    row.refresh_from_db(fields=["version", "amount", "term", "quote", *columns(drawn, on)])
    facts = {"amount": amount, "term": term, "cost_hash": row.cost_hash} | was
    log.record("credit.offer.replaced", row, actor=actor, at=at, customer_id=row.application.customer_id, **facts)
    return row


def columns(drawn: Draft, on: date) -> dict[str, Any]:
    """Return what an offer of these terms stores."""
    return {
        "annual_rate": drawn.annual_rate,
        "penalty_rate": drawn.penalty_rate,
        "nominal_rate": drawn.nominal_rate,
        "effective_rate": drawn.effective_rate,
        "starts_on": on,
        "schedule": drawn.schedule(),
        "cost_table": drawn.table,
        "cost_hash": cost.fingerprint(drawn.table),
    }


def _quoted(application: Application, drawn: Draft, *, term: int, until: date, at: datetime, actor: User) -> Quote:
    return quote_documents.issue(
        application, term=term, table=drawn.table, schedule=drawn.schedule(), annual_rate=drawn.annual_rate, penalty_rate=drawn.penalty_rate,
        caps=drawn.caps, valid_until=until, at=at, actor=actor,
    )  # fmt: skip


def _stored_amounts(schedule: Sequence[dict[str, Any]]) -> list[tuple[Decimal, Decimal, Decimal]]:
    return [(Decimal(row["principal"]), Decimal(row["interest"]), Decimal(row["fee"])) for row in schedule]


def _fresh(application_id: int) -> Application:
    """Lock an application (the customer is locked already) and return it as it stands."""
    rows = Application.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("product", "legal_entity", "customer").get(pk=application_id)


def _locked(offer: Offer) -> Offer:
    """Lock customer, application, offer in the house's order and return the offer as it stands."""
    exposure.lock(Application.objects.values_list("customer_id", flat=True).get(pk=offer.application_id))
    application = _fresh(offer.application_id)
    row = Offer.objects.select_for_update(of=("self",), no_key=True).get(pk=offer.pk)
    row.application = application
    return row


def locked_standing(offer: Offer, *, at: datetime) -> Offer:
    """Lock a standing offer in the house's order and return it as it stands.

    :raises OfferLapsed: if it no longer stands
    """
    row = _locked(offer)
    _check_standing(row, at=at)
    return row


def check_acceptable(offer: Offer, *, at: datetime) -> None:
    """Refuse, without a lock, what `accept` would refuse: before a one-time code is spent on it.

    :raises OfferLapsed: if the offer no longer stands
    :raises ConditionsOpen: if a condition of the approval is not cleared
    :raises NotConfirmed: if the cost table was not confirmed
    """
    _check_standing(offer, at=at)
    conditions.check_cleared(offer.application)
    if not offer.is_confirmed:
        raise NotConfirmed(_("The cost table has to be confirmed before the offer is accepted."))


def _check_standing(offer: Offer, *, at: datetime) -> None:
    if offer.status != Offer.Status.MADE:
        raise OfferLapsed(_("%(offer)s is “%(status)s”.") % {"offer": offer, "status": offer.get_status_display()}, status_now=offer.status)
    if value_day(offer.application.legal_entity, at) > offer.expires_on:
        raise OfferLapsed(_("%(offer)s could be accepted until %(day)s.") % {"offer": offer, "day": offer.expires_on.isoformat()})


def _accepted_before(offer: Offer, key: str) -> Loan:
    loan = Loan.objects.get(offer=offer)
    if not loan.transactions.filter(kind__in=["disbursement", "limit"], key=key).exists():
        raise AlreadyAccepted(_("%(offer)s was accepted before.") % {"offer": offer}, loan=loan.public_id)
    return loan
