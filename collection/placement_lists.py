"""The list of placements: columns, and what may be asked of them. It leaves as no file: agencies get theirs marked, from their page."""

from django.utils.translation import gettext_lazy as _

from collection import permissions
from collection.agency_forms import PlacementFilter
from collection.matter_lists import case_cell, first_column
from collection.models import Placement
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, money, percent, status
from customers.models import Customer

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
