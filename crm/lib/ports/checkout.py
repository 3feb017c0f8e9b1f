"""Port: a payment gateway where a person pays one amount. `settings.PORTS["checkout"]` is its address; empty means off.

The gateway shows its own page, takes the money, and tells by signed webhook that it was paid. It honours an idempotency key: a payment
asked for twice is one.
"""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.ports.http import PortUnknown, address, call

NAME = "checkout"


@dataclass(frozen=True)
class Opened:
    """Where the person pays, and whether it is paid already."""

    url: str
    paid: bool


def is_on() -> bool:
    """Return whether an address is set."""
    return bool(settings.PORTS.get(NAME))


def open_(*, reference: str, amount: Decimal, key: str, currency: str = "CNY", read_seconds: float = 3.0) -> Opened:
    """Have a payment opened, once per `key`. Call it outside transactions.

    :raises PortOff: if no address is set
    :raises PortRefused: if the gateway says no for good
    :raises PortUnknown: if it gives no certain answer
    """
    body = {"reference": reference, "amount": f"{amount:.2f}", "currency": currency}
    answer = call("POST", address(settings.PORTS, NAME), port=NAME, body=body, key=key, connect_seconds=1.5, read_seconds=read_seconds)
    url = answer.body.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or answer.body.get("key") != key:
        raise PortUnknown(_("The gateway's answer does not match what was asked."), port=NAME, cause="another payment")
    return Opened(url[:400], answer.body.get("status") == "paid")


def look(*, key: str, read_seconds: float = 3.0) -> str | None:
    """Return the gateway's own number of the payment if it was paid; None if not. Call it outside transactions.

    :raises PortOff: if no address is set
    :raises PortUnknown: if it does not answer
    """
    where = f"{address(settings.PORTS, NAME)}?{urlencode({'key': key})}"
    rows = call("GET", where, port=NAME, connect_seconds=1.5, read_seconds=read_seconds).body.get("payments")
    paid = [row for row in rows if isinstance(row, dict) and row.get("status") == "paid"] if isinstance(rows, list) else []
    return str(paid[0].get("id", ""))[:64] if paid else None
