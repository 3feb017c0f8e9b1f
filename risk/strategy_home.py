"""What strategies put on homes: versions that wait for a second person, trials that wait to be started, drafts under way."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from risk import strategy_life
from risk.models import StrategyVersion, Trial

SHOWN = 6


def waiting(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return versions and trials this person may decide on as the second person."""
    versions = StrategyVersion.objects.for_list().select_related("sent_by").filter(status="testing").order_by("sent_at", "pk")[:50]
    rows = [
        {
            "who": f"{one.strategy.name} v{one.number}", "url": strategy_life.address(one), "why": [one.note] if one.note else [],
            "since": one.sent_at, "badge_tone": "special", "badge_label": _("waits for approval"), "action_label": _("Review"),
        }
        for one in versions if strategy_life.may_decide(one, user)
    ]  # fmt: skip
    for trial in Trial.objects.for_list().filter(status="planned").order_by("pk")[:SHOWN]:
        if not user.is_also(trial.planned_by_id):
            rows.append({
                "who": trial.public_id, "url": reverse("trial", args=[trial.public_id]), "why": [trial.why], "since": trial.planned_at,
                "badge_tone": "special", "badge_label": _("waits to be started"), "action_label": _("Review"),
            })  # fmt: skip
    return rows[:SHOWN]


def drafts(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return this person's drafts, and what of theirs is on its way."""
    rows = StrategyVersion.objects.for_list().filter(status__in=["draft", "testing", "approved", "scheduled"], hands__contains=[user.pk])
    return [
        {
            "who": f"{one.strategy.name} v{one.number}", "url": strategy_life.address(one), "why": [one.note] if one.note else [],
            "since": one.edited_at or one.created_at, "badge_tone": StrategyVersion.TONES[one.status], "badge_label": one.get_status_display(),
            "action_label": _("Open"),
        }
        for one in rows.order_by("-pk")[:SHOWN]
    ]  # fmt: skip
