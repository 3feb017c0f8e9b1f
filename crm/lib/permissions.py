"""Closed by default: a page or an action without a named permission is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from crm.lib.registry import Registry

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Permission:
    """A verb on a resource; `scope` is the OAuth scope an API client needs beside it."""

    code: str
    label: Any
    scope: str = ""


ALL: Registry[Permission] = Registry("permission")


def declare(code: str, label: Any, *, scope: str = "") -> str:
    """Add a permission to the table of all permissions and return its code."""
    ALL.register(code, Permission(code, label, scope))
    return code


def outside(hours: tuple[time, time]) -> str:
    """Return the sentence for who comes outside the hours of their role."""
    return _("Your role works from %(opens)s to %(closes)s.") % {"opens": f"{hours[0]:%H:%M}", "closes": f"{hours[1]:%H:%M}"}


def scopes() -> dict[str, str]:
    """Return every OAuth scope with what it opens, for the authorisation server and the API document."""
    found: dict[str, list[str]] = {}
    for permission in ALL.values():
        if permission.scope:
            found.setdefault(permission.scope, []).append(str(permission.label))
    return {scope: "; ".join(labels) for scope, labels in sorted(found.items())}


class Forbidden(PermissionDenied):
    """403 that names the missing permission, for the page that explains it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def needs(code: str) -> Callable[[View], View]:
    """Let a function view run only for a signed-in user with permission `code`; else sign-in or 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return signed_out(request)
            if not request.user.has_perm(code):
                raise Forbidden(code)
            request.user.asked = code  # type: ignore[union-attr]  # rights that were lent open the lender's rows for this permission only
            return view(request, *args, **kwargs)

        guarded.needs = code  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in(view: View) -> View:
    """Let a function view run for any signed-in user: their own home, language, password."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return signed_out(request)
        return view(request, *args, **kwargs)

    guarded.needs = "signed in"  # type: ignore[attr-defined]
    return guarded


def public(why: str) -> Callable[[View], View]:
    """Mark a function view as open without sign-in, for the stated reason."""

    def decorate(view: View) -> View:
        open_view = login_not_required(view)
        open_view.public = why  # type: ignore[attr-defined]
        return open_view

    return decorate


def signed_out(request: HttpRequest) -> HttpResponse:
    """Answer a call without a session: an htmx call gets 401 and the event `sign-in`, a page the sign-in form.

    A form that came too late is told so, and its sender led back to the page it stood on: the form's own address may only
    take what is sent.
    """
    sent = request.method not in ("GET", "HEAD", "OPTIONS")
    if sent:
        messages.warning(request, _("The session had ended, so nothing was saved. Sign in, then send it again."))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Trigger": "sign-in"})
    return redirect_to_login(page_before(request) if sent else request.get_full_path())


def page_before(request: HttpRequest) -> str:
    """Return the address on this site that the browser says it came from, else the home page."""
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(before)
    return parts.path + (f"?{parts.query}" if parts.query else "")
