"""Disputes and complaints: their lists with clocks, one of each, opening and deciding them."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import complaints, disputes, permissions, queues
from collection.matter_forms import ComplaintDecisionForm, ComplaintForm, DisputeDecisionForm, DisputeForm, MatterForm, WithdrawForm
from collection.matter_lists import COMPLAINTS, DISPUTES
from collection.models import Case, Complaint, Dispute
from collection.views import work
from collection.views.forms_once import done
from collection.views.work import person
from credit import books
from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance import list_pages, rules, uses

SOON = 3  # days


def clocks(rows: QuerySet[Any], url: str, *, today: date) -> list[dict[str, Any]]:
    """Return the tiles above a list: what is overdue, due soon, open."""
    late, soon = rows.filter(due_on__lt=today), rows.filter(due_on__gte=today, due_on__lte=today + timedelta(days=SOON))
    overdue, due, everything = pages.count_labels([late, soon, rows])
    return [
        {"label": _("Answer overdue"), "figure": overdue, "url": f"{url}?sort=due", "tone": "bad" if overdue != "0" else ""},
        {"label": _("To be answered within %(days)s days") % {"days": SOON}, "figure": due, "url": f"{url}?sort=due"},
        {"label": _("Not decided yet"), "figure": everything, "url": url},
    ]


def listed(request: HttpRequest, spec: Any, rows: QuerySet[Any], *, icon: str, empty: str, views: str) -> HttpResponse:
    at = now()
    context: dict[str, Any] = {"page": list_pages.read(request, spec, at=at), "icon_name": icon, "empty_text": empty, "views_label": views}
    if not htmx.wants_part(request):
        context["tiles"] = clocks(rows, reverse(spec.url_name), today=queues.today(person(request), at))
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context | {"title": spec.title})


@needs(permissions.VIEW)
@require_GET
def dispute_list(request: HttpRequest) -> HttpResponse:
    rows = Dispute.objects.visible_to(request.user).open()
    empty = _("No dispute is open. They are opened from a case.")
    return listed(request, DISPUTES, rows, icon="decisions", empty=empty, views=_("Views of the disputes"))


@needs(permissions.VIEW)
@require_GET
def complaint_list(request: HttpRequest) -> HttpResponse:
    rows = Complaint.objects.visible_to(request.user).open()
    empty = _("No complaint is open. They are filed from a case.")
    return listed(request, COMPLAINTS, rows, icon="complaints", empty=empty, views=_("Views of the complaints"))


# --- one matter ----------------------------------------------------------------------------------------------------
def found(request: HttpRequest, model: Any, public_id: str) -> Any:
    """Return the matter of the address, if this person may see it; else 404."""
    rows = model.objects.for_list().select_related("case__legal_entity", "decided_by")
    row = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


def deadline_of(row: Any) -> datetime:
    """Return the moment the last day for the answer ends, by the clock of the books."""
    zone = ZoneInfo(row.case.legal_entity.zone)
    return datetime.combine(row.due_on + timedelta(days=1), time(0), tzinfo=zone)


def matter_context(request: HttpRequest, row: Any) -> dict[str, Any]:
    """Return what both kinds of matter show."""
    user = person(request)
    rule = rules.holding(row.rule, on=row.opened_on)
    return {
        "matter": row,
        "deadline": deadline_of(row) if row.is_open else None,
        "rule": rule,
        "rule_days": rules.shown(rule),
        "may_read": user.has_perm(permissions.OPEN_MATTER) or user.has_perm(permissions.DECIDE_MATTER),
        "may_decide": row.is_open and user.has_perm(permissions.DECIDE_MATTER),
    }


@needs(permissions.VIEW)
@require_GET
def dispute(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Dispute, public_id)
    context = matter_context(request, row) | {"may_withdraw": row.is_open and request.user.has_perm(permissions.OPEN_MATTER)}
    context["may_put_right"] = row.is_to_put_right and request.user.has_perm(permissions.DECIDE_MATTER)
    return htmx.render(request, "collections/dispute.html", "collections/dispute.html", context)


@needs(permissions.VIEW)
@require_GET
def complaint(request: HttpRequest, public_id: str) -> HttpResponse:
    row, user = found(request, Complaint, public_id), person(request)
    context = matter_context(request, row)
    context["may_decide"] = context["may_decide"] and row.about_id != user.pk
    context["may_extend"] = (
        row.is_open and row.is_complex and not row.extended and row.owner_id != user.pk and user.has_perm(permissions.EXTEND_MATTER)
    )
    return htmx.render(request, "collections/complaint.html", "collections/complaint.html", context)


# --- opening -------------------------------------------------------------------------------------------------------
@needs(permissions.OPEN_MATTER)
@require_http_methods(["GET", "POST"])
def dispute_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = work.found(request, public_id)
    today = books.value_day(row.legal_entity, now())
    form = DisputeForm(request.POST or None, case=row)

    def act(**data: Any) -> tuple[str, str]:
        made = disputes.raise_(row, **data, actor=person(request), at=now())
        return reverse("dispute", args=[made.public_id]), _("The dispute is open. The contested amount is not demanded meanwhile.")

    return done(request, form, act) or opening(
        request, row, form, title=_("Open a dispute"), days=rules.shown(rules.holding(disputes.DAYS, on=today))
    )


@needs(permissions.OPEN_MATTER)
@require_http_methods(["GET", "POST"])
def complaint_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = work.found(request, public_id)
    today = books.value_day(row.legal_entity, now())
    form = ComplaintForm(request.POST or None, case=row)

    def act(**data: Any) -> tuple[str, str]:
        made = complaints.file(row, **data, actor=person(request), at=now())
        return reverse("complaint", args=[made.public_id]), _("The complaint is filed.")

    return done(request, form, act) or opening(
        request, row, form, title=_("File a complaint"), days=rules.shown(rules.holding(complaints.SIMPLE, on=today))
    )


def opening(request: HttpRequest, row: Case, form: MatterForm, *, title: str, days: str) -> HttpResponse:
    return form.page(request, "collections/matter_form.html", {"case": row, "title": title, "days": days})


# --- deciding ------------------------------------------------------------------------------------------------------
@needs(permissions.DECIDE_MATTER)
@require_http_methods(["GET", "POST"])
def dispute_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Dispute, public_id)
    form = DisputeDecisionForm(request.POST or None)

    def act(**data: Any) -> tuple[str, str]:
        disputes.decide(row, **data, actor=person(request), at=now())
        return reverse("dispute", args=[row.public_id]), _("The dispute is decided.")

    return done(request, form, act) or form.page(
        request, "collections/matter_decide.html", {"matter": row, "back": reverse("dispute", args=[row.public_id])}
    )


@needs(permissions.OPEN_MATTER)
@require_http_methods(["GET", "POST"])
def dispute_withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Dispute, public_id)
    form = WithdrawForm(request.POST or None)
    context = {"matter": row, "back": reverse("dispute", args=[row.public_id]), "title": _("Customer takes it back")}

    def act(**data: Any) -> tuple[str, str]:
        disputes.withdraw(row, **data, actor=person(request), at=now())
        return reverse("dispute", args=[row.public_id]), _("The dispute is taken back. The amount is demanded again.")

    return done(request, form, act) or form.page(request, "collections/matter_decide.html", context)


@needs(permissions.DECIDE_MATTER)
@require_POST
def dispute_put_right(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Dispute, public_id)
    disputes.put_right(row, actor=person(request), at=now())
    messages.success(request, _("It is put right: what is owed is what the books say."))
    return htmx.go(request, reverse("dispute", args=[row.public_id]))


@needs(permissions.DECIDE_MATTER)
@require_http_methods(["GET", "POST"])
def complaint_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Complaint, public_id)
    form = ComplaintDecisionForm(request.POST or None)

    def act(**data: Any) -> tuple[str, str]:
        complaints.decide(row, **data, actor=person(request), at=now())
        return reverse("complaint", args=[row.public_id]), _("The complaint is decided.")

    return done(request, form, act) or form.page(
        request, "collections/matter_decide.html", {"matter": row, "back": reverse("complaint", args=[row.public_id])}
    )


@needs(permissions.EXTEND_MATTER)
@require_POST
def complaint_extend(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, Complaint, public_id)
    done = complaints.extend(row, actor=person(request), at=now())
    messages.success(request, _("The answer is due by %(day)s now.") % {"day": done.due_on.isoformat()})
    return htmx.go(request, reverse("complaint", args=[row.public_id]))
