"""Pages of credit. Each names its permission, so nobody reaches one without having signed in."""

from django.http import HttpRequest

from governance.models import User


class Asked(HttpRequest):
    """The request of somebody signed in: `needs` lets nobody else through."""

    user: User
