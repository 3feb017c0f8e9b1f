"""Forms of dry runs: the two versions, the file they leave as, and the cell a list of cases is narrowed to."""

from typing import Any

import django_filters
from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from collection import dry_run_words, permissions, treatment_experiments, treatment_shape
from collection.models import TreatmentDryRun
from crm.lib import forms as house
from crm.lib import tables
from risk.models import StrategyVersion


class DryRunForm(house.Form):
    """Which version is tried, and against which."""

    draft = forms.ModelChoiceField(label=_("Version that is tried"), queryset=StrategyVersion.objects.none(), empty_label=None)
    base = forms.ModelChoiceField(label=_("Held against"), queryset=StrategyVersion.objects.none(), empty_label=None)

    def __init__(self, *args: Any, version: str = "", **kwargs: Any) -> None:
        live = treatment_experiments.champion()
        rows = StrategyVersion.objects.filter(strategy__kind=treatment_shape.KIND).select_related("strategy")
        newest = rows.exclude(pk=live.pk if live else 0).order_by("-pk")
        strategy, _dot, number = version.partition(".")
        asked = newest.filter(strategy__public_id=strategy, number=int(number)) if number.isdecimal() and len(number) < 6 else newest.none()
        super().__init__(*args, initial={"draft": asked.first() or newest.first(), "base": live}, **kwargs)
        for name in ("draft", "base"):
            field: Any = self.fields[name]
            field.queryset = rows.defer("graph", "input_schema", "reasons", "evidence").order_by("strategy__code", "-number")
            field.label_from_instance = lambda one: f"{one.strategy.name} v{one.number} · {one.get_status_display()}"


class CellField(forms.CharField):
    """The cell of a dry run whose cases are asked for."""

    def clean(self, value: Any) -> Any:
        return dry_run_words.behind(str(value)) if value else ""


class CellFilter(django_filters.Filter):
    field_class = CellField


def sheets(user: Any, params: QueryDict) -> list[tables.Sheet]:
    """Return the file somebody ordered, read when it is written."""
    row = TreatmentDryRun.objects.visible_to(user).for_list().filter(public_id=params.get("run", "")).first()
    return dry_run_words.as_file(row) if row is not None else [tables.Sheet(TABLE.name, [], [])]


TABLE = tables.Table(
    "collections.dry_run", _("Dry run of a treatment strategy"), permissions.VIEW_TREATMENT, permissions.EXPORT, lambda: reverse("treatments"), sheets
)  # fmt: skip
tables.declare(TABLE)
