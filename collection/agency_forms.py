"""Forms of agencies and placements, and what may be asked of the list of placements."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import agencies, agency_files, placement_orders, queues
from collection.models import Agency, Placement
from crm.lib import forms as house
from governance import table_files
from governance.models import User

STEPS = 4  # of the fee schedule, on the page; the door takes more


class AgencyForm(house.Form):
    """Who an agency is, how much it may have and what it earns; a second person confirms it."""

    code = forms.CharField(label=_("Code"), max_length=20, help_text=_("Capital letters, digits and hyphens; it stays."))
    name_en = forms.CharField(label=_("Name in English"), max_length=agencies.LONGEST_NAME)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=agencies.LONGEST_NAME)
    capacity = forms.IntegerField(label=_("Most cases at once"), min_value=1, max_value=agencies.MOST_CASES)
    members = forms.ModelMultipleChoiceField(
        label=_("Works for it"), queryset=User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("People and API clients with the role of an agency. Whoever is added stays on record."),
    )  # fmt: skip
    active = forms.BooleanField(label=_("May take cases"), required=False, initial=True)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, agency: Agency | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        steps = sorted((int(days), Decimal(share)) for days, share in agency.fees.items()) if agency else [(31, None)]
        for number in range(1, STEPS + 1):
            days, share = steps[number - 1] if number <= len(steps) else (None, None)
            self.fields[f"days_{number}"] = forms.IntegerField(
                label=_("From days past due"), required=False, min_value=0, max_value=agencies.LONGEST_DPD, initial=days
            )
            self.fields[f"fee_{number}"] = forms.DecimalField(
                label=_("Fee, % of what comes in"), required=False, min_value=0, max_value=Decimal("99.99"), max_digits=4, decimal_places=2,
                initial=(share * 100).quantize(Decimal("0.01")) if share is not None else None,
            )  # fmt: skip
        people: Any = self.fields["members"]
        people.queryset = agencies.may_join().order_by("name")
        if agency is not None:
            del self.fields["code"]
            for name in ("name_en", "name_zh", "capacity"):
                self.fields[name].initial = getattr(agency, name)
            people.initial = list(agency.members.values_list("pk", flat=True))
            self.fields["active"].initial = agency.status == Agency.Status.ACTIVE
        else:
            del self.fields["active"]
        house.dress(self)

    @property
    def steps(self) -> list[tuple[Any, Any]]:
        return [(self[f"days_{number}"], self[f"fee_{number}"]) for number in range(1, STEPS + 1)]

    def clean(self) -> dict[str, Any]:
        """Put the schedule together; half a step says which half lacks."""
        data = super().clean() or self.cleaned_data
        fees: dict[int, Decimal] = {}
        for number in range(1, STEPS + 1):
            days, fee = data.get(f"days_{number}"), data.get(f"fee_{number}")
            if (days is None) != (fee is None):
                self.add_error(f"fee_{number}" if fee is None else f"days_{number}", _("Enter both, or neither."))
            elif days is not None and fee is not None:
                if days in fees:
                    self.add_error(f"days_{number}", _("Two steps begin on the same day."))
                fees[days] = fee / 100
        if not fees and not self.errors:
            self.add_error("fee_1", _("Enter at least one fee."))
        data["fees"] = fees
        return data


class SuspendForm(house.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class AsksForm(house.Form):
    """Which cases are to be placed, and with whom."""

    dpd_from = forms.IntegerField(label=_("From days past due"), required=False, min_value=0, max_value=agencies.LONGEST_DPD)
    dpd_to = forms.IntegerField(label=_("To days past due"), required=False, min_value=0, max_value=agencies.LONGEST_DPD)
    amount_from = house.MoneyField(label=_("Overdue from (CNY)"), required=False)
    most = forms.IntegerField(label=_("At most so many cases"), required=False, min_value=1, max_value=placement_orders.MOST)
    agency = forms.ModelChoiceField(
        label=_("Agency"),
        queryset=Agency.objects.none(),
        required=False,
        to_field_name="public_id",
        empty_label=_("All, by performance and room"),
    )

    def __init__(self, *args: Any, agencies_of: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["agency"]
        field.queryset = agencies_of.filter(status=Agency.Status.ACTIVE).order_by("code")
        house.dress(self)

    def asks(self) -> dict[str, Any]:
        """Return what is asked of the cases, as an order keeps it."""
        data = self.cleaned_data
        amount = data.get("amount_from")
        return {name: data.get(name) for name in ("dpd_from", "dpd_to", "most")} | {"amount_from": str(amount) if amount else None}


class PlaceForm(house.Form):
    """With which agency one case is placed."""

    agency = forms.ModelChoiceField(label=_("Agency"), queryset=Agency.objects.none(), to_field_name="public_id", empty_label=None)

    def __init__(self, *args: Any, open_to: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["agency"]
        field.queryset = open_to
        house.dress(self)


BY_HAND: Sequence[str] = (
    Placement.Reason.DECISION, Placement.Reason.COMPLAINT, Placement.Reason.DISPUTE, Placement.Reason.HARDSHIP, Placement.Reason.VULNERABLE,
    Placement.Reason.DECEASED,
)  # fmt: skip


class RecallForm(house.Form):
    reason = forms.ChoiceField(
        label=_("Why"), choices=[(value, label) for value, label in Placement.Reason.choices if value in BY_HAND], widget=forms.RadioSelect,
        error_messages={"required": _("Choose why it is taken back.")},
    )  # fmt: skip


class FileForm(house.Form):
    """In which form a file leaves, and what for in words."""

    form = forms.ChoiceField(
        label=_("Form of the file"), choices=[(table_files.XLSX, _("Workbook (XLSX)")), (table_files.CSV, _("Comma-separated values (CSV)"))],
        widget=forms.RadioSelect, initial=table_files.XLSX,
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why"), max_length=500, min_length=5, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("It is kept with your name."),
    )  # fmt: skip


class TraceForm(house.Form):
    """What leaked, or a part of it."""

    text = forms.CharField(
        label=_("What leaked"), max_length=agency_files.LONGEST, strip=False, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Paste rows of the file; one is enough."),
    )  # fmt: skip


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
