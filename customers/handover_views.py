"""Pages of hand-overs: all of a person with a preview and a job, one customer in a dialog."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from customers import handover, permissions
from customers.handover_forms import HandoverForm, TakeForm
from customers.models import Activity
from customers.views import file_of
from governance import idempotency
from governance.asked import Asked


@needs(permissions.HAND_OVER)
def handover_list(request: Asked) -> HttpResponse:
    page = pages.read(request, handover.visible_to(request.user), sorts={"when": "id"}, default_sort="-when")
    return htmx.render(request, "customers/handovers.html", "customers/_handover_rows.html", {"page": page})


@needs(permissions.HAND_OVER)
def handover_new(request: Asked) -> HttpResponse:
    """Ask whose customers go to whom, show how many, then start."""
    form = HandoverForm(request.POST or None, user=request.user, initial={"giver": request.GET.get("from", "")[:16]})
    preview: dict[str, Any] | None = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        preview = {
            "customers": pages.count_label(handover.candidates(request.user, giver=data["giver"])),
            "activities": pages.count_label(Activity.objects.open().filter(assignee=data["giver"])),
            "giver": data["giver"],
            "taker": data["taker"],
        }
        if data["confirmed"]:
            with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
                if not sent.again:
                    row = handover.order(
                        giver=data["giver"], taker=data["taker"], branch=data["branch"], reason=data["reason"], note=data["note"],
                        actor=request.user, at=now(),
                    )  # fmt: skip
                    if row.job.total is not None and row.job.total <= handover.AT_ONCE:
                        handover.run(row.pk, at=now())
                    sent.result(reverse("handover", args=[row.public_id]))
            if not form.errors:
                return htmx.go(request, sent.location)
            preview = None
    return form.page(request, "customers/handover_form.html", {"preview": preview})


@needs(permissions.HAND_OVER)
def handover_page(request: Asked, public_id: str) -> HttpResponse:
    """How far a hand-over is."""
    row = get_object_or_404(handover.visible_to(request.user), public_id=public_id.replace("\0", ""))
    context = {"handover": row, "job": row.job, "poll_url": reverse("handover", args=[row.public_id])}
    return htmx.render(request, "customers/handover.html", "parts/_job.html", context)


@needs(permissions.HAND_OVER)
def customer_handover(request: Asked, public_id: str) -> HttpResponse:
    """One customer, now."""
    found = file_of(request, public_id)
    form = TakeForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                handover.give(found, taker=data["taker"], branch=data["branch"], actor=request.user, at=now())
                sent.result(reverse("customer", args=[found.public_id]))
                messages.success(request, _("The customer is handed over. Applications, loans and cases follow in a moment."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "customers/customer_handover.html", {"customer": found}, part="customers/_customer_handover.html")
