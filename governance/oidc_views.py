"""To the provider of single sign-on and back."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from authlib.integrations.base_client import OAuthError
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from requests import RequestException

from crm.lib.permissions import public
from governance import oidc

NEXT = "oidc_next"


@public("the way in by single sign-on")
@never_cache
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the person to the provider; one who is signed in already is asked there again."""
    if not oidc.is_on():
        raise Http404
    wish = request.GET.get("next", "")
    request.session[NEXT] = wish if url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure()) else ""
    more: dict[str, Any] = {"prompt": "login", "max_age": "0"} if request.user.is_authenticated else {}
    try:
        return oidc.client().authorize_redirect(request, request.build_absolute_uri(reverse("oidc-back")), **more)  # type: ignore[no-any-return]
    except (RequestException, OAuthError, ValueError, RuntimeError):
        return _refused(request, _("The provider of single sign-on does not answer. Sign in with your password, or try again later."))


@public("the provider of single sign-on sends people back here")
@never_cache
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Take what the provider sent; who it names is signed in, and asked for a second factor as after a password."""
    if not oidc.is_on():
        raise Http404
    provider = oidc.client()
    state = request.GET.get("state", "")
    kept = provider.framework.get_state_data(request.session, state)
    provider.framework.clear_state_data(request.session, state)
    if not kept:
        return _refused(request, _("This sign-in was not begun here, or was used before. Begin again."))
    if request.GET.get("error"):
        return _refused(request, _("The provider did not let you in."))
    try:
        token = provider.fetch_access_token(
            code=request.GET.get("code", ""), redirect_uri=kept["redirect_uri"], code_verifier=kept["code_verifier"]
        )
        claims = oidc.who(provider, token, nonce=kept["nonce"])
        if request.user.is_authenticated:
            oidc.check_fresh(claims, at=now())
        user = oidc.person(claims, at=now())
    except oidc.SignOnRefused as error:
        return _refused(request, str(error.message))
    except OAuthError:
        return _refused(request, _("The provider did not let you in."))
    except (RequestException, ValueError, RuntimeError):
        return _refused(request, _("The provider of single sign-on does not answer. Sign in with your password, or try again later."))
    if request.user.is_authenticated and request.user.pk != user.pk:
        return _refused(request, _("You are signed in as somebody else. Sign out first."))
    record_authentication(request, user, method="socialaccount", provider="oidc")
    return perform_login(request, Login(user=user, redirect_url=request.session.pop(NEXT, "") or None))


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return redirect("account" if request.user.is_authenticated else "account_login")
