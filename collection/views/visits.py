"""Field visits: the list, the route of a day, asking, planning, and what is done at the door."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import permissions
from collection import visits as doors
from collection.models import FieldVisit, VisitPhoto
from collection.views import work
from collection.views.forms_once import pressed
from collection.views.work import person
from collection.visit_forms import DayForm, FinishForm, PhotoForm, PlanVisitForm, WantForm
from collection.visit_lists import VISITS
from credit import books
from crm.lib import htmx
from crm.lib.permissions import needs
from customers import contacts
from governance import files, list_pages, uses
from governance.idempotency import Once

Status = FieldVisit.Status
SHOWN = 5


@needs(permissions.VIEW)
@require_GET
def visit_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, VISITS, at=now()),
        "icon_name": "pin",
        "title": VISITS.title,
        "empty_text": _("No visit is wanted or planned. One is asked for from a case."),
        "views_label": _("Views of the visits"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


@needs(permissions.MAKE_VISIT)
@require_GET
def route(request: HttpRequest) -> HttpResponse:
    """Show the visits one is sent on, on a day, in the order of their hours and area."""
    user = person(request)
    today = books.local_day(user.team.legal_entity, now()) if user.team else localdate()
    form = DayForm(request.GET if request.GET.get("on") else None, initial={"on": today})
    on = form.cleaned_data["on"] if form.is_bound and form.is_valid() else today
    rows = list(FieldVisit.objects.of_pair(user).for_list().filter(on=on).exclude(status=Status.CANCELLED).order_by("opens", "area", "pk"))
    uses.bind([row.case.customer for row in rows], "collections", actor=user, at=now())
    for row in rows:
        row.with_whom = row.second if row.first_id == user.pk else row.first  # type: ignore[attr-defined]  # for the template
    return htmx.render(request, "collections/visit_route.html", "collections/visit_route.html", {"rows": rows, "form": form, "on": on})


@needs(permissions.VIEW)
@require_GET
def case_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the visits and traces of a case."""
    row = work.found(request, public_id)
    may = request.user.has_perm(permissions.MAKE_VISIT) and row.is_open and not row.visits.open().exists()
    context = {
        "case": row,
        "visits": list(row.visits.select_related("first", "second").order_by("-pk")[:SHOWN]),
        "may_want": may,
        "traces": list(row.traces.order_by("-pk")[:SHOWN]),
        "may_trace": request.user.has_perm(permissions.TRACE) and row.is_open and not row.traces.open().exists(),
    }
    return htmx.part(request, "collections/_visits.html", context)


@needs(permissions.MAKE_VISIT)
@require_http_methods(["GET", "POST"])
def want(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask for a visit."""
    row = work.found(request, public_id)
    form = WantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = doors.want(row, why=form.cleaned_data["why"], actor=person(request), at=now())
                sent.result(reverse("visit", args=[made.public_id]))
                messages.success(request, _("The visit is asked for. Somebody plans it for two persons and a day."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row, "title": _("Ask for a field visit"), "label": _("Ask for the visit")}
    return form.page(request, "collections/relief_form.html", context)


def found(request: HttpRequest, public_id: str) -> FieldVisit:
    """Return the visit of the address, if this person may see it or is sent on it; else 404."""
    rows = FieldVisit.objects.for_list().select_related("case__customer__legal_entity", "begun_by", "contact")
    row: FieldVisit = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def visit(request: HttpRequest, public_id: str) -> HttpResponse:
    return visit_page(request, found(request, public_id))


def visit_page(request: HttpRequest, row: FieldVisit, *, photo_form: PhotoForm | None = None, opened: str = "") -> HttpResponse:
    user, at = person(request), now()
    makes = user.has_perm(permissions.MAKE_VISIT) and row.sends(user)
    its_day = doors.is_its_day(row, at)
    under_way = row.status == Status.BEGUN
    context: dict[str, Any] = {
        "visit": row,
        "clock": f"{at.astimezone(contacts.zone_of(row.case.customer)):%H:%M}",
        "address": opened,
        "its_day": its_day,
        "may_plan": row.status == Status.WANTED and user.has_perm(permissions.PLAN_VISIT),
        "may_cancel": row.status in (Status.WANTED, Status.PLANNED) and user.has_perm(permissions.PLAN_VISIT),
        "may_begin": row.status == Status.PLANNED and makes and its_day,
        "may_join": under_way and makes and row.begun_by_id != user.pk and row.joined_at is None,
        "may_finish": under_way and makes and row.begun_by_id == user.pk and row.joined_at is not None,
        "waits_for_second": under_way and row.joined_at is None,
        "may_open": makes and its_day and row.status in (Status.PLANNED, Status.BEGUN),
        "may_add": makes and row.status in (Status.BEGUN, Status.DONE),
        "may_see": makes or user.has_perm(permissions.PLAN_VISIT),
        "photos": list(row.photos.select_related("added_by").order_by("pk")),
        "photo_form": photo_form or PhotoForm(),
    }
    bad = photo_form is not None and photo_form.errors
    return htmx.render(request, "collections/visit.html", "collections/visit.html", context, status=422 if bad else 200)


@needs(permissions.PLAN_VISIT)
@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give a visit its day, hours and two persons."""
    row = found(request, public_id)
    form = PlanVisitForm(request.POST or None, visit=row)
    back = reverse("visit", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                doors.plan(row, **data, actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("The visit is planned. The two see it in their route."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row.case, "title": _("Plan the field visit"), "label": _("Plan the visit"), "back": back}
    return form.page(request, "collections/relief_form.html", context)


@needs(permissions.VIEW)
@require_POST
def step(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin, join or cancel a visit."""
    row, user = found(request, public_id), person(request)
    asked = pressed(request, "begin", "join", "cancel")
    if asked == "cancel":
        if not user.has_perm(permissions.PLAN_VISIT):
            raise doors.NotYours(_("Only who plans visits calls one off."))
        doors.cancel(row, actor=user, at=now())
        messages.success(request, _("The visit is cancelled."))
    elif asked == "join":
        doors.join(row, actor=user, at=now())
        messages.success(request, _("You are noted as the second person."))
    else:
        doors.begin(row, actor=user, at=now())
        messages.success(request, _("The visit is under way and counted. The other person joins it now."))
    return htmx.go(request, reverse("visit", args=[row.public_id]))


@needs(permissions.MAKE_VISIT)
@require_POST
def address(request: HttpRequest, public_id: str) -> HttpResponse:
    """Open the address to one of the two on the day; who opened it stands in the ledger."""
    row = found(request, public_id)
    return visit_page(request, row, opened=doors.address_of(row, actor=person(request), at=now()))


@needs(permissions.MAKE_VISIT)
@require_http_methods(["GET", "POST"])
def finish(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write down what came of a visit."""
    row = found(request, public_id)
    today = books.value_day(row.case.legal_entity, now())
    form = FinishForm(request.POST or None, today=today)
    back = reverse("visit", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                doors.finish(row, **data, actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("The visit is written down."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row.case, "title": _("What came of the visit"), "label": _("Write the visit down"), "back": back}
    return form.page(request, "collections/relief_form.html", context)


@needs(permissions.MAKE_VISIT)
@require_POST
def photo(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a photograph of a visit, without what the camera wrote beside it."""
    row = found(request, public_id)
    form = PhotoForm(request.POST, request.FILES)
    back = reverse("visit", args=[row.public_id])
    if form.is_valid():
        content = form.cleaned_data["file"].read(files.LARGEST + 1)
        made = None
        with form.refusals():
            stored = doors.keep_photo(content)
            try:
                with Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
                    if not sent.again:
                        made = doors.add_photo(row, stored=stored, kind=form.cleaned_data["kind"], actor=person(request), at=now())
                        sent.result(back)
                        messages.success(request, _("The photograph is kept, sealed; place, time and device were taken out."))
            finally:
                if made is None:
                    files.discard(stored)
        if not form.errors:
            return htmx.go(request, back)
    return visit_page(request, row, photo_form=form)


@needs(permissions.VIEW)
@require_GET
def photo_file(request: HttpRequest, public_id: str, paper: str) -> HttpResponse:
    """Hand a photograph out as an attachment to the two or to who plans visits; who opened it stands in the ledger."""
    visit_row, user = found(request, public_id), person(request)
    row = VisitPhoto.objects.filter(visit=visit_row, public_id=paper).select_related("visit__case").first() if "\0" not in paper else None
    if row is None or not (visit_row.sends(user) or user.has_perm(permissions.PLAN_VISIT)):
        raise Http404
    content = doors.opened(row, actor=user, at=now())
    name = f"{row.public_id}.{files.EXTENSIONS[row.media_type]}"
    return HttpResponse(
        content, content_type=row.media_type, headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    )
