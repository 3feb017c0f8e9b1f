"""The list of placements: columns, and what may be asked of them. It leaves as no file: agencies get theirs marked, from their page."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions, queues
from collection.matter_lists import case_cell, first_column
from collection.models import Agency, Placement
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, money, percent, status
from customers.models import Customer


class PlacementFilter(django_filters.FilterSet):
    """Quick filters: what is outside now, unless all is asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("placement", "With an agency"), method="of_status",
        choices=[("recalled", pgettext_lazy("placement", "Taken back")), ("ended", pgettext_lazy("placement", "Case closed")), ("all", _("All"))],
    )  # fmt: skip
    agency = django_filters.ModelChoiceFilter(
        label=_("Agency"), empty_label=_("Any"), to_field_name="code",
        queryset=lambda request: Agency.objects.visible_to(request.user).order_by("code"),
    )  # fmt: skip
    back = django_filters.ChoiceFilter(
        label=_("Comes back"), empty_label=pgettext_lazy("placement", "At any time"), method="of_back",
        choices=[("7", _("Within 7 days")), ("30", _("Within 30 days"))],
    )  # fmt: skip

    class Meta:
        model = Placement
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.running()

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset if value == "all" else queryset.filter(status=value)

    def of_back(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        soon = queues.today(self.request.user, now()) + timedelta(days=int(value))
        return queryset.filter(status=Placement.Status.PLACED, back_on__lte=soon)


PLACEMENTS = declare(
    List(
        name="placements",
        title=_("Placements"),
        permission=permissions.VIEW_AGENCY,
        export_permission="",
        url_name="placement-list",
        rows=lambda user: Placement.objects.visible_to(user).for_list(),
        filters=PlacementFilter,
        default_sort="-placed",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            first_column("placement", _("Placement"), "placement"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("agency", _("Agency"), lambda row: row.agency, lambda row: str(row.agency), phone=True),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id, shown=False),
            Column(
                "balance", _("Overdue then (CNY)"), lambda row: money(row.balance), lambda row: row.balance, sort="balance", kind="money", phone=True,
            ),
            Column("collected", _("Collected (CNY)"), lambda row: money(row.collected), lambda row: row.collected, kind="money", phone=True),
            Column("rate", _("Rate of the fee"), lambda row: percent(row.rate, 2), lambda row: row.rate, shown=False),
            Column("fee", _("Fee (CNY)"), lambda row: money(row.fee), lambda row: row.fee, kind="money"),
            Column("placed", _("Placed on"), lambda row: day(row.placed_on), lambda row: day(row.placed_on), sort="id"),
            Column("back", _("Comes back on"), lambda row: day(row.ended_on or row.back_on), lambda row: day(row.ended_on or row.back_on)),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Placement.Status.choices),
            Field("reason", _("Why it was taken back"), "reason", "choice", Placement.Reason.choices),
            Field("balance", _("Overdue then (CNY)"), "balance", "money"),
            Field("placed", _("Placed on"), "placed_on", "day"),
        ],
    )
)  # fmt: skip
