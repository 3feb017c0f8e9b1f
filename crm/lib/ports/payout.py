"""Port: money out to a customer's account. `settings.PORTS["payout"]` is its address; empty means the port is off."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.money import is_cents
from crm.lib.ports.http import Answer, PortUnknown, address, call

NAME = "payout"


@dataclass(frozen=True)
class Receipt:
    """The bank's word that it paid: its id, what for, how much. `repeated` tells that an earlier call had done it."""

    id: str
    reference: str
    amount: Decimal
    repeated: bool


def is_on() -> bool:
    """Return whether an address is set."""
    return bool(settings.PORTS.get(NAME))


def pay(
    *, reference: str, amount: Decimal, key: str, at: datetime, headers: dict[str, str] | None = None, read_seconds: float = 10.0
) -> Receipt:
    """Pay `amount` out under `reference`, once per `key` however often this is called.

    :raises PortOff: if no address is set
    :raises PortRefused: if the bank says no for good
    :raises PortUnknown: if it may or may not have been paid: call again with the same key
    """
    if amount <= 0 or not is_cents(amount):
        raise ValueError(f"{amount} is not an amount above 0 in whole cents")
    if at.tzinfo is None:
        raise ValueError("`at` needs a time zone")
    answer = call(
        "POST",
        address(settings.PORTS, NAME),
        port=NAME,
        body={"reference": reference, "amount": f"{amount:.2f}", "currency": settings.CURRENCY, "at": at.isoformat()},
        key=key,
        headers=headers,
        read_seconds=read_seconds,
    )
    return receipt(answer, reference=reference, amount=amount)


def receipt(answer: Answer, *, reference: str, amount: Decimal) -> Receipt:
    """Read the bank's answer; one that speaks of another payout is as good as none.

    :raises PortUnknown: if id, reference or amount are missing or differ
    """
    body: dict[str, Any] = answer.body
    try:
        paid = Decimal(str(body.get("amount", "")))
    except InvalidOperation:
        paid = Decimal("NaN")
    found = body.get("receipt")
    if not isinstance(found, str) or not found or body.get("reference") != reference or paid != amount:
        raise PortUnknown(_("The receipt does not match what was asked for. It is asked again with the same key."), port=NAME)
    return Receipt(id=found[:64], reference=reference, amount=amount, repeated=answer.status == 200)
