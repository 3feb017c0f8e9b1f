"""Pages of a customer's relations: the panel on the file, adding one, opening it for collections, ending it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.permissions import needs
from customers import permissions, profiles, relations
from customers.desk_forms import RelationForm
from customers.forms import RevealForm
from customers.models import Customer, Relation
from customers.views import REVEALED_SECONDS, file_of
from governance import access, idempotency, uses
from governance.asked import Asked
from governance.models.identity import Level
from governance.step_up import steps_up

SHOWN = 50


@needs(permissions.VIEW)
def relation_panel(request: Asked, public_id: str) -> HttpResponse:
    """The live relations from both sides; a customer one may not see stands there without a name."""
    found = file_of(request, public_id)
    own = list(Relation.objects.live().for_list().filter(customer=found).order_by("-pk")[:SHOWN])
    of_others = list(Relation.objects.live().for_list().filter(other=found).order_by("-pk")[:SHOWN])
    seen = set(
        Customer.objects.visible_to(request.user)
        .filter(pk__in={row.other_id for row in own if row.other_id} | {row.customer_id for row in of_others})
        .values_list("pk", flat=True)
    )
    beside = [row.other for row in own if row.other] + [row.customer for row in of_others]
    uses.bind(beside, profiles.READ_FOR, actor=request.user, at=now())
    uses.bind([row for row in own if row.other is None], relations.READ_FOR, actor=request.user, at=now())
    rows = [shown(row, row.other, seen) for row in own]
    reverse_rows = [shown(row, row.customer, seen) for row in of_others]
    return htmx.part(request, "customers/_relations.html", {"customer": found, "rows": rows, "reverse_rows": reverse_rows})


def shown(row: Relation, other: Customer | None, seen: set[int]) -> dict[str, Any]:
    """Return a row of the panel: the relation, its other side as this person may see it."""
    return {"relation": row, "other": other, "open": other is None or other.pk in seen, "key": f"{row.public_id.lower()}-mobile"}


@needs(permissions.RELATE)
def relation_add(request: Asked, public_id: str) -> HttpResponse:
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


def relation_of(request: Asked, public_id: str) -> Relation:
    """Return the relation an address names, if this person may see the customer it belongs to; else 404."""
    found: Relation = Relation.objects.for_list().get_for(request.user, public_id)
    uses.bind([found.customer], profiles.READ_FOR, actor=request.user, at=now())
    uses.bind([found], relations.READ_FOR, actor=request.user, at=now())
    return found


@needs(permissions.RELATE)
@require_POST
def relation_end(request: Asked, public_id: str) -> HttpResponse:
    row = relation_of(request, public_id)
    relations.end(row, actor=request.user, at=now())
    messages.success(request, _("The relation has ended."))
    return htmx.go(request, reverse("customer", args=[row.customer.public_id]))


@needs(permissions.RELATE)
@require_POST
def relation_contact(request: Asked, public_id: str, how: str) -> HttpResponse:
    """Open or close a guarantor for collections."""
    row = relation_of(request, public_id)
    relations.allow_contact(row, allowed=how == "open", actor=request.user, at=now())
    messages.success(request, _("The guarantor may be contacted.") if how == "open" else _("The guarantor may no longer be contacted."))
    return htmx.go(request, reverse("customer", args=[row.customer.public_id]))


LABELS = {"name": _("Name"), "mobile": _("Mobile")}


def value_of(request: Asked, public_id: str, field: str) -> tuple[Relation, dict[str, Any]]:
    """Return a relation and its masked value for `parts/_masked.html`; 404 for a customer, whose values are opened in their file."""
    row = relation_of(request, public_id)
    if field not in LABELS or row.other_id is not None:
        raise Http404
    may = access.may(request.user, f"customers.relation.{field}", Level.REVEAL)
    return row, {
        "field": f"{row.public_id.lower()}-{field}",
        "label": LABELS[field],
        "value": getattr(row, f"masked_{field}"),
        "url": reverse("relation-reveal", args=[row.public_id, field]) if may else "",
    }


@needs(permissions.VIEW)
def relation_masked(request: Asked, public_id: str, field: str) -> HttpResponse:
    """The masked value again, after its minute is over."""
    return htmx.part(request, "customers/_masked.html", {"row": value_of(request, public_id, field)[1]})


@needs(permissions.REVEAL)
@steps_up
def relation_reveal(request: Asked, public_id: str, field: str) -> HttpResponse:
    """Ask for purpose and reason, then show name or number of an outside person for a minute."""
    row, masked = value_of(request, public_id, field)
    form = RevealForm(request.POST or None, column=field, model=Relation)
    context = {"relation": row, "customer": row.customer, "field": field, "key": masked["field"], "label": LABELS[field]}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            value = relations.reveal(row, field=field, purpose=data["purpose"], reason=data["reason"], actor=request.user, at=now())
        if not form.errors:
            back = reverse("relation-masked", args=[row.public_id, field])
            shown_ = {"value": value, "label": LABELS[field], "key": masked["field"], "seconds": REVEALED_SECONDS, "back_url": back}
            if not htmx.wants_part(request):
                return htmx.render(request, "customers/revealed.html", "customers/revealed.html", context | {"shown": shown_})
            return htmx.after(htmx.part(request, "parts/_reveal.html", shown_), close_dialog=True)
    response = form.page(request, "customers/relation_reveal.html", context, part="customers/_relation_reveal.html")
    if form.is_bound:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#dialog", "innerHTML"
    return response
