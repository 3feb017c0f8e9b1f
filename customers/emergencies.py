"""Which customer emergency access is asked for: said to `governance.glass`."""

from django.urls import reverse

from customers.models import Customer
from governance import glass
from governance.models import User


def find(user: User, public_id: str) -> glass.Record | None:
    """Return the customer of the person's lender with this number."""
    found = Customer.objects.of_entity(user).select_related("owner").filter(public_id=public_id.strip().upper()).first()
    if found is None:
        return None
    seen = Customer.objects.visible_to(user).filter(pk=found.pk).exists()
    return glass.Record(found.pk, found.public_id, reverse("customer", args=[found.public_id]), found.owner, seen)


glass.FINDERS.register("customers", find)
