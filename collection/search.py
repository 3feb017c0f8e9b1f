"""What the global search finds among cases: their public ids."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.models import Case
from crm.lib import search, tones
from crm.lib.search import Hit
from crm.lib.templatetags.crm import spoken
from governance import uses


def hit(row: Case) -> Hit:
    under = [row.customer.masked_name, row.bucket_label, spoken(row.overdue_amount)]
    return Hit(row.public_id, row.public_id, reverse("case", args=[row.public_id]), under, tones.of(row.status), row.get_status_display())


def hits(user: Any, rows: list[Case]) -> list[Hit]:
    """Return cases as the search shows them, their persons read for collections."""
    uses.bind([row.customer for row in rows], "collections", actor=user, at=now())
    return [hit(row) for row in rows]


def find(user: Any, text: str, limit: int) -> list[Hit]:
    beginning = search.id_of(text, "K")
    return hits(user, Case.objects.select_related("customer").numbered(user, beginning, limit))


def recall(user: Any, ids: Sequence[str]) -> list[Hit]:
    return hits(user, list(Case.objects.visible_to(user).select_related("customer").filter(public_id__in=ids)))


search.provide(
    "cases", title=_("Cases"), permission=permissions.VIEW, find=find, recall=recall, url_name="case", icon="case", order=40,
    list_url_name="case-list",
)  # fmt: skip
