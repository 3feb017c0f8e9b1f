"""Pages of credit. Each names its permission, so nobody reaches one without having signed in."""

from typing import Any

from django.utils.timezone import now

from customers.models import Customer
from governance import uses
from governance.asked import Asked as Asked


def applicant(application: Any, user: Any) -> Customer:
    """Return the person of an application as pages of its checking, its offer and its quote read them."""
    return uses.reading(application.customer, "underwriting", actor=user, at=now())


def borrower(loan: Any, user: Any) -> Customer:
    """Return the person of a loan as pages of its servicing read them."""
    return uses.reading(loan.customer, "servicing", actor=user, at=now())
