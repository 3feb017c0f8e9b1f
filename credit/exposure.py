"""How much of a person's cap is taken, and holding a part of it. Over-lending is decided here, under one lock."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from credit.books import local_day
from credit.models import Application, Loan, Reservation
from crm.lib.errors import DomainError
from crm.lib.templatetags.crm import grouped
from customers.models import Customer
from governance import rules

CAP = "exposure.cap.person"
ZERO = Decimal("0.00")


class OverExposure(DomainError):
    """The person's cap leaves less room than is asked; `extra["room"]` says how much."""

    code = "over_exposure"
    status = 422


def cap(on: date) -> Decimal:
    """Return the most one person may have in all on a day."""
    return Decimal(rules.value(CAP, on=on))


def lines(customer_id: int, *, leaving: Application | None = None) -> Decimal:
    """Return the sum of a person's lines: the principal of open loans, and what is held for approvals and offers.

    The cap is on the line, not on the drawn balance (授信额度): an open loan counts with its whole principal.
    """
    loans = Loan.objects.open().filter(customer_id=customer_id).aggregate(sum=Sum("principal"))["sum"] or ZERO
    held = Reservation.objects.filter(customer_id=customer_id, status=Reservation.Status.LIVE)
    if leaving is not None:
        held = held.exclude(application=leaving)
    return loans + (held.aggregate(sum=Sum("amount"))["sum"] or ZERO)


def worst_dpd(customer_id: int) -> int:
    """Return the most days past due over a person's open loans, 0 with none."""
    return max(Loan.objects.open().filter(customer_id=customer_id).values_list("dpd", flat=True), default=0)


def lock(customer_id: int) -> None:
    """Lock the customer's row until the end of the transaction: the first lock of every door that touches lines or money."""
    Customer.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=customer_id)


@transaction.atomic
def reserve(application: Application, *, amount: Decimal, at: datetime) -> Decimal:
    """Hold up to `amount` of the person's cap for `application`; return what was held, 0.00 when there is no room.

    The second of two parallel calls waits for the first, then sums anew: together they never pass the cap.
    """
    lock(application.customer_id)
    room = cap(local_day(application.legal_entity, at)) - lines(application.customer_id, leaving=application)
    granted = max(min(amount, room), ZERO)
    if granted:
        Reservation.objects.update_or_create(
            application=application,
            defaults={
                "customer_id": application.customer_id,
                "amount": granted,
                "status": Reservation.Status.LIVE,
                "reserved_at": at,
                "ended_at": None,
            },
        )
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
