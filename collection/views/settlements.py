"""Settlements: the list, the offer, its approval, acceptance and letter."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import permissions, settlement_letter, settlements
from collection.models import Hardship, Settlement
from collection.relief_forms import SettlementForm
from collection.relief_lists import SETTLEMENTS
from collection.views import work
from collection.views.forms_once import done, pressed
from collection.views.work import person
from credit import books
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import list_pages, uses

Status = Settlement.Status


@needs(permissions.VIEW)
@require_GET
def settlement_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, SETTLEMENTS, at=now()),
        "icon_name": "promises",
        "title": SETTLEMENTS.title,
        "empty_text": _("Nothing is being settled. Settlements are offered from a case."),
        "views_label": _("Views of the settlements"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


@needs(permissions.OPEN_RELIEF)
@require_http_methods(["GET", "POST"])
def settlement_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = work.found(request, public_id)
    today = books.value_day(row.legal_entity, now())
    hardship = Hardship.objects.filter(case=row, status__in=[Hardship.Status.ASSESSED, Hardship.Status.GRANTED]).order_by("-pk").first()
    found = settlements.terms(row, on=today, hardship=hardship)
    form = SettlementForm(request.POST or None, today=today, initial={"amount_1": found.floor})

    def act(**data: Any) -> tuple[str, str]:
        made = settlements.offer(row, parts=data["parts"], hardship=hardship, actor=person(request), at=now())
        return reverse("settlement", args=[made.public_id]), _("The settlement is proposed. Another person approves it.")

    return done(request, form, act) or form.page(
        request,
        "collections/settlement_form.html",
        {"case": row, "terms": found, "hardship": hardship, "not_due": settlements.not_due(row, on=today)},
    )


def found(request: HttpRequest, public_id: str) -> Settlement:
    """Return the settlement of the address, if this person may see it; else 404."""
    rows = Settlement.objects.for_list().select_related("case__legal_entity", "approved_by", "hardship")
    row: Settlement = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def settlement(request: HttpRequest, public_id: str) -> HttpResponse:
    row, user = found(request, public_id), person(request)
    today = books.value_day(row.case.legal_entity, now())
    may_open = user.has_perm(permissions.OPEN_RELIEF)
    authority = settlements.authority_of(user, on=today)
    may_approve = row.status == Status.PROPOSED and user.has_perm(permissions.APPROVE_RELIEF) and row.offered_by_id != user.pk
    context = {
        "settlement": row,
        "parts": list(row.parts.order_by("seq")),
        "may_approve": may_approve,
        "within": row.discount <= authority,
        "authority": authority,
        "may_accept": row.status == Status.APPROVED and may_open,
        "may_withdraw": row.status in (Status.PROPOSED, Status.APPROVED) and may_open,
        "has_letter": row.status in settlement_letter.WITH_LETTER,
    }
    return htmx.render(request, "collections/settlement.html", "collections/settlement.html", context)


@needs(permissions.APPROVE_RELIEF)
@require_POST
def settlement_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """Approve or refuse an offer."""
    row = found(request, public_id)
    if pressed(request, "approve", "refuse") == "approve":
        settlements.approve(row, actor=person(request), at=now())
        messages.success(request, _("The settlement is approved: the customer can accept it."))
    else:
        settlements.refuse(row, actor=person(request), at=now())
        messages.success(request, _("The settlement is refused."))
    return htmx.go(request, reverse("settlement", args=[row.public_id]))


@needs(permissions.OPEN_RELIEF)
@require_POST
def settlement_step(request: HttpRequest, public_id: str) -> HttpResponse:
    """Note that the customer accepted, or take the offer back."""
    row = found(request, public_id)
    if pressed(request, "accept", "withdraw") == "accept":
        settlements.accept(row, actor=person(request), at=now())
        messages.success(request, _("The customer accepted. Payments from now on count for it."))
    else:
        settlements.withdraw(row, actor=person(request), at=now())
        messages.success(request, _("The offer is taken back."))
    return htmx.go(request, reverse("settlement", args=[row.public_id]))


@needs(permissions.OPEN_RELIEF)
@require_GET
def settlement_paper(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hand out the letter of an approved settlement as PDF."""
    row = found(request, public_id)
    content = settlement_letter.paper(row, actor=person(request), at=now())
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{row.public_id}.pdf"', "Cache-Control": "no-store"},
    )
