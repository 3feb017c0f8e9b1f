"""Forms of treatment experiments."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection import treatment_experiments, treatment_shape
from crm.lib import forms as house
from risk.models import StrategyVersion


class ExperimentForm(house.Form):
    """What is tried on whom, and what would end it."""

    why = forms.CharField(label=_("What it is to answer"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    challenger = forms.ModelChoiceField(
        label=_("Challenger"), queryset=StrategyVersion.objects.none(), required=False, empty_label=_("none, only a part that is reminded")
    )
    challenger_share = forms.IntegerField(label=_("Share of the challenger, %"), min_value=0, max_value=50, initial=20)
    holdout_share = forms.IntegerField(
        label=_("Only reminded, %"),
        min_value=0,
        max_value=30,
        initial=10,
        help_text=_("They get the messages of their path and nothing else."),
    )
    minimum_sample = forms.IntegerField(label=_("Least cases in an arm before it is read"), min_value=30, max_value=1_000_000, initial=200)
    stop_complaints = forms.IntegerField(
        label=_("Ends when complaints lie above the champion's by, for 10,000 contacts"), min_value=1, max_value=10_000, initial=20
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = treatment_experiments.champion()
        rows = StrategyVersion.objects.filter(strategy__kind=treatment_shape.KIND, status__in=treatment_experiments.APPROVED)
        field: Any = self.fields["challenger"]
        field.queryset = rows.exclude(pk=live.pk if live else 0).select_related("strategy").order_by("strategy__code", "-number")
        field.label_from_instance = lambda one: f"{one.strategy.name} v{one.number} · {one.get_status_display()}"


class EndForm(house.Form):
    """Why an experiment ends."""

    why = forms.CharField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
