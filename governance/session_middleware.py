"""Sessions that are over are ended before a view sees them; who owes a second factor sees nothing but its set-up."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext as _

from crm.lib import htmx
from governance import factors, sessions

# What asks by itself whether the session lives does not keep it alive.
QUIET = {"session"}
# What somebody may reach who must set up a second factor first.
SET_UP = {
    "account", "account_logout", "account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes",
    "session", "session-back", "set-language", "set-theme", "healthz",
}  # fmt: skip


class Living:
    """Stands after the authentication and before everything that asks who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not request.user.is_authenticated:
            return None
        at, name = now(), request.resolver_match.url_name if request.resolver_match else ""
        if why := sessions.over(request.session.get(sessions.KEY), at=at):
            sessions.finish(request, why=why, at=at)
            return None  # what follows meets a visitor
        if name not in QUIET:
            sessions.touch(request, at=at)
        if request.session[sessions.KEY]["due"] and name not in SET_UP:
            return self.second_factor_first(request)
        return None

    def second_factor_first(self, request: HttpRequest) -> HttpResponse | None:
        """Lead to the set-up; once it is done, let pass."""
        lives = request.session[sessions.KEY]
        if factors.has_one(request.user):  # type: ignore[arg-type]
            request.session[sessions.KEY] = lives | {"due": False}
            return None
        sentence = _("Your role asks for a second factor. Set one up first; then everything opens.")
        if request.path.startswith("/api/"):
            document = {"type": "about:blank", "title": "Not allowed", "status": 403, "code": "second_factor_due", "detail": sentence}
            return JsonResponse(document, status=403, content_type="application/problem+json")
        if htmx.wants_part(request):
            return htmx.go(request, "/account/")
        messages.warning(request, sentence)
        return redirect("account")
