"""What governance asks about a customer's record: whom emergency access is for, and who can see it."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers import permissions
from customers.models import Customer
from governance import glass, reach
from governance.models import User


def find(user: User, public_id: str) -> glass.Record | None:
    """Return the customer of the person's lender with this number."""
    found = Customer.objects.of_entity(user).select_related("owner").filter(public_id=public_id.strip().upper()).first()
    if found is None:
        return None
    seen = Customer.objects.visible_to(user).filter(pk=found.pk).exists()
    return glass.Record(found.pk, found.public_id, reverse("customer", args=[found.public_id]), found.owner, seen)


glass.FINDERS.register("customers", find)
reach.KINDS.register(
    "customer",
    reach.Kind(
        label=_("Customer"), permission=permissions.VIEW, rows=lambda: Customer.objects.select_related("branch"),
        place=lambda row: reach.Place(reach.known(row.owner_id), row.branch, row.pk), url_name="customer",
    ),
)  # fmt: skip
