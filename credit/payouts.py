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


def send(loan: Loan, *, actor: User, at: datetime, part: Transaction | None = None) -> str:
    """Pay out what was disbursed on `loan`, or a later `part`; return the bank's receipt, "" where the port is off and nothing was sent.

    The bank honours the key, the ledger says whether it was sent: a crash between the two repeats the call, not the money.
    Called outside transactions, since it waits for the bank.

    :raises PortRefused: if the bank says no for good; recorded once, and the delivery stays for a person
    :raises PortUnknown: if it may or may not have been paid: call again
    """
    disbursement = part or loan.transactions.filter(kind=Transaction.Kind.DISBURSEMENT).earliest("pk")
    of = {} if part is None else {"part": part.public_id}
    known = _history(loan, SENT, of).first()
    if known is not None:
        return str(known.facts["receipt"])
    if not payout.is_on():
        _record(OFF, loan, actor=actor, at=at, **of)
        return ""
    try:
        receipt = payout.pay(reference=loan.public_id, amount=disbursement.amount, key=key(disbursement), at=at)
    except PortRefused as error:
        _record(REFUSED, loan, actor=actor, at=at, code=error.extra.get("their_code", ""), **of)
        raise
    _record(SENT, loan, actor=actor, at=at, receipt=receipt.id, amount=receipt.amount, transaction=disbursement.public_id, **of)
    return receipt.id


@transaction.atomic
def _record(event: str, loan: Loan, *, actor: User, at: datetime, **facts: Any) -> None:
    """Record `event` unless the loan's history has it: two workers may have asked the bank at the same time."""
    Loan.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=loan.pk)
    if not _history(loan, event, {"part": facts["part"]} if "part" in facts else {}).exists():
        log.record(event, loan, actor=actor, at=at, **facts)


def _history(loan: Loan, event: str, of: dict[str, str]) -> Any:
    """Return entries of `event` about the first payout, or about a later part."""
    rows = log.history(loan).filter(event=event)
    return rows.filter(facts__part=of["part"]) if of else rows.exclude(facts__has_key="part")
