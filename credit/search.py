"""What the global search finds among applications and loans: public ids, and the sender's own number of an application."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from credit.models import Application, Loan
from credit.permissions import VIEW_APPLICATION, VIEW_LOAN
from crm.lib import search, tones
from crm.lib.search import Hit
from crm.lib.templatetags.crm import spoken
from governance import uses


def application_hit(row: Application) -> Hit:
    under = [row.customer.masked_name, spoken(row.amount), str(row.branch)]
    return Hit(
        row.public_id, row.public_id, reverse("application", args=[row.public_id]), under, tones.of(row.status), row.get_status_display()
    )


def loan_hit(row: Loan) -> Hit:
    under = [row.customer.masked_name, spoken(row.principal_outstanding), str(row.branch)]
    return Hit(row.public_id, row.public_id, reverse("loan", args=[row.public_id]), under, tones.of(row.status), row.get_status_display())


def read(user: Any, rows: Any, purpose: str) -> list[Any]:
    """Return rows whose persons are read for a purpose."""
    found = list(rows)
    uses.bind([row.customer for row in found], purpose, actor=user, at=now())
    return found


def applications() -> Any:
    return Application.objects.select_related("customer", "branch").defer("stated", "note")


def loans() -> Any:
    return Loan.objects.select_related("customer", "branch")


def find_applications(user: Any, text: str, limit: int) -> list[Hit]:
    rows: Any = []
    if beginning := search.id_of(text, "A"):
        rows = applications().numbered(user, beginning, limit)
    elif user.team_id:  # a sender's number is asked for whole: its index knows no beginnings
        named = applications().visible_to(user).filter(reference=text, legal_entity=user.team.legal_entity_id)
        rows = named.order_by("-pk")[:limit]
    return [application_hit(row) for row in read(user, rows, "underwriting")]


def find_loans(user: Any, text: str, limit: int) -> list[Hit]:
    return [loan_hit(row) for row in read(user, loans().numbered(user, search.id_of(text, "L"), limit), "servicing")]


def recall_applications(user: Any, ids: Sequence[str]) -> list[Hit]:
    return [application_hit(row) for row in read(user, applications().visible_to(user).filter(public_id__in=ids), "underwriting")]


def recall_loans(user: Any, ids: Sequence[str]) -> list[Hit]:
    return [loan_hit(row) for row in read(user, loans().visible_to(user).filter(public_id__in=ids), "servicing")]


search.provide(
    "applications", title=_("Applications"), permission=VIEW_APPLICATION, find=find_applications, recall=recall_applications,
    url_name="application", icon="application", order=20, list_url_name="application-list",
)  # fmt: skip
search.provide(
    "loans", title=_("Loans"), permission=VIEW_LOAN, find=find_loans, recall=recall_loans, url_name="loan", icon="loan", order=30,
    list_url_name="loan-list",
)  # fmt: skip
