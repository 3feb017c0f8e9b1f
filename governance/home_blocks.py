"""What governance shows on the homes of administrators and auditors."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.lib import pages
from governance import changes, jobs
from governance.models import DataKey, Job, User
from ledger.models import Delivery

DORMANT = timedelta(days=90)
SHOWN = 6


def staff() -> Any:
    return User.objects.filter(kind=User.Kind.STAFF)


def waiting_changes(user: User, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "who": f"{changes.KINDS[one.kind].label}: {changes.KINDS[one.kind].name(one.subject, one.after)}",
            "url": reverse("change", args=[one.public_id]),
            "why": [_("proposed by %(person)s") % {"person": one.made_by}],
            "due": one.due_at,
            "action_label": _("Open change"),
        }
        for one in changes.waiting_for(user).order_by("made_at")[:SHOWN]
    ]


def troubled_jobs(user: User, at: datetime) -> list[dict[str, Any]]:
    rows = jobs.visible_to(user).filter(status__in=[Job.Status.FAILED, Job.Status.PARTIAL]).order_by("-pk")[:SHOWN]
    return [
        {
            "who": job.title,
            "url": reverse("job", args=[job.public_id]),
            "why": [_("%(failed)s failed, %(done)s done") % {"failed": job.failed, "done": job.done}],
            "badge_tone": "caution" if job.status == Job.Status.PARTIAL else "bad",
            "badge_label": job.get_status_display(),
            "action_label": _("Open job"),
        }
        for job in rows
    ]


def parked_deliveries(user: User, at: datetime) -> list[dict[str, Any]]:
    rows = Delivery.objects.filter(status=Delivery.Status.PARKED).select_related("entry").order_by("-pk")[:SHOWN]
    return [
        {
            "who": delivery.entry.event,
            "url": reverse("delivery-list"),
            "why": [delivery.error[:120]],
            "badge_tone": "bad",
            "badge_label": _("Parked"),
            "action_label": _("Open list"),
        }
        for delivery in rows
    ]


def unplaced_users(user: User, at: datetime) -> list[dict[str, Any]]:
    rows = staff().filter(Q(role__isnull=True) | Q(team__isnull=True), is_active=True).order_by("pk")[:SHOWN]
    return [
        {
            "who": person.name,
            "url": reverse("user", args=[person.public_id]),
            "why": [_("no role: nothing opens") if person.role_id is None else _("no team: sees no rows of a team")],
            "action_label": _("Open user"),
        }
        for person in rows
    ]


def active_users(user: User, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(staff().filter(is_active=True)), "url": f"{reverse('user-list')}?active=yes"}


def suspended_users(user: User, at: datetime) -> dict[str, Any]:
    return {"figure": pages.count_label(staff().filter(is_active=False)), "url": f"{reverse('user-list')}?active=no"}


def dormant_users(user: User, at: datetime) -> dict[str, Any]:
    before = at - DORMANT
    rows = staff().filter(Q(last_login__lt=before) | Q(last_login__isnull=True, joined_at__lt=before), is_active=True)
    return {"figure": pages.count_label(rows), "url": f"{reverse('user-list')}?sort=login"}


def running_jobs(user: User, at: datetime) -> dict[str, Any]:
    rows = jobs.visible_to(user).filter(status__in=[Job.Status.WAITING, Job.Status.RUNNING])
    return {"figure": pages.count_label(rows), "url": f"{reverse('job-list')}?status=running"}


def failed_jobs(user: User, at: datetime) -> dict[str, Any]:
    rows = jobs.visible_to(user).filter(status__in=[Job.Status.FAILED, Job.Status.PARTIAL])
    label = pages.count_label(rows)
    return {"figure": label, "url": f"{reverse('job-list')}?status=failed", "tone": "warn" if label != "0" else ""}


def under_older_keys(user: User, at: datetime) -> dict[str, Any]:
    """Return how many values lie under keys that another version replaced, as of the last count."""
    left = DataKey.objects.filter(status=DataKey.Status.RETIRING).aggregate(left=Sum("in_use"))["left"] or 0
    return {"figure": f"{left:,}", "url": reverse("key-list"), "tone": "caution" if left else ""}
