"""Home pages: the relief plans and settlements that wait for a second person."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.models import Hardship, ReliefPlan, Settlement
from crm.lib import home

MOST = 6


def to_approve(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what others proposed in the cases `user` sees, the oldest first."""
    seen = Hardship.objects.visible_to(user).values("pk")
    plans = ReliefPlan.objects.filter(status=ReliefPlan.Status.PROPOSED, hardship__in=seen).exclude(proposed_by=user.pk)
    offers = Settlement.objects.visible_to(user).filter(status=Settlement.Status.PROPOSED).exclude(offered_by=user.pk)
    rows = [
        (
            plan.proposed_at,
            {
                "who": f"{plan.public_id} {plan.hardship.case.customer.masked_name}",
                "url": reverse("relief-plan", args=[plan.public_id]),
                "why": [plan.get_kind_display(), str(plan.proposed_by)],
                "amount": plan.given_up or None,
            },
        )
        for plan in plans.select_related("hardship__case__customer", "proposed_by").order_by("proposed_at")[:MOST]
    ] + [
        (
            offer.offered_at,
            {
                "who": f"{offer.public_id} {offer.case.customer.masked_name}",
                "url": reverse("settlement", args=[offer.public_id]),
                "why": [_("Settlement"), str(offer.offered_by)],
                "amount": offer.to_forgive or None,
            },
        )
        for offer in offers.for_list().order_by("offered_at")[:MOST]
    ]
    return [row for _moment, row in sorted(rows, key=lambda each: each[0])[:MOST]]


home.queue(
    "collections.relief_to_approve",
    title=_("Relief and settlements that wait for a second person"),
    permission=permissions.APPROVE_RELIEF,
    read=to_approve,
    empty=_("No plan and no settlement waits for you."),
    order=16,
    roles=("collections_supervisor", "risk_manager"),
    url_name="settlement-list",
    only_full=True,
)
