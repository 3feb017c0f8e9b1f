from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from collection import (  # noqa: F401  registered by import
    agency_home,
    bulk,
    contact_rules,
    figures,
    lists,
    matter_lists,
    permissions,
    placement_lists,
    placement_timeline,
    promise_list,
    queues,
    relief_home,
    relief_lists,
    relief_timeline,
    search,
    timeline,
)
from collection.models import Case, Complaint, Contact, Dispute, Promise
from crm.lib import home, menu, pages
from crm.lib.templatetags.crm import percent, tile_money
from customers import panels
from customers.models import ContactVerdict

COLLECTORS = ("collector", "collections_supervisor")

# Where one works all day stands under "work": a telephone's bottom bar has room for the first four entries only.
for group, order, label, url_name, permission, icon, key in (
    ("work", 2, _("Desk"), "desk", permissions.CLAIM, "desk", "d"),
    ("work", 3, _("Team board"), "team-board", permissions.ASSIGN, "board", ""),
    ("collections", 20, _("Cases"), "case-list", permissions.VIEW, "cases", ""),
    ("collections", 30, _("Promises"), "promise-list", permissions.VIEW, "promises", ""),
    ("collections", 32, _("Disputes"), "dispute-list", permissions.VIEW, "decisions", ""),
    ("collections", 34, _("Complaints"), "complaint-list", permissions.VIEW, "complaints", ""),
    ("collections", 36, _("Requests for relief"), "hardship-list", permissions.VIEW, "notes", ""),
    ("collections", 38, _("Settlements"), "settlement-list", permissions.VIEW, "money", ""),
    ("collections", 40, _("Contact policy"), "contact-policy", permissions.VIEW_POLICY, "phone", ""),
    ("collections", 42, _("Scripts"), "script-list", permissions.VIEW_POLICY, "phone", ""),
    ("collections", 45, _("Treatment"), "treatments", permissions.VIEW_TREATMENT, "strategies", ""),
    ("collections", 47, _("Agencies"), "agency-list", permissions.VIEW_AGENCY, "partners", ""),
    ("collections", 47, _("Scores of cases"), "collection-scores", permissions.VIEW_TREATMENT, "chart", ""),
    ("collections", 50, _("Results of collections"), "collection-results", permissions.VIEW_RESULT, "chart", ""),
):
    menu.entry(group=group, order=order, label=label, url_name=url_name, permission=permission, icon=icon, key=key)
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


def refused_today(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many contacts the policy refused or put off today: a rise is an early sign of pressure."""
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = ContactVerdict.objects.filter(at__gte=midnight).exclude(verdict=ContactVerdict.Kind.ALLOW)
    return {"figure": pages.count_label(rows), "url": reverse("contact-policy")}


def waiting(user: Any, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(queues.waiting(user, at=at)), "url": reverse("desk")}


def open_cases(user: Any, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(Case.objects.open().visible_to(user)), "url": reverse("case-list")}


def overdue(user: Any, at: datetime) -> dict[str, Any]:
    amount = Case.objects.open().visible_to(user).aggregate(sum=Sum("overdue_amount"))["sum"]
    return {"figure": tile_money(amount or 0), "url": f"{reverse('case-list')}?sort=-amount"}


def callbacks(user: Any, at: datetime) -> dict[str, Any]:
    rows = queues.waiting(user, at=at).filter(next_action_on__isnull=False)
    return {"figure": pages.count_label(rows), "url": f"{reverse('case-list')}?why=due"}


def broken(user: Any, at: datetime) -> dict[str, Any]:
    rows = Case.objects.open().visible_to(user).filter(broken_on__isnull=False)
    label = pages.count_label(rows)
    return {"figure": label, "url": f"{reverse('case-list')}?why=broken", "tone": "warn" if label != "0" else ""}


def promises_due(user: Any, at: datetime) -> dict[str, Any]:
    on = queues.today(user, at)
    rows = Promise.objects.running().visible_to(user).filter(parts__due_on=on).distinct()
    return {"figure": pages.count_label(rows), "url": f"{reverse('promise-list')}?due={on.isoformat()}&status=running"}


def contacts_today(user: Any, at: datetime) -> dict[str, Any]:
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Contact.objects.filter(actor=user, at__gte=midnight)
    return {"figure": pages.count_label(rows), "url": f"{reverse('case-list')}?sort=-contact"}


def collected_today(user: Any, at: datetime) -> dict[str, Any]:
    on = queues.today(user, at)
    found = figures.collected(Case.objects.visible_to(user), since=on, until=on, by="day")
    return {"figure": tile_money(found.get(on, Decimal("0.00"))), "url": reverse("collection-results")}


def to_answer(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many disputes and complaints wait for an answer, and whether one is late."""
    on = queues.today(user, at)
    rows = [model.objects.visible_to(user).open() for model in (Dispute, Complaint)]
    late = any(each.filter(due_on__lt=on).exists() for each in rows)
    number = sum(each.count() for each in rows)
    url = reverse("dispute-list" if rows[0].exists() else "complaint-list")
    return {"figure": str(number), "url": url, "tone": "bad" if late else ""}


def kept_rate(user: Any, at: datetime) -> dict[str, Any]:
    on = queues.today(user, at)
    rate = figures.kept_rate(Promise.objects.visible_to(user), since=on - timedelta(days=30), until=on)
    under = gettext("%(amount)s of the amount, 30 days") % {"amount": percent(rate.by_amount)} if rate.by_amount is not None else ""
    return {"figure": percent(rate.by_number), "under": under, "url": f"{reverse('promise-list')}?status=kept"}


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
COLLECTOR, SUPERVISOR = ("collector",), ("collections_supervisor",)
ANSWERERS = ("collections_supervisor", "compliance")
for order, name, label, permission, read, roles in (
    (10, "waiting", _("In the queue"), permissions.CLAIM, waiting, COLLECTOR),
    (12, "callbacks", _("Planned for today"), permissions.CLAIM, callbacks, COLLECTOR),
    (14, "promises_due", _("Promises due today"), permissions.VIEW, promises_due, COLLECTORS),
    (16, "broken", _("Broken promises to follow up"), permissions.VIEW, broken, COLLECTOR),
    (18, "contacts", _("Contacts today"), permissions.CONTACT, contacts_today, COLLECTOR),
    (10, "open", _("Open cases"), permissions.VIEW, open_cases, SUPERVISOR),
    (12, "overdue", _("Overdue"), permissions.VIEW, overdue, SUPERVISOR),
    (16, "kept", _("Kept rate"), permissions.VIEW, kept_rate, SUPERVISOR),
    (20, "refused", _("Contacts refused today"), permissions.VIEW_POLICY, refused_today, SUPERVISOR),
    (22, "to_answer", _("Disputes and complaints to answer"), permissions.DECIDE_MATTER, to_answer, ANSWERERS),
    (18, "collected", _("Collected today"), permissions.VIEW, collected_today, SUPERVISOR),
):
    home.figure(f"collections.{name}", label=label, permission=permission, read=read, order=order, roles=roles)
home.action(
    "collections.board",
    label=_("Team board"),
    permission=permissions.ASSIGN,
    url_name="team-board",
    icon="board",
    key="b",
    order=5,
    roles=SUPERVISOR,
)
home.action(
    "collections.desk",
    label=_("Work the queue"),
    permission=permissions.CLAIM,
    url_name="desk",
    icon="desk",
    key="n",
    order=6,
    roles=COLLECTOR,
)
