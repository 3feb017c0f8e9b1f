"""Placements: the list, one with its fees, placing many after a preview, placing one, taking back."""

from collections import Counter
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import permissions, placement_orders, placements
from collection.agency_forms import AsksForm, PlaceForm, RecallForm
from collection.models import Agency, Placement, PlacementOrder
from collection.placement_lists import PLACEMENTS
from collection.views.work import found as case_found
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import list_pages, uses
from governance.idempotency import Once

FEES = 200


@needs(permissions.VIEW_AGENCY)
@require_GET
def placement_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, PLACEMENTS, at=now()), "icon_name": "partners", "title": PLACEMENTS.title,
        "empty_text": _("Nothing is with an agency. Cases are placed from the page of the agencies."), "views_label": _("Views of the placements"),
    }  # fmt: skip
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


def found(request: HttpRequest, public_id: str) -> Placement:
    """Return the placement of the address, if this person may see it; else 404."""
    row: Placement = Placement.objects.for_list().select_related("case__legal_entity").get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW_AGENCY)
@require_GET
def placement(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    context = {
        "placement": row,
        "fees": list(row.fees.select_related("movement__loan").order_by("-pk")[:FEES]),
        "may_recall": row.status == Placement.Status.PLACED and request.user.has_perm(permissions.PLACE),
    }
    return htmx.render(request, "collections/placement.html", "collections/placement.html", context)


@needs(permissions.PLACE)
@require_http_methods(["GET", "POST"])
def placement_recall(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a case back."""
    row = found(request, public_id)
    form = RecallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                placements.recall(row, reason=data["reason"], actor=person(request), at=now())
                sent.result(reverse("placement", args=[row.public_id]))
                messages.success(request, _("The case is back in the house."))
        if not form.errors:
            return htmx.go(request, sent.location)
    title = _("Take back %(placement)s") % {"placement": row.public_id}
    context = {
        "case": row.case,
        "act_title": title,
        "act_label": _("Take back"),
        "act_url": reverse("placement-recall", args=[row.public_id]),
    }
    return form.page(request, "collections/act.html", context, part="collections/_act.html")


@needs(permissions.PLACE)
@require_http_methods(["GET", "POST"])
def case_place(request: HttpRequest, public_id: str) -> HttpResponse:
    """Place one case with an agency that did not have it before."""
    row, user = case_found(request, public_id), person(request)
    open_to = Agency.objects.visible_to(user).filter(status=Agency.Status.ACTIVE, legal_entity=row.legal_entity_id)
    form = PlaceForm(request.POST or None, open_to=open_to.exclude(placements__case=row).order_by("code"))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                placements.place(row, agency=data["agency"], actor=user, at=now())
                sent.result(reverse("case", args=[row.public_id]))
                messages.success(request, _("The case is with the agency."))
        if not form.errors:
            return htmx.go(request, sent.location)
    title = _("Place case %(case)s with an agency") % {"case": row.public_id}
    context = {"case": row, "act_title": title, "act_label": _("Place case"), "act_url": reverse("case-place", args=[row.public_id])}
    return form.page(request, "collections/act.html", context, part="collections/_act.html")


@needs(permissions.PLACE)
@require_http_methods(["GET", "POST"])
def placement_new(request: HttpRequest) -> HttpResponse:
    """Ask for cases, look at who would go where and why the others stay, then place them."""
    user, at = person(request), now()
    given = request.POST if request.method == "POST" else request.GET if request.GET else None
    form = AsksForm(given, agencies_of=Agency.objects.visible_to(user), initial={"dpd_from": 31})
    context: dict[str, Any] = {}
    if form.is_bound and form.is_valid():
        asks, agency = form.asks(), form.cleaned_data["agency"]
        if request.method == "POST":
            with form.refusals(), Once(user, form.cleaned_data["form_key"], at=at) as sent:
                if not sent.again:
                    made = placement_orders.order(asks, agency=agency, actor=user, at=at)
                    sent.result(reverse("placement-order", args=[made.public_id]))
            if not form.errors:
                return htmx.go(request, sent.location)
        context = shown(placement_orders.preview(user, asks, agency=agency, at=at))
    return form.page(request, "collections/placement_new.html", context)


def shown(plan: placements.Plan) -> dict[str, Any]:
    """Return a plan as the page shows it: shares by agency, and reasons by number."""
    shares: dict[int, dict[str, Any]] = {}
    for case, agency in plan.given:
        row = shares.setdefault(agency.pk, {"agency": agency, "cases": 0, "amount": Decimal("0.00")})
        row["cases"] += 1
        row["amount"] += case.overdue_amount
    reasons = Counter(str(stay.why) for stay in plan.stays.values())
    return {
        "previewed": True, "shares": sorted(shares.values(), key=lambda one: (-one["cases"], one["agency"].code)), "number": len(plan.given),
        "reasons": reasons.most_common(), "staying": len(plan.stays),
    }  # fmt: skip


@needs(permissions.PLACE)
@require_GET
def order(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show how far an order is, and what came of it."""
    rows = PlacementOrder.objects.filter(made_by=person(request)).select_related("job", "agency")
    row = None if "\0" in public_id else rows.filter(public_id=public_id).first()
    if row is None:
        raise Http404
    url = reverse("placement-order", args=[row.public_id])
    if htmx.wants_part(request):
        return htmx.go(request, url) if row.job.is_over else htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": url})
    names = {one.code: one for one in Agency.objects.filter(code__in=(row.result or {}).get("placed", {}))}
    placed = [(names[code], number) for code, number in (row.result or {}).get("placed", {}).items()]
    context = {"order": row, "placed": placed, "poll_url": url, "stayed": sum((row.result or {}).get("stayed", {}).values())}
    return htmx.render(request, "collections/placement_order.html", "collections/placement_order.html", context)
