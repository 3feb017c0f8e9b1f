"""Sign-in through django-allauth: staff are invited, nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignup(DefaultAccountAdapter):
    """No public signup; the language a person chose comes with them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        if user.kind != user.Kind.STAFF:
            return self.respond_user_inactive(request, user)  # service accounts come by token only
        return super().pre_login(request, user, **kwargs)
