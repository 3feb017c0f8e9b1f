"""Doors of the payout: the money of a booked loan leaves through the port, once however often this is called."""

from datetime import datetime
from typing import Any

from django.db import transaction

from credit.models import Loan, Transaction
from crm.lib.ports import payout
from crm.lib.ports.http import PortRefused
from governance.models import User
from ledger import log

SENT, REFUSED, OFF = "credit.payout.sent", "credit.payout.refused", "credit.payout.off"


def key(disbursement: Transaction) -> str:
    """Return the name under which the bank knows this payout."""
    return f"payout:{disbursement.public_id}"


def send(loan: Loan, *, actor: User, at: datetime) -> str:
    """Pay out what was disbursed on `loan`; return the bank's receipt, "" where the port is off and nothing was sent.

    The bank honours the key, the ledger says whether it was sent: a crash between the two repeats the call, not the money.
    Called outside transactions, since it waits for the bank.

    :raises PortRefused: if the bank says no for good; recorded once, and the delivery stays for a person
    :raises PortUnknown: if it may or may not have been paid: call again
    """
    known = log.history(loan).filter(event=SENT).first()
    if known is not None:
        return str(known.facts["receipt"])
    if not payout.is_on():
        _record(OFF, loan, actor=actor, at=at)
        return ""
    disbursement = loan.transactions.get(kind=Transaction.Kind.DISBURSEMENT)
    try:
        receipt = payout.pay(reference=loan.public_id, amount=disbursement.amount, key=key(disbursement), at=at)
    except PortRefused as error:
        _record(REFUSED, loan, actor=actor, at=at, code=error.extra.get("their_code", ""))
        raise
    _record(SENT, loan, actor=actor, at=at, receipt=receipt.id, amount=receipt.amount, transaction=disbursement.public_id)
    return receipt.id


@transaction.atomic
def _record(event: str, loan: Loan, *, actor: User, at: datetime, **facts: Any) -> None:
    """Record `event` unless the loan's history has it: two workers may have asked the bank at the same time."""
    Loan.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=loan.pk)
    if not log.history(loan).filter(event=event).exists():
        log.record(event, loan, actor=actor, at=at, **facts)
