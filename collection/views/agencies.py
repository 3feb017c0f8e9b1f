"""Agencies: the league, one agency with what it has and earns, its change by two persons, its suspension."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import agencies, agency_charts, agency_league, permissions, placement_orders
from collection.agency_forms import AgencyForm, SuspendForm
from collection.models import Agency, Placement
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import uses
from governance.idempotency import Once
from governance.models import ChangeRequest, LegalEntity

SHOWN, FILES = 20, 5


def found(request: HttpRequest, public_id: str) -> Agency:
    """Return the agency of the address, if it is this person's house's; else 404."""
    row = None if "\0" in public_id else Agency.objects.visible_to(request.user).filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return row


@needs(permissions.VIEW_AGENCY)
@require_GET
def agency_list(request: HttpRequest) -> HttpResponse:
    """Show every agency with what it was given, brought and earned, and how it behaved."""
    rows = agency_league.league(Agency.objects.visible_to(request.user))
    context = {
        "rows": rows, "chart": agency_charts.liquidation(rows, on=localdate()), "may_change": request.user.has_perm(permissions.CHANGE_AGENCY),
        "may_place": request.user.has_perm(permissions.PLACE),
        "waiting": ChangeRequest.objects.filter(kind=agencies.KIND, status=ChangeRequest.Status.OPEN).select_related("made_by").order_by("pk")[:5],
    }  # fmt: skip
    return htmx.render(request, "collections/agency_list.html", "collections/agency_list.html", context)


@needs(permissions.VIEW_AGENCY)
@require_GET
def agency(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one agency: schedule, people, figures, and what was placed with it last."""
    row, user = found(request, public_id), person(request)
    rows = list(Placement.objects.visible_to(user).filter(agency=row).for_list().order_by("-pk")[:SHOWN])
    uses.bind([one.case.customer for one in rows], "collections", actor=user, at=now())
    context = {
        "agency": row, "figures": agency_league.league(Agency.objects.filter(pk=row.pk))[0], "placements": rows,
        "steps": sorted((int(days), share) for days, share in row.fees.items()), "members": row.members.order_by("name"),
        "waiting": agencies.waiting(row.code), "files": row.files.select_related("export", "made_by").order_by("-pk")[:FILES],
        "may_export": user.has_perm(permissions.EXPORT_PLACEMENT), "may_change": user.has_perm(permissions.CHANGE_AGENCY),
        "may_place": user.has_perm(permissions.PLACE), "active": row.status == Agency.Status.ACTIVE,
    }  # fmt: skip
    return htmx.render(request, "collections/agency.html", "collections/agency.html", context)


@needs(permissions.CHANGE_AGENCY)
@require_http_methods(["GET", "POST"])
def agency_new(request: HttpRequest) -> HttpResponse:
    return edit(request, None)


@needs(permissions.CHANGE_AGENCY)
@require_http_methods(["GET", "POST"])
def agency_change(request: HttpRequest, public_id: str) -> HttpResponse:
    return edit(request, found(request, public_id))


def edit(request: HttpRequest, row: Agency | None) -> HttpResponse:
    """Propose an agency, or a change of one; nothing holds until a second person confirms it."""
    user = person(request)
    form = AgencyForm(request.POST or None, agency=row)
    back = reverse("agency", args=[row.public_id]) if row else reverse("agency-list")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                entity = row.legal_entity if row else house_of(request)
                after = agencies.wanted(
                    entity=entity, name_en=data["name_en"], name_zh=data["name_zh"], capacity=data["capacity"], fees=data["fees"],
                    members=list(data["members"]), active=data.get("active", True),
                )  # fmt: skip
                made = agencies.propose(row.code if row else data["code"], after, reason=data["reason"], actor=user, at=now())
                sent.result(back)
                messages.success(request, _("In force.") if made.alone else _("Proposed. A second person confirms it."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context: dict[str, Any] = {"agency": row, "back": back}
    return form.page(request, "collections/agency_form.html", context)


def house_of(request: HttpRequest) -> LegalEntity:
    user = person(request)
    return user.team.legal_entity if user.team else LegalEntity.objects.earliest("pk")


@needs(permissions.PLACE)
@require_http_methods(["GET", "POST"])
def agency_suspend(request: HttpRequest, public_id: str) -> HttpResponse:
    """Suspend an agency; a worker takes its cases back."""
    row = found(request, public_id)
    form = SuspendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                placement_orders.suspend(row, reason=data["reason"], actor=person(request), at=now())
                sent.result(reverse("agency", args=[row.public_id]))
                messages.success(request, _("Suspended. Its cases are being taken back."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"agency": row, "cases": row.placements.filter(status=Placement.Status.PLACED).count()}
    return form.page(request, "collections/agency_suspend.html", context)
