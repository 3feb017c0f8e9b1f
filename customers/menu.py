from datetime import datetime
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib import home, lists, menu, pages
from crm.lib.templatetags.crm import ago
from customers import handover, message_views, opening_views, panels, permissions, profiles, reply_views
from customers.handover_forms import TakeForm
from customers.lists import CUSTOMERS
from customers.models import Activity, Customer, Note
from governance import uses

SHOWN, LOOKED_THROUGH = 6, 60
SHORT = 60  # letters of a task on the home page

menu.entry(group="work", order=5, label=_("Tasks"), url_name="task-list", permission=permissions.ACT, icon="tasks", key="t")
menu.entry(group="customers", order=60, label=_("Hand-overs"), url_name="handover-list", permission=permissions.HAND_OVER, icon="users")
panels.add("activities", title=_("Tasks and activities"), url_name="activity-panel", permission=permissions.VIEW, order=5)
panels.add("relations", title=_("Relations"), url_name="relation-panel", permission=permissions.VIEW, order=50)

menu.entry(group="customers", order=70, label=_("Messages"), url_name="message-list", permission=permissions.VIEW_MESSAGE, icon="message")
menu.entry(group="customers", order=71, label=_("Replies"), url_name="reply-list", permission=permissions.VIEW_MESSAGE, icon="message")
home.figure(
    "customers.replies", label=_("Replies to be read"), permission=permissions.ANSWER_REPLY, read=reply_views.unread, order=21,
    roles=("collector", "collections_supervisor", "service_agent"),
)  # fmt: skip
menu.entry(
    group="admin", order=40, label=_("Message templates"), url_name="template-list", permission=permissions.VIEW_TEMPLATE, icon="notes"
)
panels.add("messages", title=_("Messages"), url_name="customer-messages-panel", permission=permissions.VIEW_MESSAGE, order=55)
home.figure(
    "customers.messages", label=_("Messages that wait for a person"), permission=permissions.MANAGE_MESSAGE, read=message_views.stuck, order=35,
    roles=("loan_operations",),
)  # fmt: skip
home.queue(
    "customers.messages", title=_("Messages that wait for a person"), permission=permissions.MANAGE_MESSAGE, read=message_views.waiting,
    empty=_("No message failed or is parked."), order=45, roles=("collections_supervisor", "loan_operations"), url_name="message-list",
)  # fmt: skip
panels.add("consents", title=_("Consent ledger"), url_name="consent-panel", permission=permissions.VIEW, order=57)
panels.add("openings", title=_("Who saw what"), url_name="opening-panel", permission=permissions.VIEW_OPENING, order=90)
menu.entry(group="governance", order=45, label=_("Who saw what"), url_name="opening-list", permission=permissions.VIEW_OPENING, icon="eye")
home.figure(
    "customers.own_openings", label=_("Values I opened this month"), permission=permissions.REVEAL, read=opening_views.own_figure, order=70,
    roles=("loan_officer", "underwriter", "collector", "collections_supervisor", "service_agent"),
)  # fmt: skip
home.figure(
    "customers.openings", label=_("Openings and refusals this month"), permission=permissions.VIEW_OPENING, read=opening_views.month_figure,
    order=5, roles=("compliance", "auditor"),
)  # fmt: skip
home.queue(
    "customers.refused", title=_("Reads that were refused"), permission=permissions.VIEW_OPENING, read=opening_views.refused_lately,
    empty=_("No read was refused: everybody reads what their purpose allows."), order=60, roles=("compliance", "auditor"), url_name="opening-list",
)  # fmt: skip
panels.add("documents", title=_("Papers"), url_name="document-panel", permission=permissions.VIEW_DOCUMENT, order=60)

menu.entry(
    group="customers", order=10, label=_("Customers"), url_name="customer-list", permission=permissions.VIEW, icon="customers", key="c"
)


def mine(user: Any, at: datetime) -> dict[str, Any]:
    rows = Customer.objects.visible_to(user).filter(owner=user)
    return {"figure": pages.count_label(rows), "url": f"{reverse('customer-list')}?mine=yes"}


def to_do(user: Any, at: datetime) -> list[dict[str, Any]]:
    """What this person has to do next for customers, the overdue first."""
    rows = Activity.objects.visible_to(user).open().filter(assignee=user).for_list().order_by("due_at", "pk")[:SHOWN]
    return [
        {
            "who": f"{row.get_kind_display()} · {row.customer.masked_name} {row.customer.public_id}",
            "url": reverse("customer", args=[row.customer.public_id]),
            "why": [row.text if len(row.text) <= SHORT else f"{row.text[:SHORT]}…"],
            "deadline": row.due_at,
            "since": row.created_at,
            "badge_tone": "warn" if row.is_overdue(at) else "",
            "badge_label": pgettext_lazy("task", "Overdue") if row.is_overdue(at) else "",
            "action_label": _("Open"),
        }
        for row in uses.bind_of(rows, "customer", profiles.READ_FOR, actor=user, at=at)
    ]


def overdue(user: Any, at: datetime) -> dict[str, Any]:
    label = pages.count_label(Activity.objects.visible_to(user).overdue(at).filter(assignee=user))
    return {"figure": label, "url": f"{reverse('task-list')}?when=overdue", "tone": "warn" if label != "0" else ""}


def last_worked_with(user: Any, at: datetime) -> list[dict[str, Any]]:
    """The customers this person last wrote or opened something about."""
    written = Note.objects.filter(author=user).select_related("customer").order_by("-pk")[:LOOKED_THROUGH]
    newest: dict[int, Note] = {}
    for note in written:
        newest.setdefault(note.customer_id, note)
    seen = set(Customer.objects.visible_to(user).filter(pk__in=newest).values_list("pk", flat=True))
    shown = [note for pk, note in newest.items() if pk in seen][:SHOWN]
    return [
        {
            "who": f"{note.customer.masked_name} {note.customer.public_id}",
            "url": reverse("customer", args=[note.customer.public_id]),
            "why": [ago(note.at)],
            "action_label": _("Open"),
        }
        for note in uses.bind_of(shown, "customer", profiles.READ_FOR, actor=user, at=at)
    ]


home.queue(
    "customers.tasks", title=_("My tasks"), permission=permissions.ACT, read=to_do, order=15, url_name="task-list",
    empty=_("Nothing is to do. Plan the next call or visit on a customer's page."),
    roles=("loan_officer", "underwriter", "collections_supervisor", "service_agent"),
)  # fmt: skip
home.figure(
    "customers.overdue",
    label=_("My overdue tasks"),
    permission=permissions.ACT,
    read=overdue,
    order=12,
    roles=("loan_officer", "service_agent"),
)
home.queue(
    "customers.last", title=_("Customers you last worked with"), permission=permissions.NOTE, read=last_worked_with,
    empty=_("Find a customer by the exact number or name; who you write about appears here."), order=40, roles=("service_agent",),
    url_name="customer-list",
)  # fmt: skip
home.figure("customers.mine", label=_("My customers"), permission=permissions.VIEW, read=mine, order=40, roles=("loan_officer",))
home.action("customers.new", label=_("New customer"), permission=permissions.ADD, url_name="customer-new", order=60)
lists.action(
    CUSTOMERS.name, "hand_over", label=_("Hand over"), permission=permissions.HAND_OVER, run=handover.give_row,
    form=lambda user: partial(TakeForm, user=user), icon="users",
)  # fmt: skip
