"""Where the supervisor finds their pages, and what of them stands on the home page."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from collection import capacity, capacity_charts, permissions, queues
from collection.models import CapacityDay, ContactFlag, QualityReview
from crm.lib import home, menu, pages

SUPERVISOR, COLLECTOR = ("collections_supervisor",), ("collector",)
for order, label, url_name, permission, icon in (
    (52, _("Assignment rules"), "assignment", permissions.PLAN_TEAM, "users"),
    (54, _("Re-assign cases"), "reassign-new", permissions.PLAN_TEAM, "arrow-right"),
    (56, _("Absences"), "absence-list", permissions.PLAN_TEAM, "calendar"),
    (57, _("Capacity"), "capacity", permissions.PLAN_TEAM, "chart"),
    (58, _("Quality of contacts"), "quality", permissions.VIEW_QUALITY, "review"),
):
    menu.entry(group="collections", order=order, label=label, url_name=url_name, permission=permission, icon=icon, key="")


def plan_of(user: Any) -> CapacityDay | None:
    house = queues.house_of(user)
    return capacity.latest(house) if house else None


def shortage(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the shortage of the coming days with what would close it; nothing where the team covers them."""
    row = plan_of(user)
    found = capacity.proposals(row) if row else []
    if row is None or not found:
        return []
    return [
        {
            "who": capacity_charts.finding(row),
            "url": reverse("capacity"),
            "why": found[:3],
            "badge_tone": "warn",
            "badge_label": gettext("short"),
            "action_label": gettext("Look at the plan"),
        }
    ]


def needed_today(user: Any, at: datetime) -> dict[str, Any]:
    """Return contacts needed today against what the people present make."""
    row = plan_of(user)
    if row is None:
        return {"figure": "", "url": reverse("capacity")}
    day = row.days[0]
    words = {"capacity": day["capacity"], "people": day["people"]}
    return {
        "figure": str(day["needed"]), "url": reverse("capacity"), "tone": "warn" if day["short"] else "",
        "under": gettext("%(capacity)s possible with %(people)s people") % words,
    }  # fmt: skip


def flags(user: Any, at: datetime) -> dict[str, Any]:
    rows = ContactFlag.objects.visible_to(user).filter(outcome=ContactFlag.Result.OPEN)
    label = pages.count_label(rows)
    return {"figure": label, "url": reverse("quality"), "tone": "warn" if label != "0" else ""}


def my_scores(user: Any, at: datetime) -> dict[str, Any]:
    rows = QualityReview.objects.filter(contact__actor=user, status=QualityReview.Status.SCORED)
    return {"figure": pages.count_label(rows), "url": f"{reverse('quality')}?status=scored"}


home.queue(
    "collections.shortage", title=_("Capacity of the coming days"), permission=permissions.PLAN_TEAM, read=shortage,
    empty=_("The team covers the contacts of the coming days."), order=8, roles=SUPERVISOR, url_name="capacity", only_full=True,
)  # fmt: skip
for order, name, title, permission in (
    (10, "board", _("Who is on what"), permissions.ASSIGN),
    (20, "capacity", _("Contacts of the coming days"), permissions.PLAN_TEAM),
    (30, "experiment", _("The experiment that runs"), permissions.VIEW_TREATMENT),
):
    home.panel(f"collections.{name}", title=title, permission=permission, order=order, roles=SUPERVISOR, url_name=f"home-{name}")
home.figure(
    "collections.capacity",
    label=_("Contacts needed today"),
    permission=permissions.PLAN_TEAM,
    read=needed_today,
    order=24,
    roles=SUPERVISOR,
)
home.figure(
    "collections.flags",
    label=_("Flagged contacts to look at"),
    permission=permissions.SCORE_QUALITY,
    read=flags,
    order=26,
    roles=SUPERVISOR,
)
home.figure(
    "collections.scores", label=_("My contacts scored"), permission=permissions.VIEW_QUALITY, read=my_scores, order=26, roles=COLLECTOR
)
