"""The lists of disputes and complaints: columns, and what may be asked of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions
from collection.models import Complaint, Dispute
from credit import books
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import absent, badge, day, money, status
from customers.models import Customer
from governance.list_fields import owner_field


class MatterFilter(django_filters.FilterSet):
    """Quick filters of matters; open ones are shown unless another status is asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("matters", "Open"), choices=[("decided", pgettext_lazy("matters", "Decided")), ("all", _("All"))],
        method="of_status",
    )  # fmt: skip
    whose = django_filters.ChoiceFilter(label=_("Whose"), empty_label=_("Any"), choices=[("mine", _("Mine"))], method="of_person")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.filter(status="open")

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.exclude(status="open") if value == "decided" else queryset

    def of_person(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(owner=self.request.user.pk)


class DisputeFilter(MatterFilter):
    class Meta:
        model = Dispute
        fields: list[str] = []


class ComplaintFilter(MatterFilter):
    class Meta:
        model = Complaint
        fields: list[str] = []


def matter_cell(url_name: str) -> Callable[[Any], Any]:
    def cell(row: Any) -> Any:
        url = reverse(url_name, args=[row.public_id])
        return format_html(
            '<a class="text-nowrap" href="{}">{}</a> <span class="sub">{}</span>', url, row.public_id, row.case.customer.masked_name
        )

    return cell


def case_cell(row: Any) -> Any:
    return format_html('<a class="text-nowrap" href="{}">{}</a>', reverse("case", args=[row.case.public_id]), row.case.public_id)


def due_cell(row: Any) -> Any:
    """The last day for the answer; how it stands is told in words too."""
    if not row.is_open:
        return day(row.decided_on)
    late = row.due_on < row.today
    return format_html("{} {}", day(row.due_on), badge("bad", _("Overdue"))) if late else day(row.due_on)


def prepare(rows: list[Any], at: datetime) -> None:
    for row in rows:
        row.today = books.value_day(row.case.legal_entity, at)


def shared(url_name: str) -> list[Column]:
    return [
        Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
        Column("kind", _("About"), lambda row: row.get_kind_display(), lambda row: row.get_kind_display(), phone=True),
        Column("due", _("Answer by"), due_cell, lambda row: day(row.due_on), sort="due_on", phone=True),
        Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
        Column("owner", _("Answered by"), lambda row: row.owner, lambda row: str(row.owner)),
        Column("opened", _("Opened on"), lambda row: day(row.opened_on), lambda row: day(row.opened_on), sort="id"),
    ]


def fields(model: Any) -> list[Field]:
    return [
        Field("status", _("Status"), "status", "choice", model.Status.choices),
        Field("kind", _("About"), "kind", "choice", model.Kind.choices),
        Field("due", _("Answer by"), "due_on", "day"),
        Field("opened", _("Opened on"), "opened_on", "day"),
        owner_field("owner", "owner", _("Answered by")),
    ]


def first_column(name: str, label: Any, url_name: str) -> Column:
    return Column(name, label, matter_cell(url_name), lambda row: f"{row.public_id} {row.case.customer.masked_name}", personal=("name",))


DISPUTES = declare(
    List(
        name="disputes",
        title=_("Disputes"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="dispute-list",
        rows=lambda user: Dispute.objects.visible_to(user).for_list().select_related("loan", "case__legal_entity"),
        filters=DisputeFilter,
        default_sort="due",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        prepare=prepare,
        columns=[
            first_column("dispute", _("Dispute"), "dispute"),
            Column(
                "amount",
                _("Contested (CNY)"),
                lambda row: money(row.amount),
                lambda row: row.amount,
                sort="amount",
                kind="money",
                phone=True,
            ),
            *shared("dispute"),
        ],
        fields=[*fields(Dispute), Field("amount", _("Contested (CNY)"), "amount", "money")],
    )
)
COMPLAINTS = declare(
    List(
        name="complaints",
        title=_("Complaints"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="complaint-list",
        rows=lambda user: Complaint.objects.visible_to(user).for_list().select_related("about", "case__legal_entity"),
        filters=ComplaintFilter,
        default_sort="due",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        prepare=prepare,
        columns=[
            first_column("complaint", _("Complaint"), "complaint"),
            *shared("complaint"),
            Column("about", _("Complained about"), lambda row: row.about or absent("not_applicable"), lambda row: str(row.about or "")),
        ],
        fields=[*fields(Complaint), owner_field("about", "about", _("Complained about"))],
    )
)
