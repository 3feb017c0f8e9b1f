"""Sign-in through django-allauth: staff are invited, nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance import addresses, lockout, sessions, step_up
from governance.models import StaffSession, User


class Backend(AuthenticationBackend):
    """Finds the person of a session with the role, team and lender that every request asks for: one query instead of three."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("role", "team__legal_entity").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


class ClosedSignup(DefaultAccountAdapter):
    """No public signup; sessions, lock-out and fresh sign-ins are the house's own."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": gettext_lazy("User name or password is not right."),
        "incorrect_password": gettext_lazy("This password is not right."),
        "too_many_login_attempts": gettext_lazy("Too many wrong attempts. Wait 15 minutes, or ask an administrator."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return addresses.client_ip(request)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Send somebody who may not come in this way back to the sign-in page with a sentence."""
        messages.error(request, _("This account cannot sign in here. Ask an administrator."))
        return redirect("account_login")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse before the password is looked at, in the same words for names that do not exist."""
        self._attempt = lockout.attempt(request, credentials.get("username", ""), at=now())
        if self._attempt is None:
            raise ValidationError(lockout.sentence(at=now()), code="too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        if self._attempt:
            self._attempt.rollback()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        lockout.failed(credentials.get("username", ""), at=now())

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        if user.kind != User.Kind.STAFF:
            return self.respond_user_inactive(request, user)  # service accounts come by token only
        return super().pre_login(request, user, **kwargs)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """Begin the session; tell the person of a device their account never met."""
        records = get_authentication_records(request, user)
        for record in records:  # the library notes the user name there; sessions lie in a cache
            record.pop("username", None)
            record.pop("email", None)
        sessions.begin(request, user, method=method_of(records), at=now())
        response = super().post_login(request, user, **kwargs)
        sessions.mark_device(request, response)
        return response

    def logout(self, request: HttpRequest) -> None:
        sessions.finish(request, why=StaffSession.Why.SIGNED_OUT, at=now())

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """One rule for what the library guards and what the house guards."""
        return not step_up.is_fresh(self.request, at=now())

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        return [{"id": "house", "description": _("Confirm that it is you"), "url": reverse("account_reauthenticate")}]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")


def method_of(records: list[dict[str, Any]]) -> str:
    """Return how somebody proved who they are: `password`, `password+totp`, `webauthn`, `sso`."""
    names = []
    for record in records:
        name = record.get("type") or {"socialaccount": "sso"}.get(str(record.get("method")), record.get("method"))
        names.append(str(name))
    return "+".join(names)[-20:]
