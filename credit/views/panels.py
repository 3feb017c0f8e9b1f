"""Panels of credit on a customer's page; each asks for its own permission."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from credit.lists import with_next_due
from credit.models import Application, Loan
from credit.permissions import RECORD_REPAYMENT, VIEW_APPLICATION, VIEW_LOAN
from credit.views import Asked
from credit.words import Reasons
from crm.lib import htmx
from crm.lib.permissions import needs
from customers.models import Customer

SHOWN = 10
TOLD = ("referred", "declined")  # where the reason explains what one sees


@needs(VIEW_APPLICATION)
@require_GET
def application_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show a customer's applications, newest first."""
    customer = Customer.objects.get_for(request.user, public_id)
    rows = list(Application.objects.visible_to(request.user).filter(customer=customer).for_list(reasons=True).order_by("-pk")[: SHOWN + 1])
    reasons = Reasons(rows[:SHOWN])
    context = {
        "customer": customer,
        "items": [{"application": row, "why": reasons.sentences(row)[:1] if row.status in TOLD else []} for row in rows[:SHOWN]],
        "more": len(rows) > SHOWN,
        "may_add": customer.erased_at is None and request.user.has_perm("credit.add_application"),
    }
    return htmx.part(request, "credit/_application_panel.html", context)


@needs(VIEW_LOAN)
@require_GET
def loan_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show a customer's loans, the open and late ones first."""
    customer = Customer.objects.get_for(request.user, public_id)
    rows = with_next_due(Loan.objects.visible_to(request.user).filter(customer=customer).for_list())
    found = list(rows.order_by("status", "-dpd", "-pk")[: SHOWN + 1])
    several = sum(loan.status == Loan.Status.OPEN for loan in found) > 1
    context = {
        "customer": customer,
        "loans": found[:SHOWN],
        "more": len(found) > SHOWN,
        "may_pay": several and request.user.has_perm(RECORD_REPAYMENT),
    }
    return htmx.part(request, "credit/_loan_panel.html", context)
