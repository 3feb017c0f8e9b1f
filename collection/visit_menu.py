"""Field visits in the sidebar and on the homes of who plans and who makes them."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from collection import permissions, queues, visit_lists  # noqa: F401  the list is registered by import
from collection.models import FieldVisit
from crm.lib import home, menu, pages

menu.entry(group="collections", order=48, label=_("Field visits"), url_name="visit-list", permission=permissions.VIEW, icon="pin")


def mine(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many visits a person is sent on today."""
    rows = FieldVisit.objects.of_pair(user).filter(status__in=["planned", "begun"], on=queues.today(user, at))
    return {"figure": pages.count_label(rows), "url": reverse("visit-route")}


def to_plan(user: Any, at: datetime) -> dict[str, Any]:
    rows = FieldVisit.objects.visible_to(user).filter(status=FieldVisit.Status.WANTED)
    return {"figure": pages.count_label(rows), "url": f"{reverse('visit-list')}?status=wanted"}


home.figure(
    "collections.visits_today", label=_("Visits today"), permission=permissions.MAKE_VISIT, read=mine, order=20, roles=("collector",)
)
home.figure(
    "collections.visits_to_plan", label=_("Visits to plan"), permission=permissions.PLAN_VISIT, read=to_plan, order=28,
    roles=("collections_supervisor",),
)  # fmt: skip
