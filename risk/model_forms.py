"""Forms of the model desk: data sets, trainings, bins, the steps of a model's life, its reasons."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib import forms as house
from risk import data_sets, model_states
from risk.models import DataSet, ScorecardVersion, Training


class DataSetForm(house.Form):
    """A table with known outcomes. The file stands last, so that what was typed before it is kept when it is too large."""

    name = forms.CharField(label=_("Name of the data set"), max_length=80)
    target = forms.CharField(
        label=_("Target column"), max_length=120, help_text=_("the column that says how it ended: 1 or bad, 0 or good"),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File (CSV, UTF-8 or GB18030, also packed with gzip)"), allow_empty_file=True, max_length=200,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.gz,text/csv,.txt"}),
    )  # fmt: skip


class RolesForm(house.VersionedForm):
    """What each column is for: one choice a column, named by its place."""

    def __init__(self, *args: Any, data_set: DataSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.data_set = data_set
        choices = list(data_sets.ROLES.items())
        for place, one in enumerate(data_set.columns):
            self.fields[f"role_{place}"] = forms.ChoiceField(
                label=one["name"], choices=choices, initial=one["role"], widget=forms.Select(attrs={"aria-label": one["name"]})
            )
        self.fields["version"].initial = data_set.version
        house.dress(self)

    def roles(self) -> dict[str, str]:
        """Return the roles by column."""
        return {one["name"]: self.cleaned_data[f"role_{place}"] for place, one in enumerate(self.data_set.columns)}

    def rows(self) -> list[tuple[dict[str, Any], Any]]:
        """Return each column with its field."""
        return [(one, self[f"role_{place}"]) for place, one in enumerate(self.data_set.columns)]


class TrainingForm(house.Form):
    """What is to be trained."""

    code = forms.CharField(
        label=_("Code of the model"), max_length=60, help_text=_("a new one makes a new model, a known one its next version"),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    name_en = forms.CharField(label=_("Name in English"), max_length=120, required=False, help_text=_("for a new model"))
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120, required=False, help_text=_("for a new model"))
    kind = forms.ChoiceField(label=_("Kind"), choices=Training.Kind.choices)
    cv = forms.IntegerField(label=_("Folds of cross-validation"), initial=5, min_value=2, max_value=20)
    seed = forms.IntegerField(
        label=_("Seed"), initial=0, min_value=0, max_value=2_147_483_647, help_text=_("the same seed gives the same model")
    )


class ValidateForm(house.Form):
    """The validator's report."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    checklist = forms.MultipleChoiceField(
        label=_("Looked at"),
        choices=list(model_states.CHECKS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick each point once you have looked at it.")},
    )
    tier = forms.TypedChoiceField(
        label=_("Tier"), coerce=int,
        choices=[(1, _("1 · decides alone")), (2, _("2 · helps to decide")), (3, _("3 · informs"))], initial=2,
    )  # fmt: skip
    report = forms.CharField(label=_("Report"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))


class ApproveForm(house.Form):
    """The approver's words; a reason where groups are treated apart."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    text = forms.CharField(label=_("Why it is approved"), max_length=2000, widget=forms.Textarea)
    fairness_reason = forms.CharField(label=_("Why the gap between groups is accepted"), max_length=400, widget=forms.Textarea)
    review_due = forms.DateField(label=_("Next review"), widget=house.DateInput)

    def __init__(self, *args: Any, gaps: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["review_due"].initial = localdate() + timedelta(days=365)
        if not gaps:
            del self.fields["fairness_reason"]


class ReasonForm(house.Form):
    """Why a model is rejected or retired."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    text = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea)


class ChampionForm(house.Form):
    """Nothing but which version."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class ReviewForm(house.Form):
    """The annual review."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    outcome = forms.ChoiceField(label=_("Outcome"), choices=list(model_states.REVIEWS.items()))
    text = forms.CharField(label=_("What was found"), max_length=4000, widget=forms.Textarea)
    next_due = forms.DateField(label=_("Next review"), widget=house.DateInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["next_due"].initial = localdate() + timedelta(days=365)


TEXTS = ("label_en", "label_zh", "en", "zh", "customer_en", "customer_zh")


class ReasonTextsForm(house.Form):
    """The sentences of each reason in both languages, for staff and for the customer."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, model: ScorecardVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = list(model.content.get("reasons", {}))
        labels = {"label_en": _("Name, English"), "label_zh": _("Name, Chinese"), "en": _("For staff, English"), "zh": _("For staff, Chinese"),
                  "customer_en": _("For the customer, English"), "customer_zh": _("For the customer, Chinese")}  # fmt: skip
        for place, code in enumerate(self.codes):
            for name in TEXTS:
                self.fields[f"{name}_{place}"] = forms.CharField(
                    label=labels[name], max_length=300, initial=model.content["reasons"][code].get(name, "")
                )
        self.fields["number"].initial = model.number
        house.dress(self)

    def groups(self) -> list[tuple[str, list[Any]]]:
        """Return each code with its fields."""
        return [(code, [self[f"{name}_{place}"] for name in TEXTS]) for place, code in enumerate(self.codes)]

    def texts(self) -> dict[str, dict[str, str]]:
        """Return the sentences by code."""
        return {code: {name: self.cleaned_data[f"{name}_{place}"] for name in TEXTS} for place, code in enumerate(self.codes)}


class BinsForm(house.Form):
    """The bins of one feature: limits of a number, one a line; groups of a category, one a line, values parted by bars."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    bins = forms.CharField(
        label=_("Bins"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 10, "class": "mono", "spellcheck": "false"})
    )
