"""What of classification waits on a person's home page."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.models import ClassBatch, ClassMark
from credit.permissions import APPROVE_CLASS, CLASSIFY_LOAN, DECIDE_CLASS, VIEW_CLASS
from crm.lib import home

ROWS = 6


def waiting(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the batches and overrides whose next step is this person's."""
    wanted = [
        status for status, code in (("made", CLASSIFY_LOAN), ("initial", DECIDE_CLASS), ("decided", APPROVE_CLASS)) if user.has_perm(code)
    ]
    batches = ClassBatch.objects.filter(status__in=wanted).exclude(Q(checked_by=user) | Q(decided_by=user))
    if user.team:
        batches = batches.filter(legal_entity=user.team.legal_entity_id)
    found: list[dict[str, Any]] = [
        {
            "who": _("Classes of %(day)s") % {"day": row.month.isoformat()},
            "url": reverse("class-batch", args=[row.public_id]),
            "why": [str(row.get_status_display())],
            "amount": None,
            "action_label": _("Look at it"),
        }
        for row in batches.order_by("month")[:ROWS]
    ]
    marks = ClassMark.objects.visible_to(user).waiting().filter(status__in=wanted).exclude(Q(made_by=user) | Q(decided_by=user))
    found += [
        {
            "who": row.loan.public_id,
            "url": reverse("class-mark-list"),
            "why": [str(row.get_status_display())],
            "amount": row.loan.principal_outstanding,
            "action_label": _("Look at it"),
        }
        for row in marks.select_related("loan").order_by("made_at", "pk")[: ROWS - len(found)]
    ]
    return found


home.queue(
    "credit.classes", title=gettext_lazy("Classification waits for you"), permission=VIEW_CLASS, read=waiting, order=18,
    roles=("loan_operations", "risk_manager", "compliance"), url_name="class-batch-list",
    empty=gettext_lazy("No class waits for your step."),
)  # fmt: skip
