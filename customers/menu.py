from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib import home, menu, pages
from customers import permissions, timeline  # noqa: F401  the timeline's own sentences
from customers.models import Customer

menu.entry(group="customers", order=10, label=_("Customers"), url_name="customer-list", permission=permissions.VIEW, icon="customers", key="c")


def mine(user: Any, at: datetime) -> dict[str, Any]:
    rows = Customer.objects.visible_to(user).filter(owner=user)
    return {"figure": pages.count_label(rows), "url": f"{reverse('customer-list')}?mine=yes"}


home.figure("customers.mine", label=_("My customers"), permission=permissions.VIEW, read=mine, order=40, roles=("loan_officer",))
home.action("customers.new", label=_("New customer"), permission=permissions.ADD, url_name="customer-new", order=60)
