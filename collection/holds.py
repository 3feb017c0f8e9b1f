"""For whom reminders wait: who disputes the debt, asked for relief, complained, has died, or whose number is somebody else's.

Policy of this house, as data (`hold` in `collection/data/dispositions.json`): the wait lasts until the person is spoken to again or the
case is over. A death outlasts the case.
"""

from collections.abc import Collection

from django.db.models import Q

from collection import dispositions
from collection.models import Case, Contact, Outcome
from customers import contacts
from customers.contacts import Hold


def of(customer_ids: Collection[int]) -> dict[int, Hold]:
    """Return the hold of each customer who has one, by the last contact that told; one query."""
    holding, ending = dispositions.holding(), dispositions.ending()
    tells = Q(outcome__in=ending) | Q(outcome__in=holding, case__status=Case.Status.OPEN) | Q(outcome=Outcome.DECEASED)
    last = (
        Contact.objects.filter(tells, case__customer__in=customer_ids)
        .order_by("case__customer", "-at", "-pk")
        .distinct("case__customer")
        .values_list("case__customer", "outcome", "at")
    )
    return {customer_id: Hold(Outcome(outcome).label, at) for customer_id, outcome, at in last if outcome in holding}


contacts.HOLDS.register("collections", of)
