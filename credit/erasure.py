"""What of lending keeps a person: open loans and applications now, and the day the last one ended."""

from datetime import date
from typing import Any

from django.utils.timezone import localdate
from django.utils.translation import ngettext

from credit.models import Application, Loan
from customers import erasures
from customers.models import Customer


def duties(customer: Customer, on: date) -> list[Any]:
    loans = Loan.objects.filter(customer=customer).open().count()
    applications = Application.objects.filter(customer=customer, status__in=Application.OPEN).count()
    found = []
    if loans:
        found.append(ngettext("%(n)s loan is open.", "%(n)s loans are open.", loans) % {"n": loans})
    if applications:
        found.append(ngettext("%(n)s application is open.", "%(n)s applications are open.", applications) % {"n": applications})
    return found


def ended(customer: Customer) -> date | None:
    """Return the day the last loan was settled; an application that came to nothing began no business."""
    last = (
        Loan.objects.filter(customer=customer, settled_at__isnull=False)
        .order_by("-settled_at")
        .values_list("settled_at", flat=True)
        .first()
    )
    return localdate(last) if last else None


erasures.DUTIES.register("credit", duties)
erasures.ENDED.register("credit", ended)
