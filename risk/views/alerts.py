"""Alerts: the list, one alert, taking it in hand, closing it."""

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib import htmx, pages
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance.asked import Asked
from governance.idempotency import Once
from risk import alerts, monitor_pages
from risk.models import RiskAlert
from risk.permissions import RUN_MONITORING, VIEW_MONITORING


class AlertFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(label=gettext_lazy("Status"), choices=RiskAlert.Status.choices, empty_label=gettext_lazy("Any"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Kind"), choices=RiskAlert.Kind.choices, empty_label=gettext_lazy("Any"))
    level = django_filters.ChoiceFilter(label=gettext_lazy("Level"), choices=RiskAlert.Level.choices, empty_label=gettext_lazy("Any"))

    class Meta:
        model = RiskAlert
        fields = ("status", "kind", "level")


class CloseForm(Form):
    """Why an alert is closed."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=RiskAlert.Reason.choices)
    words = forms.CharField(label=gettext_lazy("What was done"), required=False, max_length=2000, widget=forms.Textarea)


@require_GET
@needs(VIEW_MONITORING)
def alert_list(request: Asked) -> HttpResponse:
    """List the alerts, the newest first."""
    rows = RiskAlert.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"opened": "id"}, default_sort="-opened", filters=AlertFilter)
    context = {"page": page, "rows": monitor_pages.alert_rows(page.rows)}
    return htmx.render(request, "risk/alert_list.html", "risk/_alert_page.html", context)


def _alert(request: Asked, public_id: str) -> RiskAlert:
    found = RiskAlert.objects.visible_to(request.user).for_list().filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


@require_GET
@needs(VIEW_MONITORING)
def alert(request: Asked, public_id: str) -> HttpResponse:
    """Show one alert: what was found, since when, what was done."""
    found = _alert(request, public_id)
    context = {"row": monitor_pages.alert_rows([found])[0], "alert": found, "may_answer": request.user.has_perm(RUN_MONITORING)}
    version: Any = found.scorecard_version or found.strategy_version
    person = reverse("customer", args=[found.customer.public_id]) if found.customer else ""
    context["about_url"] = monitor_pages.url_of(version) if version else person
    return htmx.render(request, "risk/alert.html", "risk/alert.html", context)


@require_POST
@needs(RUN_MONITORING)
def alert_acknowledge(request: Asked, public_id: str) -> HttpResponse:
    """Take an alert in hand."""
    alerts.acknowledge(_alert(request, public_id), actor=request.user, at=now())
    messages.success(request, _("The alert is in your hands."))
    return htmx.go(request, reverse("risk-alert", args=[public_id]))


@require_http_methods(["GET", "POST"])
@needs(RUN_MONITORING)
def alert_close(request: Asked, public_id: str) -> HttpResponse:
    """Close an alert with a reason."""
    found = _alert(request, public_id)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                alerts.close(found, reason=data["reason"], words=data["words"], actor=request.user, at=now())
                messages.success(request, _("The alert is closed."))
                sent.result(reverse("risk-alert", args=[public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/alert_close.html", {"alert": found, "row": monitor_pages.alert_rows([found])[0]})
