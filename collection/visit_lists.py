"""The list of field visits: columns, and what may be asked of them."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import permissions
from collection.matter_lists import case_cell, first_column
from collection.models import FieldVisit
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import absent, day, status
from customers.models import Customer


class VisitFilter(django_filters.FilterSet):
    """Quick filters: those under way, unless all are asked for; those one is sent on."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("visit", "Under way and planned"), method="of_status",
        choices=[("wanted", pgettext_lazy("visit", "To be planned")), ("all", _("All"))],
    )  # fmt: skip
    whose = django_filters.ChoiceFilter(label=_("Whose"), empty_label=_("Any"), choices=[("mine", _("Mine"))], method="of_person")

    class Meta:
        model = FieldVisit
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.open()

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(status=value) if value == "wanted" else queryset

    def of_person(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        found: Any = queryset
        result: QuerySet[Any] = found.of_pair(self.request.user)
        return result


def when(row: FieldVisit) -> Any:
    return day(row.on) if row.on else absent("not_applicable")


def hours(row: FieldVisit) -> str:
    return f"{row.opens:%H:%M}–{row.closes:%H:%M}" if row.opens and row.closes else ""


def pair(row: FieldVisit) -> str:
    return " · ".join(str(one) for one in (row.first, row.second) if one)


VISITS = declare(
    List(
        name="visits",
        title=_("Field visits"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="visit-list",
        rows=lambda user: FieldVisit.objects.visible_to(user).for_list(),
        filters=VisitFilter,
        default_sort="-wanted",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        columns=[
            first_column("visit", pgettext_lazy("field visit", "Visit"), "visit"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("on", _("Day"), when, lambda row: day(row.on) if row.on else "", sort="on", phone=True),
            Column("hours", _("Hours"), hours, hours),
            Column(
                "area", pgettext_lazy("visit", "Area"), lambda row: row.area or absent("not_applicable"), lambda row: row.area, phone=True
            ),
            Column("pair", _("Who goes"), lambda row: pair(row) or absent(), pair, phone=True),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
            Column("wanted", _("Asked for"), lambda row: day(row.wanted_at), lambda row: day(row.wanted_at), sort="id", shown=False),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", FieldVisit.Status.choices),
            Field("on", _("Day"), "on", "day"),
        ],
    )
)
