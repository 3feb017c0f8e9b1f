"""The generated part of the book: a year of loans to generated people, taken over as a lender takes over an older book.

The real applications alone are a small book and three of ten are bad. 700 generated loans around them bring it to the believable
three to five of a hundred, with every bucket filled. They are written in bulk, by the product's own arithmetic: the engine judges each,
`offers.draft` counts, `loans.contract` keeps the terms. The close of the day they are taken over finds who is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.timezone import localdate

from credit import applications, general_ledger, known_facts, loans, offers, payouts
from credit.models import Application, Installment, Loan, Offer, Posting, Transaction
from crm.demo import report_months
from crm.demo.people import identity
from crm.lib.dates import add_months
from crm.lib.money import quantize, total
from customers import consents, index
from customers.models import Consent, Customer, Purpose
from governance import users
from ledger import log
from risk import engine
from risk.models import Decision

if TYPE_CHECKING:
    from crm.demo.play import House

LOANS = 700
TAKEN_OVER = 20  # days before the demonstration's last day
OLDEST = 355  # days before that day
FIRST_PERSON = 50_000
TERMS = (6, 9, 12, 12, 12, 18, 24, 24, 36)
TRIES = 6
CHUNK = 1_000
ZERO = Decimal("0.00")
# How many of 1,000 loans are this many days past due on the day of the take-over; the others pay on the day.
LATE = ((34, (1, 30)), (14, (31, 60)), (10, (61, 90)), (12, (91, 120)), (10, (121, 150)), (8, (151, 180)), (8, (181, 300)))
# What some borrowed much and stopped paying: graver than a call mends, and worth the costs of a court. Days past due at the take-over.
LARGE, LARGE_AMOUNT = (73, 78, 83, 88, 93), Decimal(12_000)
CURED = 0.45  # of those in M1 who pay in the days that follow


@dataclass
class Past:
    """One loan and what was paid on it until the take-over."""

    customer: Customer
    application: Application
    decision: Decision
    offer: Offer
    loan: Loan
    installments: list[Installment]
    stops_at: int | None
    payments: list[tuple[Transaction, list[Posting]]] = field(default_factory=list)


def take_over(house: House, rows: list[dict[str, Any]], *, on: date, count: int = LOANS) -> int:
    """Bring in `count` loans as they stand on the open business date `on`; return how many the engine approved of.

    Purposes and stated facts are drawn from `rows`, the real applications that were repaid.
    """
    good = [row for row in rows if not row["bad"]]
    persons = people(house, good, list(delays(count, house.rng)), on=on)
    made = [past for person in persons if (past := loan_of(house, good, *person, on=on)) is not None]
    if count >= LOANS:
        made += large(house, good, on=on)
    store(made)
    general_ledger.take_over(house.entity, [past.loan.pk for past in made], until=on - timedelta(days=1), at=house.at(on, 8))
    report_months.of_book(house.entity, made, on=on)
    tell(house, made)
    for past in made:
        follow(house, past, on=on)
    return len(made)


def large(house: House, rows: list[dict[str, Any]], *, on: date) -> list[Past]:
    """Return the large loans, drawn by chances of their own: the others stay who they are."""
    apart = replace(house, rng=Random(len(LARGE)))  # noqa: S311  a draw, no secret
    much = [row | {"amount": LARGE_AMOUNT, "term": 6} for row in rows]
    persons = people(apart, much, list(LARGE), on=on, first=FIRST_PERSON + 5_000)
    return [past for person in persons if (past := loan_of(apart, much, *person, on=on)) is not None]


def delays(count: int, rng: Random) -> Iterator[int]:
    """Draw how many days past due each loan is."""
    for _ in range(count):
        place = rng.randrange(1_000)
        for share, (least, most) in LATE:
            if place < share:
                yield rng.randint(least, most)
                break
            place -= share
        else:
            yield 0


def people(
    house: House, rows: list[dict[str, Any]], delayed: list[int], *, on: date, first: int = FIRST_PERSON
) -> list[tuple[Customer, dict[str, Any], date, int]]:
    """File a generated person per loan; return each with a real application's facts, the day the money went out and the delay."""
    found = []
    for place, late in enumerate(delayed):
        row = house.rng.choice(rows)
        if late:  # the money went out a whole number of months before the day of the first instalment missed
            missed = on - timedelta(days=late)
            missed = missed.replace(day=min(missed.day, 28))
            late = (on - missed).days
            starts = add_months(missed, -house.rng.randint(1, max(1, min(6, (OLDEST - late) // 31))))
        else:
            starts = on - timedelta(days=house.rng.randint(5, OLDEST))
        branch = "CD" if place % 3 == 2 else "SH"
        person = identity(first + place, age=row["age"], branch=branch, on=starts, rng=house.rng)
        at = house.at(starts - timedelta(days=2), 9 + place % 8, place % 60)
        income = quantize(row["amount"] / row["term"] / Decimal(str(round(house.rng.uniform(0.08, 0.25), 3))) + 800)
        customer = Customer(
            name=person.name, id_number=person.id_number, mobile=person.mobile, bank_card=person.bank_card, address=person.address,
            employer=person.employer, income=income, legal_entity=house.entity, branch=house.branches[branch],
            owner=house.rng.choice(house.officers(branch)), origin=Customer.Origin.GENERATED, created_at=at, updated_at=at,
        )  # fmt: skip
        found.append((customer, row, starts, late))
    customers = [customer for customer, *_ in found]
    in_chunks(customers)
    index.write(customers)
    for purpose in (Purpose.BUREAU, Purpose.CONTACT):
        agreed(customers, purpose)
    return found


def agreed(customers: list[Customer], purpose: str) -> None:
    """File the consent each customer gave on the day of the file."""
    text_on = lru_cache(maxsize=None)(lambda day: consents.text_for(purpose, on=day))
    in_chunks(
        Consent(
            customer=customer, purpose=purpose, text_version=text_on(localdate(customer.created_at)).version,
            text_hash=text_on(localdate(customer.created_at)).sha256, channel=customer.channel, given_at=customer.created_at,
            recorded_by=customer.owner,
        )
        for customer in customers
    )  # fmt: skip


def loan_of(
    house: House, rows: list[dict[str, Any]], customer: Customer, row: dict[str, Any], starts: date, late: int, *, on: date
) -> Past | None:
    """Return the loan of a person with its past, not yet stored; None where the engine does not approve of any draw out of `rows`."""
    at = house.at(starts, 10 + customer.pk % 7, customer.pk % 60)
    for _ in range(TRIES):
        application, decision = asked(house, customer, row, at=at)
        if decision.outcome == "approve" and decision.annual_rate is not None:
            break
        row = house.rng.choice(rows)
    else:
        return None
    amount = application.amount if decision.limit is None else min(application.amount, decision.limit)
    if amount < house.product.amount_min:
        return None
    drawn = offers.draft(application, amount=amount, term=application.term, annual_rate=decision.annual_rate, on=starts)
    application.status, application.ended_at, application.decided_at = Application.Status.BOOKED, at, at
    application.approved_amount, application.approved_term, application.approved_rate = amount, application.term, decision.annual_rate
    application.reason_codes, application.decision = list(decision.reasons), decision
    stored = offers.columns(drawn, starts)
    offer = Offer(
        application=application, amount=amount, term=application.term, status=Offer.Status.ACCEPTED, made_at=at, accepted_at=at,
        expires_on=starts + timedelta(days=house.product.offer_days), disclosure_confirmed_at=at,
        disclosure_confirmed_by_id=customer.owner_id, disclosure_seconds=30 + customer.pk % 60, disclosure_hash=stored["cost_hash"], **stored,
    )  # fmt: skip
    loan = loans.contract(offer, drawn.rows, on=starts, at=at)
    past = Past(customer, application, decision, offer, loan, loans.installments(loan, drawn.rows, drawn.fees), None)
    past.payments.append(disbursed(past, at))
    pay_until(house, past, late=late, on=on)
    return past


def asked(house: House, customer: Customer, row: dict[str, Any], *, at: datetime) -> tuple[Application, Decision]:
    """Return an application of the person and what the engine says of it."""
    from crm.demo.play import STATED

    amount = quantize(min(max(row["amount"], Decimal(1_000)), Decimal(12_000)))
    application = Application(
        legal_entity=house.entity, branch=customer.branch, channel=customer.channel, owner=customer.owner, customer=customer,
        product=house.product, amount=amount, term=house.rng.choice(TERMS), purpose=row["purpose"],
        stated={name: row[name] for name in STATED}, entered_by=customer.owner, created_at=at, submitted_at=at,
        evaluation_started_at=at,
    )  # fmt: skip
    known = known_facts.of(application, at=at)
    subject = f"credit.application:{application.public_id}"
    return application, engine.judged(known.facts, at=at, strategy=applications.STRATEGY, subject=subject, sources=known.sources)


def disbursed(past: Past, at: datetime) -> tuple[Transaction, list[Posting]]:
    """Return the payout of the loan and its postings."""
    loan = past.loan
    paid_out = Transaction(
        loan=loan, kind=Transaction.Kind.DISBURSEMENT, amount=loan.principal, value_on=loan.starts_on, booked_on=loan.starts_on, at=at,
        actor=users.system(),
        key=f"book-{past.offer.public_id}",
    )  # fmt: skip
    moved = ((Posting.Account.PRINCIPAL, loan.principal), (Posting.Account.CASH, -loan.principal))
    return paid_out, [Posting(transaction=paid_out, account=account, amount=amount) for account, amount in moved]


def pay_until(house: House, past: Past, *, late: int, on: date) -> None:
    """Pay each instalment on its day, up to the take-over or to the one that fell due `late` days before it."""
    since = on - timedelta(days=late) if late else on
    for row in past.installments:
        if row.due_on >= since:
            break
        at = house.at(row.due_on, 11, past.customer.pk % 60)
        row.principal_paid, row.interest_paid, row.fee_paid = row.principal, row.interest, row.fee
        row.status, row.paid_on = Installment.Status.PAID, row.due_on
        past.loan.principal_outstanding -= row.principal
        amount = total([row.principal, row.interest, row.fee])
        received = Transaction(
            loan=past.loan, kind=Transaction.Kind.REPAYMENT, amount=amount, value_on=row.due_on, booked_on=row.due_on, at=at,
            actor=house.staff["operations"],
            key=f"book-{past.offer.public_id}-{row.seq}", channel=Transaction.Channel.TRANSFER,
        )  # fmt: skip
        parts = (
            (Posting.Account.CASH, amount, None), (Posting.Account.PRINCIPAL, -row.principal, row),
            (Posting.Account.INTEREST, -row.interest, row), (Posting.Account.FEE, -row.fee, row),
        )  # fmt: skip
        past.payments.append(
            (received, [Posting(transaction=received, account=account, amount=part, installment=of) for account, part, of in parts if part])
        )
    unpaid = [row for row in past.installments if row.status != Installment.Status.PAID]
    past.loan.closed_on = on - timedelta(days=1)
    if unpaid:
        past.stops_at = unpaid[0].seq if late else None
    else:
        past.loan.status, past.loan.settled_at = Loan.Status.SETTLED, past.payments[-1][0].at


def store(made: list[Past]) -> None:
    """Write everything, parents first."""
    in_chunks([past.decision for past in made])
    in_chunks([past.application for past in made])
    in_chunks([past.offer for past in made])
    in_chunks([past.loan for past in made])
    in_chunks([row for past in made for row in past.installments])
    in_chunks([movement for past in made for movement, _ in past.payments])
    in_chunks([posting for past in made for _, postings in past.payments for posting in postings])


def in_chunks(rows: Iterable[models.Model]) -> None:
    """Insert rows of one model, a chunk a statement."""
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        type(chunk[0])._base_manager.bulk_create(chunk)


def tell(house: House, made: list[Past]) -> None:
    """Enter the past into the ledger. Nobody is told: what follows from it has followed."""
    events: dict[str, list[log.Row]] = {}

    def say(event: str, subject: models.Model, customer: Customer, at: datetime, **facts: Any) -> None:
        events.setdefault(event, []).append(log.Row(subject._meta.label_lower, subject.pk, customer.pk, facts, at))

    for past in made:
        person, loan, asked_at = past.customer, past.loan, past.application.created_at
        terms = {"amount": past.offer.amount, "term": past.offer.term, "annual_rate": past.offer.annual_rate}
        paid_out = past.payments[0][0]
        say("customers.customer.created", person, person, person.created_at, channel=person.channel)
        say("credit.application.submitted", past.application, person, asked_at, was="draft")
        say("risk.decision.made", past.decision, person, asked_at, decision=past.decision.public_id, about=past.decision.subject,
            outcome=past.decision.outcome, grade=past.decision.grade, reasons=past.decision.reasons)  # fmt: skip
        say("credit.application.approved", past.application, person, asked_at, was="evaluating", **terms)
        say("credit.offer.accepted", past.offer, person, asked_at, was="made", cost_hash=past.offer.cost_hash)
        say("credit.loan.booked", loan, person, loan.booked_at, principal=loan.principal, term=loan.term, annual_rate=loan.annual_rate,
            starts_on=loan.starts_on, transaction=paid_out.public_id, cost_hash=past.offer.cost_hash)  # fmt: skip
        say(payouts.SENT, loan, person, loan.booked_at, receipt=f"book-{loan.public_id}", amount=loan.principal,
            transaction=paid_out.public_id)  # fmt: skip
        for movement, _ in past.payments[1:]:
            say("credit.repayment.received", loan, person, movement.at, loan=loan.public_id, amount=movement.amount, value_on=movement.value_on,
                transaction=movement.public_id)  # fmt: skip
        if loan.settled_at is not None:
            say("credit.loan.settled", loan, person, loan.settled_at)
    for event, rows in events.items():
        log.record_many(event, rows, actor=users.system(), at=house.at(house.today, 0), tell=False)


def follow(house: House, past: Past, *, on: date) -> None:
    """Plan what the borrower pays in the days that are played."""
    from crm.demo.play import Plan

    if past.loan.status != Loan.Status.OPEN:
        return
    house.plans[past.loan.pk] = Plan(past.stops_at, False, {}, None)
    for row in past.installments:
        if row.status == Installment.Status.PAID or not on <= row.due_on <= house.today:
            continue
        if past.stops_at is None:
            house.calendar[row.due_on].append((past.loan.pk, row.seq))
    if past.stops_at is not None:
        missed = past.installments[past.stops_at - 1].due_on
        if (on - missed).days <= 30 and house.rng.random() < CURED:
            house.calendar[on + timedelta(days=house.rng.randint(2, TAKEN_OVER - 2))].append((past.loan.pk, past.stops_at + 1_000))
