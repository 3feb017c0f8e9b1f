"""What of collections keeps a person: a case that is open, and within it a complaint or dispute that is not answered."""

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from collection import holds
from collection.models import Case
from customers import erasures
from customers.models import Customer


def duties(customer: Customer, on: date) -> list[Any]:
    found: list[Any] = []
    if Case.objects.open().filter(customer=customer).exists():
        found.append(_("A case of collections is open."))
    if hold := holds.of([customer.pk]).get(customer.pk):
        found.append(_("Something the customer said is not settled: %(what)s.") % {"what": hold.why})
    return found


erasures.DUTIES.register("collections", duties)
