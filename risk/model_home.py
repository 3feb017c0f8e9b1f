"""What the model desk shows on homes: an analyst's own drafts and trainings, what waits for a second or a third person, reviews due."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from risk import model_page
from risk.models import ModelStatus, ScorecardVersion, Training
from risk.permissions import APPROVE_MODEL, VALIDATE_MODEL

SHOWN = 6


def mine(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the trainings of this person that run or broke off, and the drafts that wait, the newest first."""
    running = Training.objects.visible_to(user).filter(started_by=user).exclude(job__status="done").for_list().order_by("-pk")[:SHOWN]
    rows = [
        {"who": one.scorecard.name, "url": reverse("training", args=[one.public_id]), "why": [one.public_id, str(one.get_kind_display())],
         "since": one.created_at, "badge_tone": "bad" if one.job.status == "failed" else "info", "badge_label": one.job.get_status_display(),
         "action_label": _("Look")}
        for one in running
    ]  # fmt: skip
    drafts = ScorecardVersion.objects.visible_to(user).filter(developer=user, status__in=[ModelStatus.DRAFT, ModelStatus.VALIDATED])
    rows += [_row(one) for one in drafts.for_list().order_by("-pk")[:SHOWN]]
    return rows[:SHOWN]


def waiting(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what this person may validate or approve, and whose review was missed, the oldest first."""
    wanted = Q(pk__in=[])
    if user.has_perm(VALIDATE_MODEL):
        wanted |= Q(status=ModelStatus.DRAFT, developer__isnull=False)
        wanted |= Q(status__in=model_page.SERVING, review_due__lt=localdate())
    if user.has_perm(APPROVE_MODEL):
        wanted |= Q(status=ModelStatus.VALIDATED) & ~Q(validator=user)
    rows = ScorecardVersion.objects.visible_to(user).filter(wanted).exclude(developer=user).for_list().order_by("pk")[:SHOWN]
    return [_row(one) for one in rows]


def _row(version: ScorecardVersion) -> dict[str, Any]:
    late = model_page.overdue(version, today=localdate())
    says = _("The annual review is overdue.") if late else model_page.waits_for(version)
    return {
        "who": f"{version.scorecard.name} v{version.number}",
        "url": f"{reverse('scorecard', args=[version.scorecard.public_id])}?version={version.number}",
        "why": [text for text in (str(version.get_kind_display()), says) if text],
        "since": version.validated_at or version.created_at,
        "badge_tone": "bad" if late else version.TONES[version.status],
        "badge_label": version.get_status_display(),
        "action_label": _("Read"),
    }
