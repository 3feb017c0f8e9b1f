"""The list of customers: columns, and what may be asked of it. Nothing that identifies a person is among the questions."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, money, or_absent
from customers import permissions, profiles
from customers.forms import CustomerFilter
from customers.models import Customer
from governance.list_fields import branch_field, owner_field
from governance.models.identity import Channel


def name_cell(row: Any) -> Any:
    url = reverse("customer", args=[row.public_id])
    return format_html('<a href="{}">{}</a> <span class="meta mono">{}</span>', url, row.masked_name, row.public_id)


def prepare(rows: list[Any], at: datetime) -> None:
    """Give each row the day its age is told of."""
    today = localdate(at)
    for row in rows:
        row.today = today


CUSTOMERS = declare(
    List(
        name="customers",
        title=_("Customers"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="customer-list",
        rows=lambda user: Customer.objects.visible_to(user).for_list(),
        filters=CustomerFilter,
        default_sort="-created",
        prepare=prepare,
        person=Person(Customer, lambda row: row, profiles.READ_FOR),
        columns=[
            Column("customer", _("Customer"), name_cell, lambda row: f"{row.public_id} {row.masked_name}", personal=("name",)),
            Column(
                "mobile",
                _("Mobile"),
                lambda row: format_html('<span class="mono">{}</span>', row.masked_mobile),
                lambda row: row.masked_mobile,
                phone=True,
                personal=("mobile",),
            ),
            Column("age", _("Age"), lambda row: row.age_band(row.today), lambda row: row.age_band(row.today), personal=("id_number",)),
            Column(
                "income",
                _("Income a month (CNY)"),
                lambda row: money(row.income),
                lambda row: row.income,
                sort="income",
                personal=("income",),
                kind="money",
                phone=True,
            ),
            Column(
                "debt",
                _("Other debts a month (CNY)"),
                lambda row: money(None if row.erased_at else row.monthly_debt),
                lambda row: None if row.erased_at else row.monthly_debt,
                personal=("monthly_debt",),
                kind="money",
                shown=False,
            ),
            Column("branch", _("Branch"), lambda row: row.branch, lambda row: row.branch, phone=True),
            Column("owner", _("Owner"), lambda row: or_absent(row.owner), lambda row: row.owner or "", phone=True),
            Column("channel", _("Channel"), lambda row: row.get_channel_display(), lambda row: row.get_channel_display()),
            Column("created", _("Since"), lambda row: day(row.created_at), lambda row: day(row.created_at), sort="id"),
            Column(
                "changed",
                _("Changed"),
                lambda row: day(row.updated_at),
                lambda row: day(row.updated_at),
                sort="updated_at",
                shown=False,
            ),
        ],
        fields=[
            owner_field(),
            branch_field(),
            Field("channel", _("Channel"), "channel", "choice", Channel.choices),
            Field("income", _("Income a month (CNY)"), "income", "money", nullable=True),
            Field("debt", _("Other debts a month (CNY)"), "monthly_debt", "money"),
            Field("created", _("Since"), "created_at", "moment"),
            Field("changed", _("Changed"), "updated_at", "moment"),
            Field(
                "origin",
                _("Origin"),
                "origin",
                "choice",
                [("real", Customer.Origin.REAL.label), ("generated", Customer.Origin.GENERATED.label)],
            ),
        ],
    )
)
