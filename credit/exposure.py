"""How much of a person's cap is taken, and holding a part of it. Over-lending is decided here, under one lock."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from credit.books import local_day
from credit.models import Application, Reservation
from crm.lib.errors import DomainError
from crm.lib.money import CENT
from crm.lib.templatetags.crm import grouped
from crm.lib.transactions import joined
from customers.models import Customer
from governance import rules

CAP = "exposure.cap.person"
ZERO = Decimal("0.00")


class OverExposure(DomainError):
    """The person's cap leaves less room than is asked; `extra["room"]` says how much."""

    code = "over_exposure"
    status = 422


class Standing(NamedTuple):
    """What a person has with us: the sum of lines, and the most days past due over the open loans."""

    lines: Decimal
    dpd: int


STANDING = """
SELECT COALESCE(SUM(principal), 0) + (
        SELECT COALESCE(SUM(amount), 0) FROM credit_reservation
        WHERE customer_id = %(customer)s AND status = 'live' AND application_id <> %(leaving)s
    ), COALESCE(MAX(dpd), 0)
FROM credit_loan WHERE customer_id = %(customer)s AND status = 'open'
"""


def standing(customer_id: int, *, leaving: Application | None = None) -> Standing:
    """Return a person's lines (principal of open loans, and what is held for approvals and offers) and worst days past due.

    The cap is on the line, not on the drawn balance (授信额度): an open loan counts with its whole principal. What is held for
    the application `leaving` is left out.
    """
    with connection.cursor() as cursor:  # by hand: one statement in the place of three, on the way of every decision
        cursor.execute(STANDING, {"customer": customer_id, "leaving": leaving.pk if leaving else 0})
        total, dpd = cursor.fetchone()
    return Standing(Decimal(total).quantize(CENT), dpd)


def cap(on: date) -> Decimal:
    """Return the most one person may have in all on a day."""
    return Decimal(rules.value(CAP, on=on))


def lock(customer_id: int) -> None:
    """Lock the customer's row until the end of the transaction: the first lock of every door that touches lines or money."""
    Customer.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=customer_id)


@joined()
def reserve(application: Application, *, amount: Decimal, at: datetime, most: Decimal | None = None) -> Decimal:
    """Hold up to `amount` of the person's cap for `application`; return what was held, 0.00 when there is no room.

    The second of two parallel calls waits for the first, then sums anew: together they never pass the cap. `most` is the cap
    where the caller has read it already.
    """
    lock(application.customer_id)
    ceiling = cap(local_day(application.legal_entity, at)) if most is None else most
    room = ceiling - standing(application.customer_id, leaving=application).lines
    granted = max(min(amount, room), ZERO)
    if granted:
        held = Reservation(
            application=application,
            customer_id=application.customer_id,
            amount=granted,
            status=Reservation.Status.LIVE,
            reserved_at=at,
        )
        changed = ["customer", "amount", "status", "reserved_at", "ended_at"]
        Reservation.objects.bulk_create([held], update_conflicts=True, unique_fields=["application"], update_fields=changed)
    return granted


def reserve_whole(application: Application, *, amount: Decimal, at: datetime) -> None:
    """Hold exactly `amount`.

    :raises OverExposure: if the cap leaves less; nothing is held then
    """
    with transaction.atomic():
        granted = reserve(application, amount=amount, at=at)
        if granted < amount:
            sentence = _("The person's exposure cap leaves room for %(room)s only.") % {"room": grouped(granted)}
            raise OverExposure(sentence, fields={"amount": sentence}, room=str(granted))


def release(application: Application, *, at: datetime, used: bool = False) -> None:
    """End what is held for `application`: `used` when the loan now counts in its place."""
    status = Reservation.Status.USED if used else Reservation.Status.RELEASED
    Reservation.objects.filter(application=application, status=Reservation.Status.LIVE).update(status=status, ended_at=at)
