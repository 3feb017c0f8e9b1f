from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib import home, menu, pages
from crm.lib.templatetags.crm import ago
from customers import permissions, search, sentences  # noqa: F401  the search, and what the timeline says
from customers.models import Customer, Note

SHOWN, LOOKED_THROUGH = 6, 60

menu.entry(group="customers", order=10, label=_("Customers"), url_name="customer-list", permission=permissions.VIEW, icon="customers", key="c")


def mine(user: Any, at: datetime) -> dict[str, Any]:
    rows = Customer.objects.visible_to(user).filter(owner=user)
    return {"figure": pages.count_label(rows), "url": f"{reverse('customer-list')}?mine=yes"}


def last_worked_with(user: Any, at: datetime) -> list[dict[str, Any]]:
    """The customers this person last wrote or opened something about."""
    written = Note.objects.filter(author=user).select_related("customer").order_by("-pk")[:LOOKED_THROUGH]
    newest: dict[int, Note] = {}
    for note in written:
        newest.setdefault(note.customer_id, note)
    seen = set(Customer.objects.visible_to(user).filter(pk__in=newest).values_list("pk", flat=True))
    return [
        {
            "who": f"{note.customer.masked_name} {note.customer.public_id}",
            "url": reverse("customer", args=[note.customer.public_id]),
            "why": [ago(note.at)],
            "action_label": _("Open"),
        }
        for pk, note in newest.items()
        if pk in seen
    ][:SHOWN]


home.queue(
    "customers.last", title=_("Customers you last worked with"), permission=permissions.NOTE, read=last_worked_with,
    empty=_("Find a customer by the exact number or name; who you write about appears here."), order=40, roles=("service_agent",),
    url_name="customer-list",
)  # fmt: skip
home.figure("customers.mine", label=_("My customers"), permission=permissions.VIEW, read=mine, order=40, roles=("loan_officer",))
home.action("customers.new", label=_("New customer"), permission=permissions.ADD, url_name="customer-new", order=60)
