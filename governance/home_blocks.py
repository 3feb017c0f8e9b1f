"""What governance shows on the homes of administrators and auditors."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.lib import pages
from governance import access_reviews, catalogue, changes, glass, jobs, proof_runs
from governance.models import DataKey, Job, User
from ledger.models import Delivery

DORMANT = timedelta(days=90)
SHOWN = 6


def staff() -> Any:
    return User.objects.filter(kind=User.Kind.STAFF)


def waiting_changes(user: User, at: datetime) -> list[dict[str, Any]]:
    rows = list(changes.waiting_for(user).order_by("made_at")[:SHOWN])
    return [
        {
            "who": f"{changes.KINDS[one.kind].label}: {name}",
            "url": reverse("change", args=[one.public_id]),
            "why": [_("proposed by %(person)s") % {"person": one.made_by}],
            "due": one.due_at,
            "action_label": _("Open change"),
        }
        for one, name in zip(rows, changes.titles(rows), strict=True)
    ]


def glass_to_review(user: User, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "who": row.user.name,
            "url": reverse("glass", args=[row.public_id]),
            "why": [_("opened %(record)s by emergency access") % {"record": row.subject}],
            "deadline": row.review_due_at,
            "since": row.started_at,
            "badge_tone": "bad" if row.review_due_at < at else "warn",
            "badge_label": _("Review is overdue") if row.review_due_at < at else _("To review"),
            "action_label": _("Review"),
        }
        for row in glass.to_review(user)[:SHOWN]
    ]


def access_reviews_waiting(user: User, at: datetime) -> list[dict[str, Any]]:
    rows = access_reviews.waiting_for(user).values("review__public_id", "review__title", "review__due_on")
    today = localdate(at)
    return [
        {
            "who": row["review__title"],
            "url": reverse("access-review", args=[row["review__public_id"]]),
            "why": [ngettext("%(n)s grant waits for you", "%(n)s grants wait for you", row["n"]) % {"n": row["n"]}],
            "badge_tone": "bad" if row["review__due_on"] < today else "info",
            "badge_label": _("Late") if row["review__due_on"] < today else _("due %(day)s") % {"day": row["review__due_on"].isoformat()},
            "action_label": _("Open review"),
        }
        for row in rows.annotate(n=Count("pk")).order_by("review__due_on", "review__public_id")[:SHOWN]
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


def sensitive_columns(user: User, at: datetime) -> dict[str, Any]:
    counts = catalogue.counted(catalogue.entries())
    high = sum(number for level, number in counts.items() if level >= catalogue.OPEN_LEVEL)
    sealed = sum(one.encrypted for one in catalogue.entries())
    return {"figure": str(high), "url": reverse("catalogue"), "under": _("%(sealed)s columns are sealed") % {"sealed": sealed}}


def under_older_keys(user: User, at: datetime) -> dict[str, Any]:
    """Return how many values lie under keys that another version replaced, as of the last count."""
    left = DataKey.objects.filter(status=DataKey.Status.RETIRING).aggregate(left=Sum("in_use"))["left"] or 0
    return {"figure": f"{left:,}", "url": reverse("key-list"), "tone": "caution" if left else ""}


def values_in_clear(user: User, at: datetime) -> dict[str, Any]:
    """Return what the last search of the house found."""
    run = proof_runs.last()
    if run is None:
        return {"figure": "–", "url": reverse("proof"), "under": _("not searched yet"), "tone": "caution"}
    hits = run.result["hits"]
    under = _("of %(values)s looked for on %(day)s") % {
        "values": f"{run.result['values']:,}",
        "day": localdate(run.finished_at).isoformat(),
    }
    return {"figure": f"{hits:,}", "url": reverse("proof"), "under": under, "tone": "bad" if hits else ""}
