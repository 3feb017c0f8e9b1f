"""Doors of a loan: book it and pay it out; and what every money door shares: locks and balanced postings."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from credit import contract_terms, passed_on
from credit.books import money_day
from credit.models import Installment, Loan, Offer, Posting, Transaction
from credit.schedule import Row
from governance.models import User
from ledger import log

Account = Posting.Account
ZERO = Decimal("0.00")

Entry = tuple[str, Decimal, int | None]  # account, amount (debit above zero), instalment id


@transaction.atomic
def book(
    offer: Offer, rows: Sequence[Row], fees: Sequence[Decimal], *, key: str, actor: User, at: datetime, paid: Decimal | None = None
) -> Loan:
    """Write the contract of an accepted `offer` with its instalments and pay out the whole amount, or the first part of it (`paid`, of
    which `rows` and `fees` are then). Called by `offers.accept`.
    """
    paid = offer.amount if paid is None else paid
    on = money_day(offer.application.legal_entity, at)
    loan = contract(offer, rows, on=on, at=at)
    loan.principal_outstanding, loan.undrawn = paid, offer.amount - paid
    loan.save(force_insert=True)
    Installment.objects.bulk_create(installments(loan, rows, fees))
    paid_out = Transaction.objects.create(
        loan=loan, kind=Transaction.Kind.DISBURSEMENT, amount=paid, value_on=on, at=at, actor=actor, key=key
    )
    post(paid_out, [(Account.PRINCIPAL, paid, None), (Account.CASH, -paid, None)])
    log.record(
        "credit.loan.booked",
        loan,
        actor=actor,
        at=at,
        principal=loan.principal,
        term=loan.term,
        annual_rate=loan.annual_rate,
        starts_on=on,
        transaction=paid_out.public_id,
        cost_hash=offer.cost_hash,
    )
    return loan


def contract(offer: Offer, rows: Sequence[Row], *, on: date, at: datetime) -> Loan:
    """Return the loan of an accepted `offer` whose money goes out `on`, not yet stored. It keeps the terms as they stand today."""
    return of_offer(offer, on=on, at=at, matures_on=rows[-1].due_on, principal_outstanding=offer.amount)


def of_offer(offer: Offer, *, on: date, at: datetime, **own: Any) -> Loan:
    """Return the contract that an accepted `offer` makes from `on`, not yet stored; `own` is what its kind says for itself."""
    application, product = offer.application, offer.application.product
    loan = Loan(
        **application.belongs(),
        customer_id=application.customer_id,
        product=product,
        application=application,
        offer=offer,
        principal=offer.amount,
        annual_rate=offer.annual_rate,
        penalty_rate=offer.penalty_rate,
        term=offer.term,
        day_count=product.day_count,
        month_end=product.month_end,
        rounding=product.rounding,
        grace_days=product.grace_days,
        allocation_order=product.allocation_order,
        starts_on=on,
        closed_on=on - timedelta(days=1),
        grade=application.decision.grade if application.decision else "",
        booked_at=at,
        **own,
    )
    terms = contract_terms.from_columns(loan)
    loan.terms = terms.to_json()
    loan.late_fee, loan.late_fee_rate = contract_terms.late_fees(terms)
    loan.late_fee_passed, loan.late_rate_passed = passed_on.late(terms)
    return loan


def installments(loan: Loan, rows: Sequence[Row], fees: Sequence[Decimal]) -> list[Installment]:
    """Return the instalments of a schedule, not yet stored."""
    terms = contract_terms.of(loan)
    first = passed_on.up_front(terms, sum((row.principal for row in rows), ZERO))
    graced = bool(terms.grace_on_interest)
    return [
        Installment(
            loan=loan,
            seq=row.seq,
            from_on=row.from_on,
            due_on=row.due_on,
            principal=row.principal,
            interest=row.interest,
            fee=fee,
            penalty_since=row.due_on,
            fee_passed=min(row.passed + (first if row is rows[0] else ZERO), fee),
            interest_held=row.earned - row.interest if graced else ZERO,
            # A loan of a few cents may have instalments of nothing: they are paid as they are born.
            status=Installment.Status.PENDING if row.payment + fee else Installment.Status.PAID,
            paid_on=None if row.payment + fee else loan.starts_on,
        )
        for row, fee in zip(rows, fees, strict=True)
    ]


def post(movement: Transaction, entries: Iterable[Entry]) -> None:
    """Write the balanced postings of a movement. The database refuses, at commit, a movement that does not sum to zero."""
    Posting.objects.bulk_create(
        Posting(transaction=movement, account=account, amount=amount, installment_id=installment_id)
        for account, amount, installment_id in entries
        if amount
    )


def installments_locked(loan: Loan) -> list[Installment]:
    """Lock and return a loan's instalments in order; customer, application and loan are locked before."""
    return list(Installment.objects.select_for_update(no_key=True).filter(loan=loan).order_by("seq"))
