"""The list of requests to trace, with its entry in the sidebar."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions
from collection.matter_lists import case_cell, first_column
from collection.models import TraceRequest
from collection.traces import SHOWN
from crm.lib import menu
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, status
from customers.models import Customer


class TraceFilter(django_filters.FilterSet):
    """Quick filter: those that run, unless all are asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("trace", "Looking"), choices=[("all", _("All"))], method="of_status"
    )

    class Meta:
        model = TraceRequest
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.open()

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset


TRACES = declare(
    List(
        name="traces",
        title=_("Tracing"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="trace-list",
        rows=lambda user: TraceRequest.objects.visible_to(user).for_list(),
        filters=TraceFilter,
        default_sort="-asked",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            first_column("trace", _("Request"), "trace"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("purpose", _("What for"), lambda row: row.get_purpose_display(), lambda row: row.get_purpose_display(), phone=True),
            Column("shown", _("What shows it"), lambda row: SHOWN[row.shown], lambda row: str(SHOWN[row.shown])),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id, shown=False),
            Column("by", _("Asked by"), lambda row: row.requested_by, lambda row: str(row.requested_by), phone=True),
            Column("asked", _("Asked on"), lambda row: day(row.requested_on), lambda row: day(row.requested_on), sort="id"),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", TraceRequest.Status.choices),
            Field("asked", _("Asked on"), "requested_on", "day"),
        ],
    )
)
menu.entry(group="collections", order=49, label=_("Tracing"), url_name="trace-list", permission=permissions.VIEW, icon="search")
