"""Promises: the list, the calendar, one promise, cancelling one."""

import calendar
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from collection import checks, figures, permissions, promises, queues
from collection.forms import PARTS, CancelForm
from collection.judgement import Part
from collection.models import Promise, PromisePart
from collection.promise_list import PROMISES
from collection.views import work
from collection.views.work import person
from credit import books
from crm.lib import htmx, money, pages
from crm.lib.dates import add_months
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import percent, spoken
from governance import list_pages, uses
from governance.idempotency import Once

DAYS = 30  # the period of the kept rate
LAST_YEAR = 2200


@needs(permissions.VIEW)
@require_GET
def promise_list(request: HttpRequest) -> HttpResponse:
    at = now()
    context: dict[str, Any] = {
        "page": list_pages.read(request, PROMISES, at=at),
        "icon_name": "promises",
        "empty_text": _("No promises yet. They appear when a customer agrees to pay."),
    }
    if not htmx.wants_part(request):
        context["tiles"] = tiles(request, on=queues.today(person(request), at))
    return htmx.render(request, "collections/promise_list.html", "lists/_part.html", context)


def tiles(request: HttpRequest, *, on: date) -> list[dict[str, Any]]:
    """Return the figures above the list: what is due, and the kept rate by number and by amount."""
    seen, url = Promise.objects.visible_to(request.user), reverse("promise-list")
    rate = figures.kept_rate(seen, since=on - timedelta(days=DAYS), until=on)
    judged = _("%(kept)s kept, %(broken)s broken in %(days)s days") % {"kept": rate.kept, "broken": rate.broken, "days": DAYS}
    amounts = _("%(kept)s of %(all)s") % {"kept": spoken(rate.kept_amount), "all": spoken(rate.kept_amount + rate.broken_amount)}
    due = seen.running().filter(pk__in=PromisePart.objects.filter(due_on=on).values("promise"))
    due_today, running = pages.count_labels([due, seen.running()])
    return [
        {"label": _("Due today"), "figure": due_today, "url": f"{url}?due={on.isoformat()}&status=running"},
        {"label": _("Running"), "figure": running, "url": f"{url}?status=running"},
        {"label": _("Kept rate by number"), "figure": percent(rate.by_number), "under": judged, "url": f"{url}?status=kept"},
        {"label": _("Kept rate by amount"), "figure": percent(rate.by_amount), "under": amounts, "url": f"{url}?status=broken"},
    ]


def found(request: HttpRequest, public_id: str) -> Promise:
    """Return the promise of the address, if this person may see it; else 404."""
    row = Promise.objects.for_list().select_related("replaces").get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def promise(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    parts = list(row.parts.order_by("seq"))
    for part in parts:
        part.until = part.due_on + timedelta(days=row.grace_days)  # type: ignore[attr-defined]  # for the template
    context = {
        "promise": row,
        "parts": parts,
        "later": Promise.objects.filter(replaces=row).first(),
        "may_cancel": row.is_running and person(request).has_perm(permissions.CONTACT),
    }
    return htmx.render(request, "collections/promise.html", "collections/promise.html", context)


@needs(permissions.CONTACT)
@require_http_methods(["GET", "POST"])
def promise_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                promises.cancel(row, reason=form.cleaned_data["reason"], actor=person(request), at=now())
                sent.result(reverse("promise", args=[row.public_id]))
                messages.success(request, _("The promise is cancelled."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/promise_cancel.html", {"promise": row}, part="collections/_promise_cancel.html")


@needs(permissions.VIEW)
@require_GET
def promise_calendar(request: HttpRequest) -> HttpResponse:
    """Show a month: what is promised for each day, and what became of it."""
    today = queues.today(person(request), now())
    asked = request.GET.get("month", "")
    first = (_month(asked) or today).replace(day=1)
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    counted = ("open", "partial", "kept", "broken")
    rows = (
        PromisePart.objects.filter(due_on__gte=weeks[0][0], due_on__lte=weeks[-1][-1], promise__status__in=counted)
        .filter(promise__in=Promise.objects.visible_to(request.user).values("pk"))
        .order_by()
        .values("due_on")
        .annotate(
            number=Count("promise", distinct=True),
            amount=Sum("amount"),
            kept=Count("promise", distinct=True, filter=Q(promise__status="kept")),
            broken=Count("promise", distinct=True, filter=Q(promise__status="broken")),
        )
    )
    by_day = {row["due_on"]: row for row in rows}
    cells = [
        [by_day.get(day, {}) | {"day": day, "today": day == today, "outside": day.month != first.month} for day in week] for week in weeks
    ]
    context = {
        "first": first,
        "before": add_months(first, -1),
        "after": add_months(first, 1),
        "weeks": cells,
        "weekdays": [WEEKDAYS_ABBR[number] for number in range(7)],
    }
    return htmx.render(request, "collections/promise_calendar.html", "collections/promise_calendar.html", context)


def _month(text: str) -> date | None:
    try:
        found = parse_date(f"{text[:7]}-01")
    except ValueError:
        return None
    return found if found is not None and 2000 <= found.year < 2100 else None


# --- while one is being promised -----------------------------------------------------------------------------------
@needs(permissions.CONTACT)
@require_GET
def promise_cover(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say whether what stands in the form pays all that is overdue; nothing to whoever may not see the debts of the case now."""
    row, user, at = work.found(request, public_id), person(request), now()
    parts = typed(request)
    opened = row.is_held_by(user, at) and checks.confirmed(row, actor=user, at=at)
    cover = promises.cover(row, parts, today=books.value_day(row.legal_entity, at)) if opened and parts else None
    return htmx.part(request, "collections/_promise_cover.html", {"cover": cover})


def typed(request: HttpRequest) -> list[Part]:
    """Return the parts of a promise as far as they are written; what cannot be is said when the form is sent."""
    parts = []
    for number in range(1, PARTS + 1):
        try:
            amount, day = money.parse(request.GET.get(f"amount_{number}", "")), parse_date(request.GET.get(f"due_on_{number}", ""))
        except ValueError:
            continue
        if amount > 0 and day is not None and day.year < LAST_YEAR:
            parts.append(Part(day, amount))
    return parts
