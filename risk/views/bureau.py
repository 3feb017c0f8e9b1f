"""Pages of the credit bureau: what it says of a person, what was asked of it, and the question itself."""

import json
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm.lib import htmx, pages
from crm.lib.forms import Form
from crm.lib.permissions import needs
from crm.lib.ports import bureau as port
from customers import consents
from customers.models import Customer, Purpose
from governance.asked import Asked
from governance.idempotency import Once
from risk import bureau, bureau_charts, bureau_circuit, bureau_report, bureau_rules, display
from risk.models import BureauQuery, BureauReport
from risk.permissions import QUERY_BUREAU, VIEW_BUREAU_REPORT

QUERIES, NEWEST = 50, 5
KINDS = {
    "card": gettext_lazy("Credit card"), "consumer": gettext_lazy("Consumer loan"), "mortgage": gettext_lazy("Mortgage"),
    "car": gettext_lazy("Car loan"), "business": gettext_lazy("Business loan"), "other": gettext_lazy("Another credit"),
}  # fmt: skip


class QueryFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(label=gettext_lazy("Status"), choices=BureauQuery.Status.choices, empty_label=display.ANY)
    reason = django_filters.ChoiceFilter(label=gettext_lazy("Legal reason"), choices=BureauQuery.Reason.choices, empty_label=display.ANY)

    class Meta:
        model = BureauQuery
        fields = ("status", "reason")


class AskForm(Form):
    """Why the bureau is asked: only reasons the law knows are offered."""

    reason = forms.ChoiceField(label=gettext_lazy("Legal reason"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = bureau_rules.reasons(on=localdate())
        self.rules = [rule for _code, rule in held]
        self.fields["reason"].choices = [(code, dict(BureauQuery.Reason.choices)[code]) for code, _rule in held]  # type: ignore[attr-defined]
        if held:
            self.fields["reason"].initial = held[0][0]


@require_GET
@needs(VIEW_BUREAU_REPORT)
def bureau_queries(request: Asked) -> HttpResponse:
    """List what was asked of the bureau, the newest first, and say whether it is being asked."""
    rows = BureauQuery.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"asked": "id"}, default_sort="-asked", filters=QueryFilter)
    context = {"page": page, "circuit": bureau_circuit.standing() if port.is_on() else None, "today": localdate()}
    return htmx.render(request, "risk/bureau_queries.html", "risk/_bureau_query_rows.html", context)


@require_GET
@needs(VIEW_BUREAU_REPORT)
def bureau_customer(request: Asked, public_id: str) -> HttpResponse:
    """Show the newest report about a person, or the one asked for by `?report=`, and every query."""
    customer = Customer.objects.get_for(request.user, public_id)
    history = list(BureauQuery.objects.filter(customer=customer).for_list().order_by("-pk")[:QUERIES])
    wanted = request.GET.get("report", "")
    found = next((one.report for one in history if has_report(one) and wanted in ("", one.report.public_id)), None)
    context = _standing(request, customer, found, history) | {"history": history, "newest": not wanted}
    if found is not None:
        if not (context["waiting"] and htmx.wants_part(request)):  # a page that looks again is not read again
            bureau.opened(found, actor=request.user, at=now())
        context |= _content(found)
    return htmx.render(request, "risk/bureau_customer.html", "risk/_bureau_customer.html", context)


@require_GET
@needs(VIEW_BUREAU_REPORT)
def bureau_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show the figures of the newest report on another page."""
    customer = Customer.objects.get_for(request.user, public_id)
    history = list(BureauQuery.objects.filter(customer=customer).for_list().order_by("-pk")[:NEWEST])
    found = bureau.latest(customer.pk, at=now())
    return htmx.part(request, "risk/_bureau_panel.html", _standing(request, customer, found, history))


@require_http_methods(["GET", "POST"])
@needs(QUERY_BUREAU)
def bureau_ask(request: Asked, public_id: str) -> HttpResponse:
    """Ask the bureau about a person; a worker fetches the report."""
    customer = Customer.objects.get_for(request.user, public_id)
    form = AskForm(request.POST or None)
    back = reverse("bureau-customer", args=[public_id])
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                bureau.request(customer, reason=form.cleaned_data["reason"], actor=request.user, at=now())
                messages.success(request, _("The bureau is being asked."))
                sent.result(back if request.user.has_perm(VIEW_BUREAU_REPORT) else reverse("customer", args=[public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    consent = bureau.running_consent(customer, at=now()) if consents.holds(customer, Purpose.BUREAU, on=localdate()) else None
    context = {
        "customer": customer,
        "consent": consent,
        "connected": port.is_on(),
        "back": back,
        "zh": (get_language() or "").startswith("zh"),
    }
    return form.page(request, "risk/bureau_ask.html", context)


def has_report(query: BureauQuery) -> bool:
    return hasattr(query, "report")


def _standing(request: Asked, customer: Customer, report: BureauReport | None, history: list[BureauQuery]) -> dict[str, Any]:
    days = bureau_rules.fresh_days(BureauQuery.Reason.CREDIT_APPROVAL, on=localdate())
    return {
        "customer": customer,
        "report": report,
        "stale": report is not None and not bureau.counts(report, reason=BureauQuery.Reason.CREDIT_APPROVAL, at=now()),
        "fresh_days": days,
        "waiting": any(one.status == BureauQuery.Status.ASKED for one in history),
        "failed": history[0] if history and history[0].status == BureauQuery.Status.FAILED else None,
        "connected": port.is_on(),
        "may_ask": request.user.has_perm(QUERY_BUREAU),
    }


def _content(report: BureauReport) -> dict[str, Any]:
    """Return what the sealed report holds, read again; nothing where it has none or the person was erased."""
    try:
        read = bureau_report.read(json.loads(report.content or "null") or {})
    except (ValueError, bureau_report.NotAReport):
        return {}
    accounts = [
        {"row": one, "kind": KINDS[one.kind], "worst": max(one.dpd, default=0), "used": one.balance / one.limit if one.limit else None}
        for one in sorted(read.accounts, key=lambda one: (-one.overdue, -one.balance))
    ]
    return {"read": read, "accounts": accounts, "charts": bureau_charts.drawn(read)}
