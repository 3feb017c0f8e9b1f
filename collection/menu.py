from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from collection import lists, permissions, queues, search, timeline  # noqa: F401  the timeline's sentences, the search
from collection.models import Case, Contact
from crm.lib import home, menu, pages
from crm.lib.templatetags.crm import tile_money
from customers import panels

COLLECTORS = ("collector", "collections_supervisor")

menu.entry(group="collections", order=10, label=_("Desk"), url_name="desk", permission=permissions.CLAIM, icon="desk", key="d")
menu.entry(group="collections", order=20, label=_("Cases"), url_name="case-list", permission=permissions.VIEW, icon="cases")
panels.add("cases", title=_("Cases"), url_name="case-panel", permission=permissions.VIEW, order=40)


def next_cases(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the next cases for the home page's queue."""
    return [
        {
            "who": f"{item.case.public_id} {item.case.customer.masked_name}",
            "url": reverse("case", args=[item.case.public_id]),
            "why": item.reasons,
            "amount": item.case.overdue_amount,
            "action_label": _("Take this case"),
            "form_url": reverse("case-claim", args=[item.case.public_id]),
        }
        for item in queues.upcoming(user, at=at)
    ]


def waiting(user: Any, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(queues.waiting(user, at=at)), "url": reverse("desk")}


def open_cases(user: Any, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(Case.objects.open().visible_to(user)), "url": reverse("case-list")}


def overdue(user: Any, at: datetime) -> dict[str, Any]:
    amount = Case.objects.open().visible_to(user).aggregate(sum=Sum("overdue_amount"))["sum"]
    return {"figure": tile_money(amount or 0), "url": f"{reverse('case-list')}?sort=-amount"}


def mine(user: Any, at: datetime) -> dict[str, Any]:
    rows = Case.objects.open().visible_to(user).filter(assigned_to=user)
    return {"figure": pages.count_label(rows), "url": f"{reverse('case-list')}?whose=mine"}


def contacts_today(user: Any, at: datetime) -> dict[str, Any]:
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Contact.objects.filter(actor=user, at__gte=midnight)
    return {"figure": pages.count_label(rows), "url": f"{reverse('case-list')}?sort=-contact"}


home.queue(
    "collections.next",
    title=_("Next cases"),
    permission=permissions.CLAIM,
    read=next_cases,
    empty=_("Nothing waits for you now. Cases come here when a loan is overdue."),
    order=10,
    roles=COLLECTORS,
    url_name="desk",
)
home.figure("collections.waiting", label=_("In the queue"), permission=permissions.CLAIM, read=waiting, order=10, roles=COLLECTORS)
home.figure("collections.open", label=_("Open cases"), permission=permissions.VIEW, read=open_cases, order=20, roles=COLLECTORS)
home.figure("collections.overdue", label=_("Overdue"), permission=permissions.VIEW, read=overdue, order=30, roles=COLLECTORS)
home.figure("collections.mine", label=_("Assigned to me"), permission=permissions.CLAIM, read=mine, order=40, roles=("collector",))
home.figure(
    "collections.contacts", label=_("Contacts today"), permission=permissions.CONTACT, read=contacts_today, order=50, roles=("collector",)
)
