"""What the global search finds among customers."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import search
from crm.lib.search import Hit
from customers import identifiers, index, permissions, profiles
from customers.models import Customer
from governance import probes, uses


def hits(user: Any, rows: list[Customer]) -> list[Hit]:
    """Return customers as the search shows them, read for the purpose their page is read for."""
    uses.bind(rows, profiles.READ_FOR, actor=user, at=now())
    return [hit(row) for row in rows]


def hit(customer: Customer) -> Hit:
    """Return a customer as the search shows them: surname, masked mobile, branch."""
    under = [customer.public_id, customer.masked_mobile, str(customer.branch)]
    return Hit(customer.public_id, customer.masked_name, reverse("customer", args=[customer.public_id]), under)


def find(user: Any, text: str, limit: int) -> list[Hit]:
    beginning = search.id_of(text, "C")
    # nine letters may be an id without its letter, and are a name as well: zhangpeng
    found = Customer.objects.for_list().numbered(user, beginning, limit) or index.find(user, text, limit)
    if not found and identifiers.is_whole(text):
        probes.guessed(user, at=now())
    return hits(user, found)


def recall(user: Any, ids: Sequence[str]) -> list[Hit]:
    return hits(user, list(Customer.objects.visible_to(user).for_list().filter(public_id__in=ids)))


search.provide(
    "customers", title=_("Customers"), permission=permissions.VIEW, find=find, recall=recall, url_name="customer", icon="customer",
    order=10, list_url_name="customer-list",
)  # fmt: skip
