"""My account: name and language, password, second factors, passkeys, recovery codes, where I am signed in."""

from typing import Any

from allauth.account import views as account
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.errors import Stale
from crm.lib.forms import VersionedForm
from crm.lib.permissions import public, signed_in
from governance import factor_forms, factors, oidc, sessions, step_up, users
from governance.asked import Asked
from governance.models import StaffSession

SHOWN = 20  # sessions on the page, newest first


class MineForm(VersionedForm):
    """What a person changes about themselves."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False, help_text=gettext_lazy("Where notices about your account go."))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), required=False, choices=[("", gettext_lazy("As the browser asks")), *settings.LANGUAGES]
    )


@signed_in
def mine(request: Asked) -> HttpResponse:
    """Show my account; change name, e-mail and language."""
    user = request.user
    initial = {"name": user.name, "email": user.email, "language": user.language, "version": user.version}
    form = MineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        changed = {name: data[name] for name in ("name", "email", "language")}
        try:
            with form.refusals():
                users.change(user, actor=user, at=now(), version=data["version"] or 0, **changed)
        except Stale as error:
            form.add_error(None, error.message)
        if not form.errors:
            messages.success(request, _("Your account is changed."))
            return htmx.go(request, reverse("account"))
    rows = StaffSession.objects.filter(user=user).order_by("-id")[:SHOWN]
    context = {
        "factors": factors.of(user),
        "asked": factors.asked_of(user),
        "has_password": user.has_usable_password(),
        "sessions": sessions.shown(rows, here=sessions.current(request)),
        "others": StaffSession.objects.filter(user=user, ended_at__isnull=True).exclude(public_id=sessions.current(request)).exists(),
    }
    return form.page(request, "account/mine.html", context)


@signed_in
@require_POST
def session_end(request: Asked) -> HttpResponse:
    """End one of my sessions, or all but this one."""
    which, here = request.POST.get("session", ""), sessions.current(request)
    if which == "others":
        sessions.revoke_all(request.user, actor=request.user, at=now(), but=here)
        messages.success(request, _("All other sessions are ended."))
    else:
        row = get_object_or_404(StaffSession.objects.select_related("user"), user=request.user, public_id=which)
        if row.public_id == here:
            return redirect("account")
        sessions.revoke(row, actor=request.user, at=now())
        messages.success(request, _("The session is ended."))
    return htmx.go(request, reverse("account"))


# --- the way in ----------------------------------------------------------------------------------------------------
class LoginView(account.LoginView):
    """Name and password; a passkey or single sign-on beside them."""

    def get_context_data(self, **kwargs: Any) -> Any:
        return super().get_context_data(**kwargs) | {"single_sign_on": oidc.name()}


login = public("the way in")(LoginView.as_view())
second_factor = public("the second step of the way in; holds only between password and code")(factor.authenticate)
passkey_login = public("the way in by a passkey")(webauthn.login_webauthn)
logout = signed_in(account.logout)


# --- who one is, once more -----------------------------------------------------------------------------------------
@signed_in
@never_cache
def confirm(request: Asked) -> HttpResponse:
    """Ask who one is before a page that needs a fresh sign-in, then lead there."""
    form = factor_forms.ConfirmForm(request, request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return resume_request(request) or redirect(_next(request))
    status = 422 if form.is_bound else 200
    context = step_up.context_of(request, form) | {"carried": [("next", _next(request))], "url": reverse("account_reauthenticate")}
    return htmx.render(request, "account/confirm.html", "account/_confirm.html", context, status=status)


def _next(request: HttpRequest) -> str:
    wish = request.POST.get("next") or request.GET.get("next") or ""
    return wish if url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure()) else reverse("account")


# --- password ------------------------------------------------------------------------------------------------------
class PasswordView(account.PasswordChangeView):
    """A new password ends every other session; this one goes on under a new key."""

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        user: Any = self.request.user
        users.password_changed(user, at=now())
        sessions.moved(self.request)
        sessions.revoke_all(user, actor=user, at=now(), but=sessions.current(self.request))
        return response  # type: ignore[no-any-return]


class _FirstPassword(account.PasswordSetView):
    """Somebody who comes by single sign-on may have no password: an administrator's link gives one, not this page."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("account")


password = signed_in(PasswordView.as_view())
first_password = signed_in(_FirstPassword.as_view())


# --- second factors ------------------------------------------------------------------------------------------------
class AddApp(totp.ActivateTOTPView):
    """Set up an authenticator app."""

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        factors.record("added", self.request.user, kind="totp", at=now())  # type: ignore[arg-type]
        return response

    def get_success_url(self) -> str:
        return reverse("mfa_view_recovery_codes") if self.did_generate_recovery_codes else reverse("account")


class RemoveApp(totp.DeactivateTOTPView):
    """Remove the authenticator app."""

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        factors.record("removed", self.request.user, kind="totp", at=now())  # type: ignore[arg-type]
        return response

    def get_success_url(self) -> str:
        return reverse("account")


class AddPasskey(webauthn.AddWebAuthnView):
    """Let the browser make a passkey that also signs in without a password."""

    form_class = factor_forms.PasskeyForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["passkey"] = auth.begin_registration(self.request.user, True)  # type: ignore[arg-type]
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        factors.record("added", self.request.user, kind="passkey", at=now())  # type: ignore[arg-type]
        return response

    def get_success_url(self) -> str:
        return reverse("mfa_view_recovery_codes") if self.did_generate_recovery_codes else reverse("account")


class RemovePasskey(webauthn.RemoveWebAuthnView):
    """Remove one of my passkeys, unless the role asks for a factor and it is the last."""

    success_url = "/account/"

    def form_valid(self, form: Any) -> HttpResponse:
        if not factors.SealedFactors().can_delete_authenticator(self.get_object()):
            messages.error(self.request, str(factors.SealedFactors.error_messages["cannot_delete_authenticator"]))
            return redirect("account")
        response = super().form_valid(form)
        factors.record("removed", self.request.user, kind="passkey", at=now())  # type: ignore[arg-type]
        return response

    def get_success_url(self) -> str:
        return reverse("account")


class NewCodes(codes.GenerateRecoveryCodesView):
    """Make new recovery codes; those before open nothing any more."""

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        factors.record("renewed", self.request.user, kind="recovery_codes", at=now())  # type: ignore[arg-type]
        return response


class Codes(codes.ViewRecoveryCodesView):
    """Show the codes, once."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["file"] = "%0A".join(context["unused_codes"]) if context["can_view_codes"] else ""
        return context


add_app = signed_in(never_cache(AddApp.as_view()))
remove_app = signed_in(RemoveApp.as_view())
add_passkey = signed_in(never_cache(AddPasskey.as_view()))
remove_passkey = signed_in(RemovePasskey.as_view())
new_codes = signed_in(NewCodes.as_view())
view_codes = signed_in(never_cache(Codes.as_view()))
