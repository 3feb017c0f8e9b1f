"""The request of somebody signed in, as views and API doors behind a permission get it."""

from django.http import HttpRequest
from rest_framework.request import Request

from governance.models import User


class Asked(HttpRequest):
    """`needs` lets nobody else through, so its user is one of ours."""

    user: User


def caller(request: Request) -> User:
    """Return who calls the API; `Needs` has let nobody in without a name."""
    assert isinstance(request.user, User)
    return request.user
