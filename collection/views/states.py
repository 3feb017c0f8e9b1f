"""How a case pauses, goes on, ends and comes back: the acts on its page."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from collection import cases, permissions
from collection.state_forms import CloseForm, PauseForm
from collection.views.work import found, person, return_to
from credit import books
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.idempotency import Once


@needs(permissions.PAUSE)
@require_http_methods(["GET", "POST"])
def pause(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let the work on a case wait until a day, for a named reason."""
    row, at = found(request, public_id), now()
    form = PauseForm(request.POST or None, today=books.value_day(row.legal_entity, at))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=at) as sent:
            if not sent.again:
                cases.pause(row, reason=data["reason"], until=data["until"], actor=person(request), at=at)
                sent.result(reverse("case", args=[row.public_id]))
                messages.success(request, _("The work on the case waits."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return act_page(request, form, row, title=_("Pause case %(case)s") % {"case": row.public_id}, label=_("Pause case"), url="case-pause")


@needs(permissions.PAUSE)
@require_POST
def resume(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let the work go on before the day: the pause of one reason, or all."""
    row = found(request, public_id)
    done = cases.resume(row, reason=request.POST.get("reason") or None, actor=person(request), at=now())
    messages.success(
        request, _("The work on the case waits for another reason.") if done.pause_reason else _("The work on the case goes on.")
    )
    return htmx.go(request, return_to(request, row))


@needs(permissions.CLOSE)
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, public_id: str) -> HttpResponse:
    """Close a case for a named reason; what the reason needs and is not on file is said."""
    row, at = found(request, public_id), now()
    today = books.value_day(row.legal_entity, at)
    form = CloseForm(request.POST or None, first=row.opened_on, today=today, initial={"on": today})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=at) as sent:
            if not sent.again:
                cases.close(row, reason=data["reason"], on=data["on"], actor=person(request), at=at)
                sent.result(reverse("case", args=[row.public_id]))
                messages.success(request, _("The case is closed."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return act_page(request, form, row, title=_("Close case %(case)s") % {"case": row.public_id}, label=_("Close case"), url="case-close")


@needs(permissions.CLOSE)
@require_POST
def reopen(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a matter back that went elsewhere."""
    row = found(request, public_id)
    cases.reopen(row, actor=person(request), at=now())
    messages.success(request, _("The case is open again."))
    return htmx.go(request, reverse("case", args=[row.public_id]))


def act_page(request: HttpRequest, form: Any, row: Any, *, title: str, label: str, url: str) -> HttpResponse:
    context = {"case": row, "act_title": title, "act_label": label, "act_url": reverse(url, args=[row.public_id])}
    return form.page(request, "collections/act.html", context, part="collections/_act.html")  # type: ignore[no-any-return]
