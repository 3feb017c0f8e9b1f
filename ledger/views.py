"""Pages of the ledger: what happened, newest first; deliveries that keep failing, with another try."""

from datetime import datetime
from typing import Any

import django_filters
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from ledger import deliveries, permissions
from ledger.models import Delivery, Entry

AREAS = [
    ("customers", _("Customers")),
    ("credit", _("Credit")),
    ("collections", _("Collections")),
    ("risk", _("Risk")),
    ("governance", _("Governance")),
    ("ledger", _("Ledger")),
]


class EntryFilter(django_filters.FilterSet):
    area = django_filters.ChoiceFilter(choices=AREAS, label=_("Area"), empty_label=_("Any"), method="by_area")
    event = django_filters.CharFilter(label=_("Event"), lookup_expr="exact")
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label=_("From day"))

    def by_area(self, queryset: QuerySet[Entry], name: str, value: str) -> QuerySet[Entry]:
        return queryset.filter(event__startswith=f"{value}.")


def names_of(entries: list[Entry]) -> dict[int, str]:
    """Return the names behind the actors' ids; the ledger itself knows nobody's model."""
    return dict(get_user_model().objects.filter(pk__in={e.actor_id for e in entries}).values_list("pk", "name"))


@needs(permissions.VIEW)
def entry_list(request: HttpRequest) -> HttpResponse:
    page = pages.read(request, Entry.objects.all(), sorts={"entry": "id"}, default_sort="-entry", filters=EntryFilter)
    names = names_of(page.rows)
    for entry in page.rows:
        entry.actor_name = names.get(entry.actor_id, "")
    parked = Delivery.objects.filter(status=Delivery.Status.PARKED)
    context = {"page": page, "parked": pages.count_label(parked)}
    return htmx.render(request, "ledger/entry_list.html", "ledger/_entry_rows.html", context)


@needs(permissions.VIEW)
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Deliveries that were tried as often as they may and wait for a person."""
    parked = Delivery.objects.filter(status=Delivery.Status.PARKED).select_related("entry")
    page = pages.read(request, parked, sorts={"delivery": "id"}, default_sort="-delivery")
    return htmx.render(request, "ledger/delivery_list.html", "ledger/_delivery_rows.html", {"page": page})


@needs(permissions.MANAGE)
@require_POST
def delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = get_object_or_404(Delivery, pk=pk)
    deliveries.retry(delivery, actor=request.user, at=now())
    messages.success(request, _("The delivery is tried again."))
    return htmx.go(request, reverse("delivery-list"))


def parked_deliveries(user: Any, at: datetime) -> dict[str, Any]:
    """The figure on the homes of administrators and auditors."""
    label = pages.count_label(Delivery.objects.filter(status=Delivery.Status.PARKED))
    return {"figure": label, "url": reverse("delivery-list"), "tone": "warn" if label != "0" else ""}


def entries_today(user: Any, at: datetime) -> dict[str, Any]:
    rows = Entry.objects.filter(recorded_at__date=at.date())
    return {"figure": pages.count_label(rows), "url": f"{reverse('entry-list')}?since={at:%Y-%m-%d}"}
