"""The lists of requests for relief and of settlements: columns, and what may be asked of them."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions
from collection.matter_lists import case_cell, first_column
from collection.models import Hardship, Settlement
from credit.act_builds import Evidence
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, money, percent, status
from customers.models import Customer
from governance.list_fields import owner_field


class ReliefFilter(django_filters.FilterSet):
    """Quick filters: what is under way, unless all is asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("relief", "Under way"), choices=[("all", _("All"))], method="of_status"
    )

    class Meta:
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.open()

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset


class HardshipFilter(ReliefFilter):
    class Meta:
        model = Hardship
        fields: list[str] = []


class SettlementFilter(ReliefFilter):
    class Meta:
        model = Settlement
        fields: list[str] = []


HARDSHIPS = declare(
    List(
        name="hardships",
        title=_("Requests for relief"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="hardship-list",
        rows=lambda user: Hardship.objects.visible_to(user).for_list(),
        filters=HardshipFilter,
        default_sort="-opened",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            first_column("hardship", _("Request"), "hardship"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("cause", _("Shown by"), lambda row: row.get_cause_display(), lambda row: row.get_cause_display(), phone=True),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
            Column("owner", _("Answered by"), lambda row: row.owner, lambda row: str(row.owner)),
            Column("opened", _("Opened on"), lambda row: day(row.opened_on), lambda row: day(row.opened_on), sort="id", phone=True),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Hardship.Status.choices),
            Field("cause", _("Shown by"), "cause", "choice", Evidence.choices),
            Field("opened", _("Opened on"), "opened_on", "day"),
            owner_field("owner", "owner", _("Answered by")),
        ],
    )
)
SETTLEMENTS = declare(
    List(
        name="settlements",
        title=_("Settlements"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="settlement-list",
        rows=lambda user: Settlement.objects.visible_to(user).for_list(),
        filters=SettlementFilter,
        default_sort="-offered",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            first_column("settlement", _("Settlement"), "settlement"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column(
                "amount",
                _("To be paid (CNY)"),
                lambda row: money(row.amount),
                lambda row: row.amount,
                sort="amount",
                kind="money",
                phone=True,
            ),
            Column("paid", _("Paid (CNY)"), lambda row: money(row.paid_amount), lambda row: row.paid_amount, kind="money"),
            Column("discount", _("Forgiven share"), lambda row: percent(row.discount, 2), lambda row: row.discount, phone=True),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
            Column("by", _("Offered by"), lambda row: row.offered_by, lambda row: str(row.offered_by)),
            Column("offered", _("Offered on"), lambda row: day(row.offered_on), lambda row: day(row.offered_on), sort="id"),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Settlement.Status.choices),
            Field("amount", _("To be paid (CNY)"), "amount", "money"),
            Field("offered", _("Offered on"), "offered_on", "day"),
            owner_field("by", "offered_by", _("Offered by")),
        ],
    )
)
