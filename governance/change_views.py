"""Pages of changes that need a second person: the inbox, one change with its difference, the answer."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance import changes, permissions
from governance.asked import Asked
from governance.models import ChangeRequest
from governance.role_forms import AnswerForm
from governance.step_up import steps_up

TABS = ("waiting", "mine", "decided")
LABELS = {
    "waiting": pgettext_lazy("changes", "Wait for me"),
    "mine": pgettext_lazy("changes", "Proposed by me"),
    "decided": pgettext_lazy("changes", "Decided"),
}


@needs(permissions.VIEW_CHANGE)
@require_GET
def change_list(request: Asked) -> HttpResponse:
    """List the changes one may answer, made oneself, or that were decided."""
    user = request.user
    tab = request.GET.get("tab", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    seen = changes.inbox(user)
    rows = {
        "waiting": changes.waiting_for(user),
        "mine": seen.filter(made_by=user),
        "decided": seen.exclude(status=ChangeRequest.Status.OPEN),
    }
    page = pages.read(request, rows[tab], sorts={"made": "id"}, default_sort="-made")
    counts = pages.count_labels([rows[name] for name in TABS])
    context = {
        "page": page,
        "items": [(one, changes.KINDS[one.kind].label, name) for one, name in zip(page.rows, changes.titles(page.rows), strict=True)],
        "tabs": [
            {"url": f"?tab={name}", "label": LABELS[name], "count": count, "current": name == tab}
            for name, count in zip(TABS, counts, strict=True)
        ],
    }
    return htmx.render(request, "governance/change_list.html", "governance/_change_rows.html", context)


def named(request: Asked, public_id: str) -> ChangeRequest:
    if "\0" in public_id:
        raise Http404
    return get_object_or_404(changes.inbox(request.user), public_id=public_id)


@needs(permissions.VIEW_CHANGE)
@require_GET
def change(request: Asked, public_id: str) -> HttpResponse:
    """Show what would change, who proposed it and why."""
    return _page(request, named(request, public_id), AnswerForm(auto_id="answer_%s"))


def _page(request: Asked, found: ChangeRequest, form: AnswerForm, **more: Any) -> HttpResponse:
    kind, user = changes.KINDS[found.kind], request.user
    waits = found.status == ChangeRequest.Status.OPEN
    context = {
        "change": found,
        "kind": kind.label,
        "name": changes.titles([found])[0],
        "url": kind.url(found.subject),
        "lines": changes.lines(found),
        "may_answer": waits and changes.may_check(found, user),
        "may_withdraw": waits and found.made_by_id == user.pk,
        "moved": waits and kind.standing(found.subject) != found.before,
        "form": form,
    }
    return form.page(request, "governance/change.html", context | more)


@needs(permissions.VIEW_CHANGE)
@require_POST
@steps_up
def change_answer(request: Asked, public_id: str) -> HttpResponse:
    """Confirm, refuse or withdraw."""
    found, form, user = named(request, public_id), AnswerForm(request.POST, auto_id="answer_%s"), request.user
    if form.is_valid():
        do, answer = form.cleaned_data["do"], form.cleaned_data["answer"]
        with form.refusals():
            if do == "confirm":
                changes.confirm(found, actor=user, at=now(), answer=answer)
                messages.success(request, _("Confirmed: the change is in force."))
            elif do == "refuse":
                changes.refuse(found, actor=user, at=now(), answer=answer)
                messages.success(request, _("Refused. The person who proposed it is told."))
            else:
                changes.withdraw(found, actor=user, at=now())
                messages.success(request, _("Withdrawn: nothing changes."))
        if not form.errors:
            return htmx.go(request, reverse("change", args=[found.public_id]))
    return _page(request, named(request, public_id), form)
