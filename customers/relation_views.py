"""Pages of a customer's relations: the panel on the file, adding one, opening it for collections, ending it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.permissions import needs
from customers import permissions, relations
from customers.desk_forms import RelationForm
from customers.models import Customer, Relation
from customers.views import file_of
from governance import idempotency

SHOWN = 50


@needs(permissions.VIEW)
def relation_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """The live relations from both sides; a customer one may not see stands there without a name."""
    found = file_of(request, public_id)
    own = list(Relation.objects.live().for_list().filter(customer=found).order_by("-pk")[:SHOWN])
    of_others = list(Relation.objects.live().for_list().filter(other=found).order_by("-pk")[:SHOWN])
    seen = set(
        Customer.objects.visible_to(request.user)
        .filter(pk__in={row.other_id for row in own if row.other_id} | {row.customer_id for row in of_others})
        .values_list("pk", flat=True)
    )
    rows = [shown(row, row.other, seen) for row in own]
    reverse_rows = [shown(row, row.customer, seen) for row in of_others]
    return htmx.part(request, "customers/_relations.html", {"customer": found, "rows": rows, "reverse_rows": reverse_rows})


def shown(row: Relation, other: Customer | None, seen: set[int]) -> dict[str, Any]:
    """Return a row of the panel: the relation, its other side as this person may see it."""
    return {"relation": row, "other": other, "open": other is None or other.pk in seen}


@needs(permissions.RELATE)
def relation_add(request: HttpRequest, public_id: str) -> HttpResponse:
    found = file_of(request, public_id)
    form = RelationForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        with form.refusals(), idempotency.Once(request.user, data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                relations.add(found, **data, actor=request.user, at=now())
                sent.result(reverse("customer", args=[found.public_id]))
                messages.success(request, _("The relation is recorded."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "customers/relation_add.html", {"customer": found}, part="customers/_relation_add.html")


def relation_of(request: HttpRequest, public_id: str) -> Relation:
    """Return the relation an address names, if this person may see the customer it belongs to; else 404."""
    found: Relation = Relation.objects.for_list().get_for(request.user, public_id)
    return found


@needs(permissions.RELATE)
@require_POST
def relation_end(request: HttpRequest, public_id: str) -> HttpResponse:
    row = relation_of(request, public_id)
    relations.end(row, actor=request.user, at=now())
    messages.success(request, _("The relation has ended."))
    return htmx.go(request, reverse("customer", args=[row.customer.public_id]))


@needs(permissions.RELATE)
@require_POST
def relation_contact(request: HttpRequest, public_id: str, how: str) -> HttpResponse:
    """Open or close a guarantor for collections."""
    row = relation_of(request, public_id)
    relations.allow_contact(row, allowed=how == "open", actor=request.user, at=now())
    messages.success(request, _("The guarantor may be contacted.") if how == "open" else _("The guarantor may no longer be contacted."))
    return htmx.go(request, reverse("customer", args=[row.customer.public_id]))
