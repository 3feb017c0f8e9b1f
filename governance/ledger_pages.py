"""Pages of the ledger: what was recorded, and the deliveries that did not get through. They stand here because the ledger knows no users."""

from typing import Any

import django_filters
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance.forms import ANY
from governance.models import User
from ledger import deliveries
from ledger.models import Delivery, Entry
from ledger.permissions import MANAGE, VIEW

AREAS = [
    ("credit.", _("Credit")),
    ("customers.", _("Customers")),
    ("collections.", _("Collections")),
    ("risk.", _("Risk")),
    ("governance.", _("Governance")),
    ("ledger.", _("Ledger")),
]


class EntryFilter(django_filters.FilterSet):
    area = django_filters.ChoiceFilter(choices=AREAS, label=_("Area"), empty_label=ANY, method="starts")
    at = django_filters.DateFromToRangeFilter(label=_("When"))

    def starts(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(event__startswith=value)


@needs(VIEW)
def entry_list(request: HttpRequest) -> HttpResponse:
    page = pages.read(request, Entry.objects.all(), sorts={"recorded": "id"}, default_sort="-recorded", filters=EntryFilter)
    names = dict(User.objects.filter(pk__in={entry.actor_id for entry in page.rows}).values_list("pk", "name"))
    for entry in page.rows:
        entry.actor_name = names.get(entry.actor_id, "")
    return htmx.render(request, "ledger/entry_list.html", "ledger/_entry_rows.html", {"page": page})


@needs(VIEW)
def delivery_list(request: HttpRequest) -> HttpResponse:
    parked = Delivery.objects.filter(status=Delivery.Status.PARKED).select_related("entry")
    page = pages.read(request, parked, sorts={"parked": "id"}, default_sort="-parked")
    context = {"page": page, "may_retry": request.user.has_perm(MANAGE)}
    return htmx.render(request, "ledger/delivery_list.html", "ledger/_delivery_rows.html", context)


@needs(MANAGE)
@require_POST
def delivery_retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    deliveries.retry(delivery, actor=request.user, at=now())
    messages.success(request, _("The delivery gets another round of attempts."))
    return redirect("delivery-list")
