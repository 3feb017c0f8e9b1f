"""Sign-in through django-allauth: staff are invited, nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _


class ClosedSignup(DefaultAccountAdapter):
    """No public signup; the language a person chose comes with them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Send somebody who may not come in this way back to the sign-in page with a sentence."""
        messages.error(request, _("This account cannot sign in here. Ask an administrator."))
        return redirect("account_login")

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        if user.kind != user.Kind.STAFF:
            return self.respond_user_inactive(request, user)  # service accounts come by token only
        return super().pre_login(request, user, **kwargs)
