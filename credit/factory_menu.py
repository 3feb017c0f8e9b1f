"""The product factory on home pages: what waits for a review, and the two tools beside it."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.models import Product
from credit.permissions import CHECK_PRODUCT, MANAGE_PRODUCT, RUN_SELF_TEST
from crm.lib import home

ROWS = 6


def to_review(user: Any, at: datetime) -> list[dict[str, Any]]:
    """Return the drafts nobody has reviewed for consumers, the oldest first; one's own are somebody else's."""
    rows = Product.objects.visible_to(user).filter(live=False, drafted_by__isnull=False, released_at__isnull=True, retired_at__isnull=True)
    found = rows.filter(reviewed_at__isnull=True).exclude(drafted_by=user).select_related("drafted_by").order_by("pk")[:ROWS]
    return [
        {
            "who": _("%(product)s, version %(n)s") % {"product": row.name, "n": row.version},
            "url": reverse("product-test", args=[row.public_id]),
            "why": [_("written by %(who)s") % {"who": row.drafted_by}],
            "amount": None,
            "action_label": _("Review for consumers"),
        }
        for row in found
    ]


home.queue(
    "credit.product_review", title=gettext_lazy("Products to review for consumers"), permission=CHECK_PRODUCT, read=to_review,
    empty=gettext_lazy("No version of a product waits for a review."), order=60, roles=("compliance",), url_name="product-list",
)  # fmt: skip
home.action(
    "credit.simulator", label=gettext_lazy("Try another cap"), permission=MANAGE_PRODUCT, url_name="cap-simulator", icon="chart", order=70
)
home.action("credit.self_test", label=gettext_lazy("Self-test"), permission=RUN_SELF_TEST, url_name="self-test", icon="models", order=80)
