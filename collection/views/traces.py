"""Tracing: the list, the request with its looks and finds, trying what was found."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import permissions
from collection import traces as doors
from collection.models import TraceFind, TraceRequest
from collection.trace_forms import AskForm, FindForm
from collection.trace_lists import TRACES
from collection.views import work
from collection.views.forms_once import pressed
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import list_pages, uses
from governance.idempotency import Once
from governance.models import LegalBasis


@needs(permissions.VIEW)
@require_GET
def trace_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, TRACES, at=now()),
        "icon_name": "search",
        "title": TRACES.title,
        "empty_text": _("Nobody is being traced. Tracing is asked for from a case."),
        "views_label": _("Views of the requests"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


@needs(permissions.TRACE)
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask to look for a debtor nobody reaches any more."""
    row = work.found(request, public_id)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                made = doors.ask(row, **data, actor=person(request), at=now())
                sent.result(reverse("trace", args=[made.public_id]))
                messages.success(request, _("You may look now. Every look is kept with your name."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row, "title": _("Trace the debtor"), "label": _("Ask to trace")}
    return form.page(request, "collections/relief_form.html", context)


def found(request: HttpRequest, public_id: str) -> TraceRequest:
    """Return the request of the address, if this person may see it; else 404."""
    row: TraceRequest = TraceRequest.objects.for_list().get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def trace(request: HttpRequest, public_id: str) -> HttpResponse:
    return trace_page(request, found(request, public_id))


def trace_page(
    request: HttpRequest, row: TraceRequest, *, form: FindForm | None = None, opened: tuple[str, str] = ("", "")
) -> HttpResponse:
    user = person(request)
    may = user.has_perm(permissions.TRACE)
    looks = list(row.looks.select_related("actor").order_by("-pk"))
    known = doors.sources()
    for look_row in looks:
        look_row.name = known[look_row.source].name if look_row.source in known else look_row.source  # type: ignore[attr-defined]  # for the template
        look_row.words = seen_words(look_row.seen)  # type: ignore[attr-defined]
    finds = list(row.finds.select_related("found_by", "tried_by", "decided_by").order_by("-pk"))
    for one in finds:
        one.source_name = known[one.source].name if one.source in known else one.source  # type: ignore[attr-defined]
        one.opened = opened[1] if one.public_id == opened[0] else ""  # type: ignore[attr-defined]
    context = {
        "trace": row,
        "basis": LegalBasis.objects.filter(code=row.basis).first(),
        "shown": doors.SHOWN[row.shown],
        "may": may,
        "may_look": may and row.is_open,
        "sources": list(known.values()),
        "looks": looks,
        "finds": finds,
        "form": form or FindForm(),
    }
    bad = form is not None and form.errors
    return htmx.render(request, "collections/trace.html", "collections/trace.html", context, status=422 if bad else 200)


def seen_words(seen: dict[str, int]) -> list[str]:
    """Return what was seen in a look at a source, as people read it; what was not there is left out."""
    n = {kind: seen.get(kind, 0) for kind in ("files", "mobile", "address", "obligors")}
    told = {
        "files": ngettext("%(n)s file of the same person", "%(n)s files of the same person", n["files"]),
        "mobile": ngettext("%(n)s other number", "%(n)s other numbers", n["mobile"]),
        "address": ngettext("%(n)s other address", "%(n)s other addresses", n["address"]),
        "obligors": ngettext("%(n)s person who answers for the debt", "%(n)s people who answer for the debt", n["obligors"]),
    }
    return [told[kind] % {"n": number} for kind, number in n.items() if number]


@needs(permissions.TRACE)
@require_POST
def look(request: HttpRequest, public_id: str) -> HttpResponse:
    """Look at a source."""
    row = found(request, public_id)
    made = doors.look(row, source=request.POST.get("source", ""), actor=person(request), at=now())
    n, beside = made.seen.get("mobile", 0) + made.seen.get("address", 0), made.seen.get("obligors", 0)
    if n:
        said = ngettext("Looked: %(n)s detail was taken over, not verified.", "Looked: %(n)s details were taken over, not verified.", n)
    elif beside:
        said = ngettext(
            "Looked: %(n)s person who answers for the debt may be turned to.",
            "Looked: %(n)s people who answer for the debt may be turned to.",
            beside,
        )
    else:
        said = _("Looked: nothing new.")
    messages.success(request, said % {"n": n or beside} if n or beside else said)
    return htmx.go(request, reverse("trace", args=[row.public_id]))


@needs(permissions.TRACE)
@require_POST
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Enter a way to the debtor that a source told."""
    row, form = found(request, public_id), FindForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                doors.add(row, **data, actor=person(request), at=now())
                sent.result(reverse("trace", args=[row.public_id]))
                messages.success(request, _("It is kept, not verified. Try it through the contact policy."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return trace_page(request, row, form=form)


@needs(permissions.TRACE)
@require_POST
def find(request: HttpRequest, public_id: str, number: str) -> HttpResponse:
    """Try a way that was found, confirm it, or say that it is somebody else's."""
    row = found(request, public_id)
    one = None if "\0" in number else TraceFind.objects.filter(request=row, public_id=number).first()
    if one is None:
        raise Http404
    asked = pressed(request, "try", "right", "wrong")
    if asked == "try":
        return trace_page(request, row, opened=(one.public_id, doors.try_it(one, actor=person(request), at=now())))
    doors.decide(one, right=asked == "right", actor=person(request), at=now())
    messages.success(request, _("It is confirmed: put it into the file.") if asked == "right" else _("It is barred, for every file."))
    return htmx.go(request, reverse("trace", args=[row.public_id]))


@needs(permissions.TRACE)
@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    doors.end(row, actor=person(request), at=now())
    messages.success(request, _("Tracing is ended."))
    return htmx.go(request, reverse("trace", args=[row.public_id]))
