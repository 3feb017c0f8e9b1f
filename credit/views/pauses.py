"""Pause and resume the treatment of a late loan."""

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from credit import pauses
from credit.class_forms import PauseForm
from credit.permissions import PAUSE_LOAN
from credit.views import Asked, borrower
from credit.views.loans import one
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import idempotency


@needs(PAUSE_LOAN)
def loan_pause(request: Asked, public_id: str) -> HttpResponse:
    """Leave days out of what treatment counts."""
    loan = one(request, public_id)
    here, opened = reverse("loan", args=[public_id]), loan.legal_entity.business_date
    form = PauseForm(request.POST if request.method == "POST" else None, opened=opened)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                pauses.pause(loan, from_on=data["from_on"], until_on=data["until_on"], reason=data["reason"], actor=request.user, at=now())
                sent.result(here)
                messages.success(request, _("Treatment of %(loan)s is paused.") % {"loan": loan})
        if not form.errors:
            return htmx.go(request, sent.location)
    rows = loan.pauses.select_related("made_by", "resumed_by").order_by("-from_on")
    context = {"loan": loan, "customer": borrower(loan, request.user), "back": here, "rows": rows, "opened": opened}
    return form.page(request, "credit/classes/pause_form.html", context)


@needs(PAUSE_LOAN)
@require_POST
def loan_resume(request: Asked, public_id: str) -> HttpResponse:
    """Count again from the open business date on."""
    loan = one(request, public_id)
    pauses.resume(loan, actor=request.user, at=now())
    messages.success(request, _("Treatment of %(loan)s counts again.") % {"loan": loan})
    return htmx.go(request, reverse("loan", args=[public_id]))
