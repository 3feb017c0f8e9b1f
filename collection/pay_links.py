"""Doors of pay links: made while one talks, paid at the gateway, booked once, seen at once; what was not told is asked for.

The amount is the books' own: what may be demanded, what ends the loan, what was promised. What is contested is never asked for. Money that
came is taken in whatever became of the link meanwhile; what nobody asks for any more waits in suspense for a person.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from collection import cases, checks, owed, settlements
from collection.checks import NotConfirmed
from collection.models import Case, PayLink
from credit import books, customer_payments, exposure, payoffs, repayments, suspense
from crm.lib.errors import DomainError, Invalid, NotFound
from crm.lib.money import total
from crm.lib.ports import checkout as port
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown
from governance import rules, users
from governance.lifecycle import move
from governance.models import User
from ledger import log

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no letter that is read out like another
LENGTH = 12  # 59 bits; guessing is counted by address besides
MINUTES = "collections.pay_link.minutes"
QUIET = timedelta(minutes=1)
ENDED = timedelta(days=1)
Status, Kind = PayLink.Status, PayLink.Kind
ZERO = Decimal("0.00")


class Contested(DomainError):
    """What the link would ask for is contested."""

    code = "amount_contested"


class SettlementRuns(DomainError):
    """What was agreed to end the debt is being paid: nothing else is asked for."""

    code = "settlement_runs"


class NothingAsked(DomainError):
    """There is nothing that the link could ask for."""

    code = "nothing_to_pay"


class PaymentReplayed(DomainError):
    """The gateway told of this payment before; nothing changes."""

    code = "payment_replayed"


class AnotherAmount(DomainError):
    """The gateway tells of another amount than the link asked for."""

    code = "another_amount"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make(case: Case, *, kind: str, actor: User, at: datetime, loan: str = "") -> PayLink:
    """Make a link for what is overdue, for the whole loan, for what was promised, or for a settlement's next payment.

    One that was open before is withdrawn.

    :param loan: public id of the one loan it pays; all that is overdue is paid on all loans without it
    :raises NotHeld: if `actor` does not hold the case
    :raises NotConfirmed: if the person is not confirmed
    :raises Contested: if all of it, or of the whole loan anything, is contested
    :raises SettlementRuns: if it asks for more than the next payment of a settlement that is being paid
    :raises NothingAsked: if there is nothing to pay
    :raises Invalid: if the kind is unknown, the loan is none of the case, or several are open and none was chosen to be paid off
    """
    if kind not in Kind.values:
        raise Invalid(_("Choose what the link pays."), fields={"kind": _("Choose what the link pays.")})
    exposure.lock(case.customer_id)
    row = cases.held(case, actor=actor, at=at)
    if not checks.confirmed(row, actor=actor, at=at):
        raise NotConfirmed(_("Confirm the person first: two answers to the check."))
    today = books.value_day(row.legal_entity, at)
    loans = [debt.loan for debt in row.debts.select_related("loan__product", "loan__legal_entity").order_by("loan_id")]
    standing = owed.of_loans(loans, on=today)
    if loan and kind != Kind.PROMISE:
        standing = [each for each in standing if each.loan.public_id == loan]
        if not standing:
            raise Invalid(_("Choose an open loan of this case."), fields={"loan": _("Choose an open loan of this case.")})
    contested = total([each.contested for each in standing])
    paid_loan = standing[0].loan if loan and standing else None
    promise = None
    settled = settlements.next_payment(row)
    if settled is not None and kind != Kind.SETTLEMENT:
        raise SettlementRuns(_("A settlement is being paid: a link asks for its next payment, and for nothing else."))
    if kind == Kind.SETTLEMENT:
        amount, paid_loan = settled or ZERO, None
    elif kind == Kind.OVERDUE:
        amount = total([each.demand for each in standing])
    elif kind == Kind.PROMISE:
        promise, paid_loan = row.promises.running().order_by("-pk").first(), None
        amount = promise.lacking if promise is not None else ZERO
        if amount > owed.most_by(row.customer_id, on=today):
            raise Contested(_("A part of what was promised is contested: no link asks for it."))
    else:
        if contested:
            raise Contested(_("A part of the loan is contested: no link asks for the whole of it."))
        if not standing:
            raise NothingAsked(_("There is nothing that a link could ask for."))
        if len(standing) > 1:
            sentence = _("A link pays one loan off and this case has %(n)s open ones: choose which.") % {"n": len(standing)}
            raise Invalid(sentence, fields={"loan": sentence})
        paid_loan = standing[0].loan
        amount = payoffs.issue(paid_loan, settles_on=today, actor=actor, at=at).total
    if amount <= ZERO:
        raise (Contested if contested else NothingAsked)(
            _("All that is overdue is contested: no link asks for it.") if contested else _("There is nothing that a link could ask for.")
        )
    for before in PayLink.objects.select_for_update().filter(case=row, status=Status.OPEN):
        move(before, Status.WITHDRAWN, actor=actor, at=at, event="collections.paylink.withdrawn", facts=facts(before))
    minutes = int(rules.value(MINUTES, on=localtime(at).date()))
    token = "".join(secrets.choice(ALPHABET) for _letter in range(LENGTH))
    made = PayLink.objects.create(
        case=row, loan=paid_loan, promise=promise, kind=kind, amount=amount, token=token, token_hash=digest(token), made_by=actor, made_at=at,
        expires_at=at + timedelta(minutes=minutes),
    )  # fmt: skip
    log.record("collections.paylink.made", made, actor=actor, at=at, **facts(made))
    return made


def facts(link: PayLink) -> dict[str, Any]:
    return {"customer_id": link.case.customer_id, "case": link.case.public_id, "amount": link.amount, "kind": link.kind}


def address_of(link: PayLink) -> str:
    """Return the address a debtor opens."""
    return settings.BASE_URL.rstrip("/") + reverse("public-pay", args=[link.token])


def find(token: str) -> PayLink:
    """Return the link of a token.

    :raises NotFound: if there is none
    """
    found = PayLink.objects.select_related("case__legal_entity", "case__customer").filter(token_hash=digest(token)).first()
    if found is None:
        raise NotFound(_("This link opens nothing. Ask for a new one."))
    return found


def may_be_paid(link: PayLink, *, at: datetime) -> bool:
    return bool(link.status == Status.OPEN and at < link.expires_at)


def gateway(link: PayLink) -> str:
    """Return where the debtor pays; "" where the gateway does not answer. Call it outside transactions."""
    try:
        return port.open_(reference=link.public_id, amount=link.amount, key=link.public_id).url
    except (PortOff, PortRefused, PortUnknown):
        return ""


@transaction.atomic
def paid(*, key: str, gateway_id: str, amount: Decimal, at: datetime) -> PayLink:
    """Book what the gateway took: once, to the loans it is for, in the transaction that ends the link.

    :raises NotFound: if no link has this key
    :raises AnotherAmount: if the amount is another one
    :raises PaymentReplayed: if it was told before
    """
    known = PayLink.objects.filter(public_id=key).values_list("case__customer", flat=True).first() if "\0" not in key else None
    if known is None:
        raise NotFound(_("There is no such payment."))
    exposure.lock(known)
    rows = PayLink.objects.select_for_update(of=("self",)).select_related("case__customer__legal_entity", "case__legal_entity", "loan")
    link = rows.get(public_id=key)
    if link.status == Status.PAID:
        raise PaymentReplayed(_("This payment was told of before."))
    if amount != link.amount:
        raise AnotherAmount(_("The payment is of another amount than was asked for."))
    actor, customer = users.system(), link.case.customer
    try:
        if link.loan is not None:
            repayments.receive(link.loan, amount=amount, actor=actor, at=at, key=f"pay-link:{link.public_id}", reference=link.public_id)
        else:
            customer_payments.receive(
                customer, amount=amount, actor=actor, at=at, key=f"pay-link:{link.public_id}", reference=link.public_id
            )
    except (customer_payments.NothingToPay, repayments.LoanClosed):
        suspense.take_in(
            legal_entity=link.case.legal_entity, reference=link.public_id, received_on=books.value_day(link.case.legal_entity, at),
            amount=amount, actor=actor, at=at, remittance=link.public_id,
        )  # fmt: skip
    return move(
        link, Status.PAID, actor=actor, at=at, event="collections.paylink.paid", facts=facts(link), paid_at=at, gateway_id=gateway_id[:64]
    )


@transaction.atomic
def take_back(customer_id: int, *, actor: User, at: datetime) -> int:
    """Withdraw the open links of a customer whose debt is not as it was; return how many. Money that comes all the same is taken in."""
    exposure.lock(customer_id)
    rows = PayLink.objects.select_for_update(of=("self",)).select_related("case")
    found = list(rows.filter(case__customer=customer_id, status=Status.OPEN))
    for link in found:
        move(link, Status.WITHDRAWN, actor=actor, at=at, event="collections.paylink.withdrawn", facts=facts(link))
    return len(found)


def sweep(*, at: datetime) -> int:
    """Ask the gateway about links it told nothing of, and end those whose time is over; return how many changed.

    A link that ended may be paid all the same, by who had its page open: it is asked about for a day, once an hour, in a minute of its own.
    """
    changed = 0
    rows = PayLink.objects.filter(made_at__lt=at - QUIET).select_related("case").order_by("pk")
    ended = rows.filter(status__in=(Status.EXPIRED, Status.WITHDRAWN), expires_at__gt=at - ENDED).annotate(minute=F("pk") % 60)
    for link in [*rows.filter(status=Status.OPEN)[:100], *ended.filter(minute=at.minute)[:100]]:
        try:
            found = port.look(key=link.public_id)
        except (PortOff, PortRefused, PortUnknown):
            found = None
        if found is not None:
            try:
                paid(key=link.public_id, gateway_id=found, amount=link.amount, at=at)
                changed += 1
            except PaymentReplayed:
                continue
        elif link.status == Status.OPEN and link.expires_at <= at:
            changed += expire(link, at=at)
    return changed


@transaction.atomic
def expire(link: PayLink, *, at: datetime) -> int:
    row = PayLink.objects.select_for_update(of=("self",)).select_related("case").get(pk=link.pk)
    if row.status != Status.OPEN:
        return 0
    move(row, Status.EXPIRED, actor=users.system(), at=at, event="collections.paylink.expired", facts=facts(row))
    return 1
