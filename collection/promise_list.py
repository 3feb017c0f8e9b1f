"""The list of promises: columns, and what may be asked of it."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions
from collection.models import RUNNING, Channel, Promise
from crm.lib import forms as crm_forms
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import day, money, status
from customers.models import Customer
from governance.list_fields import owner_field


class PromiseFilter(django_filters.FilterSet):
    """Quick filters of the list of promises; `due` is a day of the calendar."""

    status = django_filters.ChoiceFilter(
        label=_("Status"),
        empty_label=_("Any"),
        choices=[("running", pgettext_lazy("promise", "Running")), *Promise.Status.choices],
        method="of_status",
    )
    due = django_filters.DateFilter(label=_("Promised for"), method="of_day", widget=crm_forms.DateInput)
    whose = django_filters.ChoiceFilter(label=_("Whose"), empty_label=_("Any"), choices=[("mine", _("Mine"))], method="of_person")

    class Meta:
        model = Promise
        fields: list[str] = []

    def of_status(self, queryset: QuerySet[Promise], _name: str, value: str) -> QuerySet[Promise]:
        return queryset.filter(status__in=RUNNING) if value == "running" else queryset.filter(status=value)

    def of_day(self, queryset: QuerySet[Promise], _name: str, value: Any) -> QuerySet[Promise]:
        return queryset.filter(pk__in=Promise.objects.filter(parts__due_on=value).values("pk"))

    def of_person(self, queryset: QuerySet[Promise], _name: str, value: str) -> QuerySet[Promise]:
        return queryset.filter(taken_by=self.request.user.pk)


def promise_cell(row: Promise) -> Any:
    url = reverse("promise", args=[row.public_id])
    return format_html(
        '<a class="text-nowrap" href="{}">{}</a> <span class="sub">{}</span>', url, row.public_id, row.case.customer.masked_name
    )


def case_cell(row: Promise) -> Any:
    return format_html('<a class="text-nowrap" href="{}">{}</a>', reverse("case", args=[row.case.public_id]), row.case.public_id)


PROMISES = declare(
    List(
        name="promises",
        title=_("Promises"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="promise-list",
        rows=lambda user: Promise.objects.visible_to(user).for_list(),
        filters=PromiseFilter,
        default_sort="-taken",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            Column(
                "promise", _("Promise"), promise_cell, lambda row: f"{row.public_id} {row.case.customer.masked_name}", personal=("name",)
            ),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column(
                "amount",
                _("Promised (CNY)"),
                lambda row: money(row.amount),
                lambda row: row.amount,
                sort="amount",
                kind="money",
                phone=True,
            ),
            Column("paid", _("Paid (CNY)"), lambda row: money(row.paid_amount), lambda row: row.paid_amount, kind="money"),
            Column(
                "due", _("Promised for"), lambda row: day(row.last_due_on), lambda row: day(row.last_due_on), sort="last_due_on", phone=True
            ),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
            Column("by", _("Taken by"), lambda row: row.taken_by, lambda row: str(row.taken_by)),
            Column("taken", _("Taken on"), lambda row: day(row.taken_on), lambda row: day(row.taken_on), sort="id"),
            Column("ended", _("Ended on"), lambda row: day(row.ended_on), lambda row: row.ended_on and day(row.ended_on), shown=False),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", Promise.Status.choices),
            Field("amount", _("Promised (CNY)"), "amount", "money"),
            Field("due", _("Promised for"), "last_due_on", "day"),
            Field("taken", _("Taken on"), "taken_on", "day"),
            Field("ended", _("Ended on"), "ended_on", "day", nullable=True),
            Field("channel", _("Contact by"), "channel", "choice", Channel.choices),
            owner_field("by", "taken_by", _("Taken by")),
        ],
    )
)
