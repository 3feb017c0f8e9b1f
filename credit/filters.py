"""Filters of the lists: nothing in them identifies a person, because they stand in the address."""

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from credit import reports
from credit.accrual import LAST_BUCKET, bucket_name
from credit.models import Application, Loan, Product


def products(request: Any) -> QuerySet[Product]:
    return Product.objects.visible_to(request.user).order_by("code", "-version") if request else Product.objects.none()


class CellField(forms.CharField):
    """The figure of a report whose loans are asked for."""

    def clean(self, value: Any) -> Any:
        return reports.behind(str(value)) if value else ""


class CellFilter(filters.Filter):
    field_class = CellField


class ApplicationFilter(filters.FilterSet):
    OPEN = "open"

    status = filters.ChoiceFilter(
        label=_("Status"), method="by_status", empty_label=_("Any"), choices=[(OPEN, _("All open")), *Application.Status.choices]
    )
    product = filters.ModelChoiceFilter(label=_("Product"), queryset=products, empty_label=_("Any"), to_field_name="public_id")
    since = filters.DateFilter(label=_("Entered from"), field_name="created_at", lookup_expr="date__gte")
    until = filters.DateFilter(label=_("Entered to"), field_name="created_at", lookup_expr="date__lte")
    whose = filters.ChoiceFilter(label=_("Whose"), method="by_whose", empty_label=_("All"), choices=[("mine", _("Mine"))])

    def by_status(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.open() if value == self.OPEN else queryset.filter(status=value)

    def by_whose(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(owner=self.request.user)


class LoanFilter(filters.FilterSet):
    LATE = "late"

    status = filters.ChoiceFilter(
        label=_("Status"), method="by_status", empty_label=_("Any"), choices=[(LATE, _("Past due")), *Loan.Status.choices]
    )
    bucket = filters.ChoiceFilter(
        label=_("Bucket"), empty_label=_("Any"), choices=[(str(n), bucket_name(n)) for n in range(LAST_BUCKET + 1)]
    )
    product = filters.ModelChoiceFilter(label=_("Product"), queryset=products, empty_label=_("Any"), to_field_name="public_id")
    since = filters.DateFilter(label=_("Paid out from"), field_name="starts_on", lookup_expr="gte")
    whose = filters.ChoiceFilter(label=_("Whose"), method="by_whose", empty_label=_("All"), choices=[("mine", _("Mine"))])
    cell = CellFilter(label=_("Figure of a report"), method="by_cell", widget=forms.HiddenInput)

    def by_cell(self, queryset: Any, name: str, value: Any) -> Any:
        return value.place.among(queryset, Loan.objects.visible_to(self.request.user)) if value.place else queryset.none()

    def by_status(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.overdue() if value == self.LATE else queryset.filter(status=value)

    def by_whose(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(owner=self.request.user)
