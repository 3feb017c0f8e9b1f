"""The blocks that the case page shows of matters, relief and settlements; a constant number of queries."""

from typing import Any

from django.urls import reverse

from collection import permissions
from collection.models import CareFlag, Case, Complaint, Dispute, Hardship, Placement, Settlement
from collection.models.case import IN_WORK
from governance.models import User

SHOWN = 5
MATTERS: tuple[tuple[Any, str], ...] = ((Dispute, "dispute"), (Complaint, "complaint"))


def read(case: Case, *, user: User) -> dict[str, Any]:
    """Return what the blocks of a case show to `user`."""
    matters: list[Any] = []
    for model, url_name in MATTERS:
        matters += linked(model.objects.filter(case=case).defer("statement", "answer").order_by("-pk")[:SHOWN], url_name)
    matters.sort(key=lambda row: (not row.is_open, -row.opened_at.timestamp()))
    relief = linked(Hardship.objects.filter(case=case).defer("words", "answer").order_by("-pk")[:SHOWN], "hardship")
    relief += linked(Settlement.objects.filter(case=case).order_by("-pk")[:SHOWN], "settlement")
    return {
        "matters": matters,
        "may_open_matter": user.has_perm(permissions.OPEN_MATTER),
        "relief": relief,
        "care": CareFlag.objects.open().filter(customer=case.customer_id).first(),
        "placement": Placement.objects.running().filter(case=case).select_related("agency").first() if case.is_open else None,
        "may_see_agency": user.has_perm(permissions.VIEW_AGENCY),
        "may_place": case.status in IN_WORK and user.has_perm(permissions.PLACE),
        "may_open_relief": user.has_perm(permissions.OPEN_RELIEF),
    }


def linked(rows: Any, url_name: str) -> list[Any]:
    found = list(rows)
    for row in found:
        row.url = reverse(url_name, args=[row.public_id])
    return found
