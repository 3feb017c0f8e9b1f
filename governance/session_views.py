"""An administrator's look at somebody's sign-ins: sessions to end, an account closed by wrong attempts to open."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.permissions import needs
from governance import factors, lockout, permissions, sessions
from governance.asked import Asked
from governance.models import StaffSession, User
from governance.step_up import steps_up

SHOWN = 10


def of(person: User) -> dict[str, Any]:
    """Return what the page of a person shows of their sign-ins."""
    if person.kind != User.Kind.STAFF:
        return {"staff": False}
    rows = StaffSession.objects.filter(user=person).order_by("-id")[:SHOWN]
    return {
        "staff": True,
        "sessions": sessions.shown(rows, here=""),
        "closed_until": lockout.closed_until(person.username, at=now()),
        "has_factor": factors.has_one(person),
    }


def _named(public_id: str) -> User:
    return get_object_or_404(User, public_id=public_id, kind=User.Kind.STAFF)


@needs(permissions.MANAGE_USER)
@require_POST
def user_session_end(request: Asked, public_id: str) -> HttpResponse:
    """End one session of somebody, or all of them."""
    person, which = _named(public_id), request.POST.get("session", "")
    if which == "all":
        sessions.revoke_all(person, actor=request.user, at=now(), but=sessions.current(request))
    else:
        row = get_object_or_404(StaffSession.objects.select_related("user"), user=person, public_id=which)
        sessions.revoke(row, actor=request.user, at=now())
    messages.success(request, _("The session is ended.") if which != "all" else _("All sessions are ended."))
    return htmx.go(request, reverse("user", args=[person.public_id]))


@needs(permissions.MANAGE_USER)
@require_POST
def user_reopen(request: Asked, public_id: str) -> HttpResponse:
    """Open sign-in before its time."""
    person = _named(public_id)
    if lockout.reopen(person, actor=request.user, at=now()):
        messages.success(request, _("Sign-in is open again."))
    return htmx.go(request, reverse("user", args=[person.public_id]))


@needs(permissions.MANAGE_USER)
@require_POST
@steps_up
def user_factors_clear(request: Asked, public_id: str) -> HttpResponse:
    """Remove the second factors of somebody who lost phone and recovery codes."""
    person = _named(public_id)
    if factors.clear(person, actor=request.user, at=now()):
        sessions.revoke_all(person, actor=request.user, at=now())
        messages.success(request, _("Second factors are removed, and the sessions ended. The person sets up new ones at the next sign-in."))
    return htmx.go(request, reverse("user", args=[person.public_id]))
