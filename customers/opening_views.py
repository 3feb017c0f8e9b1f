"""Pages of who saw what: one person's values, everybody's openings, one's own of this month."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from customers import openings, permissions
from customers.reveals import Field
from customers.views import file_of
from governance.asked import Asked
from governance.models import User
from ledger.models import Entry

SHOWN, LATELY = 20, 3
OPENED, REFUSED = "opened", "refused"


class OpeningFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(
        choices=[(OPENED, _("Opened")), (REFUSED, _("Refused"))], label=_("What happened"), empty_label=_("Any"), method="by_kind"
    )
    field = django_filters.ChoiceFilter(choices=Field.choices, label=_("Value"), empty_label=_("Any"), field_name="facts__field")
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label=_("From day"))

    def by_kind(self, queryset: QuerySet[Entry], name: str, value: str) -> QuerySet[Entry]:
        return queryset.filter(event=openings.REFUSED) if value == REFUSED else queryset.exclude(event=openings.REFUSED)


@needs(permissions.VIEW_OPENING)
@require_GET
def opening_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show who opened which value of one person, newest first."""
    found = file_of(request, public_id)
    entries = list(openings.of_customer(found)[: SHOWN + 1])
    context = {"rows": openings.told(entries[:SHOWN]), "more": len(entries) > SHOWN, "shown": SHOWN}
    return htmx.part(request, "customers/_openings.html", context)


@needs(permissions.VIEW_OPENING)
@require_GET
def opening_list(request: Asked) -> HttpResponse:
    """Show every opening and every refused read, newest first; beside it who opened most this month."""
    page = pages.read(request, openings.seen_by(request.user), sorts={"at": "id"}, default_sort="-at", filters=OpeningFilter)
    page.rows = openings.told(page.rows)
    part = htmx.wants_part(request)
    context = {"page": page, "most": [] if part else openings.most(request.user, at=now()), "with_customer": True}
    return htmx.render(request, "customers/openings.html", "customers/_opening_rows.html", context)


@needs(permissions.REVEAL)
@require_GET
def own_openings(request: Asked) -> HttpResponse:
    """Show a person what they themselves opened this month."""
    page = pages.read(request, openings.own(request.user, at=now()), sorts={"at": "id"}, default_sort="-at")
    page.rows = openings.told(page.rows)
    context = {"page": page, "mine": True, "with_customer": True}
    return htmx.render(request, "customers/openings.html", "customers/_opening_rows.html", context)


def own_figure(user: User, at: Any) -> dict[str, Any]:
    """The tile of the home page."""
    return {"figure": pages.count_label(openings.own(user, at=at)), "url": reverse("own-openings")}


def month_figure(user: User, at: Any) -> dict[str, Any]:
    label = pages.count_label(openings.seen_by(user).filter(at__gte=openings.month_of(at)))
    return {"figure": label, "url": reverse("opening-list")}


def refused_lately(user: User, at: Any) -> list[dict[str, Any]]:
    """The newest reads that were refused, for who looks after the law."""
    entries = list(openings.seen_by(user).filter(event=openings.REFUSED).order_by("-pk")[:LATELY])
    return [
        {
            "who": f"{row.who} · {row.customer.public_id if row.customer else ''}",
            "url": f"{reverse('opening-list')}?kind={REFUSED}",
            "why": [str(row.what), _("for the purpose: %(purpose)s") % {"purpose": row.purpose}],
            "since": row.entry.at,
            "badge_tone": "bad",
            "badge_label": _("Refused"),
            "action_label": _("Open list"),
        }
        for row in openings.told(entries)
    ]
