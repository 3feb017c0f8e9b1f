"""Doors of a refund: money held above what was due goes back, asked for by one person, approved by another, sent once."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from credit import four_eyes, loans, repayments
from credit.books import money_day
from credit.models import Loan, Posting, Refund, Transaction
from crm.lib.errors import Invalid, Stale
from crm.lib.money import is_cents
from crm.lib.ports import payout
from crm.lib.ports.http import PortRefused
from crm.lib.templatetags.crm import grouped
from governance import users
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")


class MoreThanHeld(Invalid):
    """Less is held for the customer than was asked for, or it is promised already."""

    code = "more_than_held"


def free(loan: Loan) -> Decimal:
    """Return what is held on `loan` and not promised to a refund under way."""
    promised = loan.refunds.filter(status__in=Refund.HOLDING).aggregate(sum=Sum("amount"))["sum"] or ZERO
    return loan.overpayment - promised


@transaction.atomic
def request(loan: Loan, *, amount: Decimal, actor: User, at: datetime) -> Refund:
    """Ask for `amount` of the money held on `loan` to be paid back.

    :raises MoreThanHeld: if it is not above zero in whole cents, or above what is held and free
    """
    loan = repayments.locked(loan.pk)
    room = free(loan)
    if not ZERO < amount <= room or not is_cents(amount):
        sentence = _("Enter an amount above 0 and up to %(room)s, which is held and not promised.") % {"room": grouped(room)}
        raise MoreThanHeld(sentence, fields={"amount": sentence})
    refund = Refund.objects.create(loan=loan, amount=amount, requested_by=actor, requested_at=at)
    _told("credit.refund.requested", refund, actor=actor, at=at)
    return refund


@transaction.atomic
def approve(refund: Refund, *, actor: User, at: datetime, version: int | None = None) -> Refund:
    """Let the money go: a worker sends it after commit.

    :raises SamePerson: if `actor` asked for it
    :raises Stale: if it changed since `version`
    """
    row = _locked(refund, version)
    four_eyes.check(row.requested_by_id, actor=actor)
    facts = {"loan": row.loan.public_id, "amount": row.amount}
    return move(row, Refund.Status.APPROVED, actor=actor, at=at, decided_by=actor, decided_at=at, facts=facts)


@transaction.atomic
def decline(refund: Refund, *, actor: User, at: datetime, version: int | None = None) -> Refund:
    """Refuse or take back a request that is not approved yet; the money stays held."""
    row = _locked(refund, version)
    facts = {"loan": row.loan.public_id, "amount": row.amount}
    return move(row, Refund.Status.DECLINED, actor=actor, at=at, decided_by=actor, decided_at=at, ended_at=at, facts=facts)


def send(refund_id: int, *, at: datetime) -> Refund:
    """Send an approved refund through the port and book what the bank answers. Called outside transactions, may run twice.

    :raises PortUnknown, PortOff: if nothing certain is known: it stays approved and is asked again with the same key
    """
    refund = Refund.objects.select_related("loan").get(pk=refund_id)
    if refund.status != Refund.Status.APPROVED:
        return refund
    try:
        receipt = payout.pay(reference=refund.public_id, amount=refund.amount, key=f"refund:{refund.public_id}", at=at)
    except PortRefused as error:
        return _failed(refund, code=str(error.extra.get("their_code", "")), at=at)
    return _confirmed(refund, receipt=receipt.id, at=at)


@transaction.atomic
def _confirmed(refund: Refund, *, receipt: str, at: datetime) -> Refund:
    loan = repayments.locked(refund.loan_id)
    row = Refund.objects.select_for_update().get(pk=refund.pk)
    if row.status != Refund.Status.APPROVED:
        return row  # another worker heard the same answer
    actor = users.system()
    movement = Transaction.objects.create(
        loan=loan,
        kind=Transaction.Kind.REFUND,
        amount=row.amount,
        value_on=money_day(loan.legal_entity, at),
        at=at,
        actor=actor,
        key=f"refund:{row.public_id}",
        reference=receipt[:60],
    )
    loans.post(movement, [(Posting.Account.OVERPAYMENT, row.amount, None), (Posting.Account.CASH, -row.amount, None)])
    Loan.objects.filter(pk=loan.pk).update(overpayment=loan.overpayment - row.amount)
    facts = {"loan": loan.public_id, "amount": row.amount, "receipt": receipt}
    return move(row, Refund.Status.CONFIRMED, actor=actor, at=at, transaction=movement, receipt=receipt, ended_at=at, facts=facts)


@transaction.atomic
def _failed(refund: Refund, *, code: str, at: datetime) -> Refund:
    row = Refund.objects.select_for_update().select_related("loan").get(pk=refund.pk)
    if row.status != Refund.Status.APPROVED:
        return row
    facts = {"loan": row.loan.public_id, "amount": row.amount, "code": code}
    return move(row, Refund.Status.FAILED, actor=users.system(), at=at, refusal=code[:40], ended_at=at, facts=facts)


def stuck(*, before: datetime) -> list[int]:
    """Return approved refunds that nobody has sent since."""
    return list(Refund.objects.filter(status=Refund.Status.APPROVED, decided_at__lt=before).order_by("pk").values_list("pk", flat=True))


def _locked(refund: Refund, version: int | None) -> Refund:
    repayments.locked(refund.loan_id)
    row = Refund.objects.select_for_update(of=("self",)).select_related("loan").get(pk=refund.pk)
    if version is not None and row.version != version:
        raise Stale(_("%(record)s was changed meanwhile: look at it again.") % {"record": row})
    return row


def _told(event: str, refund: Refund, *, actor: User, at: datetime) -> None:
    log.record(event, refund, actor=actor, at=at, customer_id=refund.loan.customer_id, loan=refund.loan.public_id, amount=refund.amount)
