"""What risk shows on homes: the newest decisions to look through, and how they went lately."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance import changes
from risk import list_changes, monitor_pages
from risk.models import Backtest, Decision, LimitProposal, RiskAlert, ScorecardVersion, StrategyVersion

SHOWN = 6
LATELY = 1_000  # a bounded read, however many decisions there are
TONES = {"approve": "good", "refer": "caution", "decline": "bad"}


def latest(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the newest decisions this person may read, each with its first reason."""
    # The words of the reasons lie with the versions, which these few decisions share.
    words = (
        Prefetch("strategy_version", StrategyVersion.objects.only("reasons")),
        Prefetch("scorecard_version", ScorecardVersion.objects.only("content")),
    )
    rows = Decision.objects.visible_to(user).defer("trace").prefetch_related(*words).order_by("-pk")[:SHOWN]
    return [
        {
            "who": decision.public_id,
            "url": reverse("decision", args=[decision.public_id]),
            "why": decision.reason_sentences()[:2],
            "badge_tone": TONES.get(decision.outcome, "neutral"),
            "badge_label": decision.get_outcome_display(),
            "action_label": _("Read"),
        }
        for decision in rows
    ]


def share_of(outcome: str) -> Any:
    """Return the reader of one figure: the share of the newest thousand decisions that ended so."""

    def read(user: Any, at: datetime) -> dict[str, Any]:
        found = Counter(Decision.objects.visible_to(user).order_by("-pk").values_list("outcome", flat=True)[:LATELY])
        total = found.total()
        return {
            "figure": f"{found[outcome] / total * 100:.1f}%" if total else None,
            "url": f"{reverse('decision-list')}?outcome={outcome}",
            "under": ngettext("of the newest %(n)s decision", "of the newest %(n)s decisions", total) % {"n": f"{total:,}"},
        }

    return read


def standing_alerts(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the worst of what left its bounds and nobody has closed."""
    found = RiskAlert.objects.visible_to(user).standing().for_list().order_by("level", "-pk")[:SHOWN]
    return [
        {
            "who": row["about"],
            "url": reverse("risk-alert", args=[row["alert"].public_id]),
            "why": [row["sentence"]],
            "badge_tone": row["tone"],
            "badge_label": row["alert"].get_level_display(),
            "action_label": _("Read"),
        }
        for row in monitor_pages.alert_rows(found)
    ]


def alerts_to_act_on(user: Any, at: datetime) -> dict[str, Any]:
    """Return how many alerts ask to act, of those nobody has closed."""
    found = Counter(RiskAlert.objects.visible_to(user).standing().values_list("level", flat=True)[:LATELY])
    return {
        "figure": f"{found['act']:,}",
        "url": reverse("risk-alert-list") + "?level=act&status=open",
        "under": ngettext("of %(n)s standing", "of %(n)s standing", found.total()) % {"n": f"{found.total():,}"},
        "tone": "bad" if found["act"] else "good",
    }


def backtests(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the newest backtests, those that run first."""
    rows = Backtest.objects.visible_to(user).for_list().order_by("-pk")[:SHOWN]
    return [
        {
            "who": row.public_id,
            "url": reverse("backtest", args=[row.public_id]),
            "why": [row.name, ngettext("%(n)s application", "%(n)s applications", row.total) % {"n": f"{row.total:,}"}],
            "badge_tone": Backtest.TONES.get(row.status, "neutral"),
            "badge_label": row.get_status_display(),
            "action_label": _("Read"),
        }
        for row in rows
    ]


def waiting_lists(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return what this person may confirm as the second one who answers for the lists, the oldest first."""
    found = changes.waiting_for(user).filter(kind__in=list_changes.KINDS).order_by("pk")[:SHOWN]
    return [
        {
            "who": changes.KINDS[one.kind].name(one.subject, one.after),
            "url": reverse("change", args=[one.public_id]),
            "why": [str(changes.KINDS[one.kind].label), one.reason],
            "deadline": one.due_at,
            "since": one.made_at,
            "action_label": _("Decide"),
        }
        for one in found
    ]


def open_proposals(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the newest limits that wait for a decision."""
    found = LimitProposal.objects.visible_to(user).for_list().filter(status=LimitProposal.Status.OPEN).order_by("-pk")[:SHOWN]
    return [
        {
            "who": proposal.public_id,
            "url": reverse("limit-proposal", args=[proposal.public_id]),
            "why": [_("Likely to fall behind: %(share)s") % {"share": f"{proposal.score.pd * 100:.1f}%"}],
            "amount": proposal.limit_proposed,
            "badge_tone": LimitProposal.TONES[proposal.direction],
            "badge_label": proposal.get_direction_display(),
            "action_label": _("Decide"),
        }
        for proposal in found
    ]
