"""Limitation and legal actions in the sidebar and on the homes of those who run and approve them."""

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from collection import legal_lists, permissions, queues  # noqa: F401  the lists are registered by import
from collection.models import LegalAction, LimitationClock
from crm.lib import home, menu, pages

menu.entry(group="collections", order=46, label=_("Limitation"), url_name="limitation-list", permission=permissions.VIEW, icon="clock")
menu.entry(group="collections", order=47, label=_("Legal actions"), url_name="legal-list", permission=permissions.VIEW, icon="decisions")
SHOWN = 6


def lapsing(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many periods end within ninety days."""
    on = queues.today(user, at)
    rows = LimitationClock.objects.visible_to(user).filter(expires_on__gte=on, expires_on__lte=on + timedelta(days=90))
    label = pages.count_label(rows)
    return {"figure": label, "url": f"{reverse('limitation-list')}?within=90", "tone": "warn" if label != "0" else ""}


def deadlines(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many deadlines of legal actions fall within a week, or are past."""
    on = queues.today(user, at)
    rows = LegalAction.objects.visible_to(user).open().filter(next_on__lte=on + timedelta(days=7))
    late = rows.filter(next_on__lt=on).exists()
    return {"figure": pages.count_label(rows), "url": f"{reverse('legal-list')}?sort=next", "tone": "bad" if late else ""}


def to_decide(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the legal actions that wait for a decision of somebody else than who proposed them."""
    rows = LegalAction.objects.visible_to(user).for_list().filter(status=LegalAction.Status.PROPOSED).exclude(proposed_by=user.pk)
    return [
        {
            "who": f"{row.public_id} {row.case.customer.masked_name}",
            "url": reverse("legal-action", args=[row.public_id]),
            "why": [
                gettext("It would cost more than it brings.") if row.above else gettext("It is expected to bring more than it costs."),
                str(row.get_source_display()),
            ],
            "amount": row.claim,
            "since": row.proposed_at,
            "action_label": gettext_lazy("Decide"),
        }
        for row in rows.order_by("pk")[:SHOWN]
    ]


home.queue(
    "collections.legal", title=_("Legal actions to decide"), permission=permissions.APPROVE_LEGAL, read=to_decide,
    empty=_("No legal action waits for a decision."), order=40, roles=("collections_supervisor", "risk_manager"), url_name="legal-list",
    only_full=True,
)  # fmt: skip
for order, name, label, read in (
    (24, "lapsing", _("Claims that lapse within 90 days"), lapsing),
    (26, "legal_deadlines", _("Deadlines at court, 7 days"), deadlines),
):
    home.figure(
        f"collections.{name}", label=label, permission=permissions.RUN_LEGAL, read=read, order=order, roles=("collections_supervisor",)
    )
