"""Sensitive acts ask once more who one is, when the sign-in is no longer fresh. Declared where the door is: `@steps_up`.

What was typed is sent back with the question and comes again with the answer; it is kept nowhere in between. API clients are exempt:
their token is an hour old at most, and nobody sits before them. A person's own session is not, on any path.
"""

import json
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

from crm.lib import htmx
from crm.lib.permissions import View
from governance import sign_in_policy

MARK = "step_asked"  # the question was answered in this request
OURS = {MARK, "step_password", "step_code", "step_passkey", "csrfmiddlewaretoken"}
SWAPS = {"innerHTML", "outerHTML", "beforeend", "afterend", "none"}


def is_fresh(request: HttpRequest, *, at: datetime) -> bool:
    """Return whether the person proved who they are within the minutes of the rule `sign_in.step_up_minutes`."""
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    if not records:
        return False
    minutes = int(sign_in_policy.value("sign_in.step_up_minutes", on=at.date()))
    return at.timestamp() - max(float(record.get("at", 0)) for record in records) < minutes * 60


def steps_up(view: View) -> View:
    """Let what a function view is sent happen only after a fresh sign-in; reading goes on as it is. Stands below `needs`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in ("GET", "HEAD", "OPTIONS") or is_fresh(request, at=now()):
            return view(request, *args, **kwargs)
        from governance.factor_forms import ConfirmForm  # forms of the library ask for this module while they load

        user: Any = request.user
        form = ConfirmForm(request, user, request.POST if MARK in request.POST else None)
        if not form.is_bound or not form.is_valid():
            return ask(request, form)
        response = view(request, *args, **kwargs)
        if htmx.wants_part(request) and response.status_code < 300 and request.headers.get("HX-Target") != "dialog":
            response.headers.setdefault("HX-Trigger-After-Settle", json.dumps({"close-dialog": True}))
        return response

    guarded.steps_up = True  # type: ignore[attr-defined]
    return guarded


def ask(request: HttpRequest, form: Any) -> HttpResponse:
    """Put the question, as a page or into the dialog, with everything that was sent."""
    swap = request.headers.get("X-Swap", "")
    context = context_of(request, form) | {
        "carried": [(name, value) for name, values in request.POST.lists() if name not in OURS for value in values],
        "url": request.get_full_path(),
        "target": request.headers.get("HX-Target", ""),
        "swap": swap if swap in SWAPS else "innerHTML",
        "part": htmx.wants_part(request),
    }
    response = htmx.render(request, "account/confirm.html", "account/_confirm.html", context, status=422)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def context_of(request: HttpRequest, form: Any) -> dict[str, Any]:
    """Return what the question shows: the form, what a passkey is asked, the way through single sign-on."""
    from allauth.mfa.webauthn.internal import auth

    context: dict[str, Any] = {"form": form, "mark": MARK, "single_sign_on": bool(settings.OIDC["issuer"])}
    if form.has["passkeys"]:
        context["passkey"] = auth.begin_authentication(form.user)
    return context
