"""Doors of one payment for several loans of a customer: shown before it is sent, taken in at once, taken back as a whole."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import events as happened
from credit import exposure, movements, repayments, reversals, spreading, suspense
from credit.books import value_day
from credit.models import CustomerPayment, Loan, PaymentShare, Receipt, Transaction
from credit.movements import Preview
from credit.spreading import Debt
from credit.state import REST
from crm.lib.errors import DomainError, Stale
from customers.models import Customer
from governance import rules
from governance.lifecycle import move
from governance.models import LegalEntity, User
from ledger import log

ORDER = "payment.spread.order"
ZERO = Decimal("0.00")
Status = CustomerPayment.Status


class NothingToPay(DomainError):
    """The customer has no open loan that money could go to."""

    code = "no_open_loan"


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payment goes to a loan, and what it does there."""

    loan: Loan
    debt: Debt
    amount: Decimal
    preview: Preview


def order_of(entity: LegalEntity, *, on: date) -> str:
    """Return the order that the rule declares for `entity`: its own, else that of every lender (key "")."""
    said = rules.value(ORDER, on=on)
    found = said.get(entity.code, said.get("")) if isinstance(said, dict) else said
    return str(CustomerPayment.Order(str(found)))


def loans_of(customer: Customer, user: User) -> list[Loan]:
    """Return the customer's open loans that `user` may see, the oldest first."""
    rows = Loan.objects.visible_to(user).open().filter(customer=customer, legal_entity=customer.legal_entity_id)
    return list(rows.select_related("legal_entity", "product").order_by("pk"))


def spread(loans: list[Loan], *, amount: Decimal, on: date, order: str, asked_only: bool = False) -> list[Share]:
    """Return what `amount`, counted for `on`, does to each loan; nothing is stored. With `asked_only` no more than the loans ask for.

    :raises NothingToPay: if they ask for nothing, with `asked_only`
    :raises movements.CannotBe: if it cannot be
    """
    moves = movements.events_of(loans)
    debts = {}
    for loan in loans:
        state = movements.played(loan, moves[loan.pk], as_of=on)
        unpaid = [row for row in state.installments if row.outstanding > 0]
        due = tuple((row.due_on, row.outstanding) for row in unpaid if row.due_on <= on)
        running = next((row for row in state.installments if row.due_on > on and row.seq != REST), None)
        runs = (running.due_on, running.outstanding) if running is not None and running.outstanding > 0 else None
        days = max((on - due[0][0]).days, 0) if due else 0
        debts[loan.pk] = Debt(loan.pk, loan.annual_rate, days, due, runs)
    if asked_only:
        amount = min(amount, sum((debt.total + (debt.runs[1] if debt.runs else ZERO) for debt in debts.values()), ZERO))
        if not amount:
            raise NothingToPay(_("Nothing is due on the customer's loans, and no instalment runs."))
    by_pk = {loan.pk: loan for loan in loans}
    found = []
    for pk, share in spreading.spread(amount, list(debts.values()), order):  # type: ignore[arg-type]
        loan, before = by_pk[pk], moves[pk]
        event = happened.Repay(key="new", on=on, seq=max((each.seq for each in before), default=0) + 1, amount=share)
        as_of = max(on, loan.closed_on)
        pair = (movements.played(loan, before, as_of=as_of), movements.played(loan, [*before, event], as_of=as_of))
        found.append(Share(loan, debts[pk], share, Preview(*pair, event)))
    return found


def day(loans: list[Loan], received_on: date | None, *, at: datetime) -> date:
    """Return the day the money counts for on all of these loans.

    :raises NothingToPay: if there is none
    :raises InFuture, BeforeLoan, PeriodClosed: as for one loan
    """
    if not loans:
        raise NothingToPay(_("The customer has no open loan that money could go to."))
    return max(repayments.counts_for(loan, received_on, at=at) for loan in loans)


def preview(customer: Customer, *, amount: Decimal, received_on: date | None, user: User, at: datetime) -> list[Share]:
    """Return what a payment would do to each loan that gets a share; nothing is stored.

    :raises DomainError: if it cannot be taken in
    """
    repayments.checked_amount(amount)
    loans = loans_of(customer, user)
    on = day(loans, received_on, at=at)
    return spread(loans, amount=amount, on=on, order=order_of(customer.legal_entity, on=on))


@transaction.atomic
def receive(
    customer: Customer, *, amount: Decimal, actor: User, at: datetime, key: str, channel: str = "", reference: str = "",
    received_on: date | None = None, receipt: Receipt | None = None, only: Loan | None = None,
) -> CustomerPayment:  # fmt: skip
    """Take a payment of `customer` in and spread it over the open loans that `actor` may see, in the order the rule declares.

    Each loan's share is a repayment like others; all of them stand or none. The same `key` again returns the first payment. Of a
    `receipt` no more is taken than the loans ask for, or all of it for the `only` loan.

    :raises NotAnAmount: if `amount` is not above zero in whole cents
    :raises NothingToPay: if there is no open loan
    :raises KeyUsed: if `key` names a payment of another amount
    :raises InFuture, BeforeLoan, PeriodClosed: if money cannot count for `received_on`
    """
    repayments.checked_amount(amount)
    exposure.lock(customer.pk)
    known = CustomerPayment.objects.filter(customer=customer, key=key).first()
    if known is not None:
        if known.amount != amount and receipt is None:
            raise repayments.KeyUsed(_("This key was used for another payment."), fields={"key": _("Choose another key.")})
        return known
    loans = [repayments.locked(loan.pk) for loan in ([only] if only is not None else loans_of(customer, actor))]
    on = day(loans, received_on, at=at)
    order = order_of(customer.legal_entity, on=on)
    shares = spread(loans, amount=amount, on=on, order=order, asked_only=receipt is not None and only is None)
    payment = CustomerPayment.objects.create(
        legal_entity=customer.legal_entity, customer=customer, amount=sum((share.amount for share in shares), ZERO), received_on=on,
        order=order, channel=channel, reference=reference, key=key, at=at, actor=actor, receipt=receipt,
    )  # fmt: skip
    for place, share in enumerate(shares, start=1):
        movement = repayments.receive(
            share.loan, amount=share.amount, actor=actor, at=at, key=f"spread:{payment.public_id}", channel=channel, reference=reference,
            received_on=received_on and on,
        )  # fmt: skip
        PaymentShare.objects.create(payment=payment, transaction=movement, place=place)
    log.record(
        "credit.customer_payment.recorded", payment, actor=actor, at=at, customer_id=customer.pk, amount=payment.amount, order=order,
        loans=[share.loan.public_id for share in shares], value_on=on,
    )  # fmt: skip
    return payment


@transaction.atomic
def reverse(payment: CustomerPayment, *, reason: str, actor: User, at: datetime, key: str, version: int | None = None) -> CustomerPayment:
    """Take a payment back from every loan it went to, the last served first; all or nothing. Reversed before, it is returned as it is.

    :raises Invalid: if `reason` is none of ours
    :raises Stale: if it changed since `version`
    :raises movements.CannotBe, RefundUnderWay, NotReversible: if one of its movements cannot be taken back
    """
    exposure.lock(payment.customer_id)
    row = CustomerPayment.objects.select_for_update(of=("self",)).select_related("customer").get(pk=payment.pk)
    if row.status == Status.REVERSED:
        return row
    if version is not None and row.version != version:
        raise Stale(_("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    for share in shares_of(row)[::-1]:
        reversals.reverse(share.transaction, reason=reason, actor=actor, at=at, key=f"{key}:{share.place}", whole=True)
    if row.receipt_id:
        suspense.spread_back(row, stays=reason in reversals.STAYS, actor=actor, at=at)
    facts = {"amount": row.amount, "reason": str(reason)}
    return move(row, Status.REVERSED, actor=actor, at=at, event="credit.customer_payment.reversed", facts=facts, ended_at=at)


def shares_of(payment: CustomerPayment) -> list[PaymentShare]:
    """Return the movements a payment became, in the order served."""
    related = ("transaction__loan__legal_entity", "transaction__loan__product", "transaction__reversal")
    return list(payment.shares.select_related(*related).order_by("place"))


def open_day(customer: Customer, at: datetime) -> date:
    return value_day(customer.legal_entity, at)


def undone(payment: CustomerPayment) -> list[tuple[Transaction, Preview]]:
    """Return what taking `payment` back would do to each loan; nothing is stored.

    :raises movements.CannotBe: if what came later cannot be without it
    """
    rows = [share.transaction for share in shares_of(payment)]
    return [(row, movements.preview_without(row.loan, row)) for row in rows]
