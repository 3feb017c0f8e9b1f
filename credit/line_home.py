"""What home pages show of revolving lines: those that are frozen though nothing is overdue, oldest first."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.models import CreditLine, Loan
from credit.permissions import FREEZE_LINE
from crm.lib import home
from crm.lib.templatetags.crm import day as shown_day

ROWS = 6


def frozen(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return lines that could be given free again."""
    rows = CreditLine.objects.visible_to(user).filter(frozen_on__isnull=False, loan__status=Loan.Status.OPEN, loan__dpd=0)
    return [
        {
            "who": row.loan.public_id,
            "url": reverse("loan", args=[row.loan.public_id]),
            "why": [_("frozen since %(day)s, nothing is overdue") % {"day": shown_day(row.frozen_on)}],
            "amount": row.loan.undrawn,
            "action_label": _("Look at it"),
        }
        for row in rows.select_related("loan").order_by("frozen_on", "pk")[:ROWS]
    ]


home.queue(
    "credit.frozen_lines", title=gettext_lazy("Frozen lines"), permission=FREEZE_LINE, read=frozen, order=40,
    roles=("loan_operations", "underwriter", "risk_manager"), only_full=True, empty=gettext_lazy("No line is frozen without a reason to be."),
)  # fmt: skip
