"""Home of the supervisor: what agencies wait for, the most pressing first. A queue of at most five lines, shown while something is in it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from collection import agencies, permissions, queues
from collection.models import Agency, AgencyFile, Placement, PlacementOrder
from crm.lib import home
from governance.models import ChangeRequest, Job

SOON = 7  # days in which placements come back by themselves
WAITING_FILES = timedelta(days=7)
MOST = 20  # files that are counted; of more the line says so


def line(who: str, url: str, why: list[str], action: str, tone: str = "", label: str = "") -> dict[str, Any]:
    return {"who": who, "url": url, "why": why, "action_label": action, "badge_tone": tone, "badge_label": label}


def waiting(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return agencies over their room, changes nobody confirmed, orders that failed, recalls due, files nobody fetched."""
    found = full(user) + proposed(user) + failed(user)
    soon = recalls(user, at)
    files = unfetched(user, at)
    return [*found, *([soon] if soon else []), *([files] if files else [])][:6]


def full(user: Any) -> list[dict[str, Any]]:
    """Return agencies with more cases than they may have: their room shrank after the cases were given."""
    rows = Agency.objects.visible_to(user).annotate(running=Count("placements", filter=Q(placements__status=Placement.Status.PLACED)))
    return [
        line(
            str(row), reverse("agency", args=[row.public_id]),
            [gettext("%(running)s cases where it may have %(capacity)s") % {"running": row.running, "capacity": row.capacity}],
            gettext("Look at the agency"), "warn", gettext("over its room"),
        )
        for row in rows.filter(running__gt=F("capacity")).order_by("code")[:2]
    ]  # fmt: skip


def proposed(user: Any) -> list[dict[str, Any]]:
    """Return changes of agencies that a second person has not looked at."""
    rows = ChangeRequest.objects.filter(kind=agencies.KIND, status=ChangeRequest.Status.OPEN).select_related("made_by").order_by("pk")
    return [
        line(
            row.subject, reverse("agency-list"), [gettext("Proposed by %(name)s; a second person confirms it.") % {"name": row.made_by}],
            gettext("Look at the agencies"),
        )
        for row in rows[:2]
    ]  # fmt: skip


def failed(user: Any) -> list[dict[str, Any]]:
    rows = PlacementOrder.objects.filter(made_by=user.pk, job__status=Job.Status.FAILED).order_by("-pk")
    return [
        line(row.public_id, reverse("placement-order", args=[row.public_id]), [gettext("Placing stopped on the way.")], gettext("Look at it"), "bad", gettext("failed"))
        for row in rows[:1]
    ]  # fmt: skip


def recalls(user: Any, at: datetime) -> dict[str, Any] | None:
    """Return how many placements come back by themselves within a week."""
    rows = Placement.objects.visible_to(user).running().filter(back_on__lte=queues.today(user, at) + timedelta(days=SOON))
    told = rows.order_by().aggregate(number=Count("pk"), first=Min("back_on"))
    if not told["number"]:
        return None
    words = ngettext("%(n)s case comes back within 7 days", "%(n)s cases come back within 7 days", told["number"]) % {"n": told["number"]}
    first = gettext("the first on %(day)s") % {"day": told["first"].isoformat()}
    return line(
        words, f"{reverse('placement-list')}?back={SOON}", [first], gettext("Look at the placements"), "caution", gettext("due soon")
    )


def unfetched(user: Any, at: datetime) -> dict[str, Any] | None:
    """Return how many files of the last week nobody handed over yet: made, and not fetched."""
    agencies_seen = Agency.objects.visible_to(user)
    rows = AgencyFile.objects.filter(
        agency__in=agencies_seen, made_at__gt=at - WAITING_FILES, export__downloads=0, export__job__status=Job.Status.DONE
    )
    rows = rows.select_related("agency").order_by("made_at")
    found = list(rows[: MOST + 1])
    if not found:
        return None
    number = f"{MOST}+" if len(found) > MOST else str(len(found))
    words = ngettext("%(n)s file for an agency waits to be fetched", "%(n)s files for agencies wait to be fetched", len(found)) % {
        "n": number
    }
    names = sorted({str(row.agency) for row in found})
    return line(words, reverse("agency", args=[found[0].agency.public_id]), names[:3], gettext("Look at the files"))


home.queue(
    "collections.agencies", title=_("Agencies: what waits"), permission=permissions.PLACE, read=waiting,
    empty=_("Nothing waits with the agencies."), order=18, roles=("collections_supervisor",), url_name="agency-list", only_full=True,
)  # fmt: skip
