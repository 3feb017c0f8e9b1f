"""Forms of quality: draw a sample, score a contact, reply, change the questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import quality
from crm.lib import forms as crm_forms

ROOM = 3  # empty rows for new questions


class DrawForm(crm_forms.Form):
    """Which conversations a sample is drawn from."""

    since = forms.DateField(label=_("First day"), widget=crm_forms.DateInput)
    until = forms.DateField(label=_("Last day"), widget=crm_forms.DateInput)
    each = forms.IntegerField(label=_("For each collector"), min_value=1, max_value=quality.MOST_SAMPLE)
    seed = forms.CharField(label=_("Seed"), max_length=40, help_text=_("The same seed draws the same sample."))


class ScoreForm(crm_forms.Form):
    """The questions of the form in force."""

    note = forms.CharField(
        label=_("Note for the collector"), required=False, max_length=quality.LONGEST, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, questions: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(quality.YES, _("Yes")), (quality.NO, _("No")), (quality.NOT_ASKED, _("Does not apply"))]
        for each in questions:
            label = f"{quality.said(each)} ({each['weight']}{' !' if each['critical'] else ''})"
            self.fields[f"q_{each['code']}"] = forms.ChoiceField(
                label=label, choices=choices, widget=forms.RadioSelect, error_messages={"required": _("Answer every question.")}
            )
        self.order_fields([name for name in self.fields if name != "note"] + ["note"])
        crm_forms.dress(self)

    def answers(self) -> dict[str, str]:
        return {name[2:]: value for name, value in self.cleaned_data.items() if name.startswith("q_")}


class WordsForm(crm_forms.Form):
    """A reply, or its answer."""

    words = forms.CharField(label=_("In your words"), max_length=quality.LONGEST, widget=forms.Textarea(attrs={"rows": 3}))


class QuestionsForm(crm_forms.Form):
    """The questions with their weights; an empty row is left out."""

    why = forms.CharField(label=_("What the change is for"), max_length=200)

    def __init__(self, *args: Any, questions: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = [each["code"] for each in questions]
        self.size = min(len(questions) + ROOM, quality.MOST_QUESTIONS)
        for place in range(self.size):
            row: Mapping[str, Any] = questions[place] if place < len(questions) else {}
            self.fields[f"en_{place}"] = forms.CharField(
                label=_("Question in English"), required=False, max_length=300, initial=row.get("en", "")
            )
            self.fields[f"zh_{place}"] = forms.CharField(
                label=_("Question in Chinese"), required=False, max_length=300, initial=row.get("zh", "")
            )
            self.fields[f"weight_{place}"] = forms.IntegerField(
                label=pgettext_lazy("question", "Weight"), required=False, min_value=1, max_value=100, initial=row.get("weight")
            )
            self.fields[f"critical_{place}"] = forms.BooleanField(
                label=_("May not fail"), required=False, initial=row.get("critical", False)
            )
        crm_forms.dress(self)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [
            {"number": place + 1, "fields": [self[f"{name}_{place}"] for name in ("en", "zh", "weight", "critical")]}
            for place in range(self.size)
        ]

    def rows(self) -> list[dict[str, Any]]:
        data, found = self.cleaned_data, []
        for place in range(self.size):
            if data.get(f"en_{place}") or data.get(f"zh_{place}"):
                code = self.known[place] if place < len(self.known) else f"q{place + 1}"
                found.append(
                    {"code": code, "en": data[f"en_{place}"], "zh": data[f"zh_{place}"], "weight": data[f"weight_{place}"] or 0,
                     "critical": data[f"critical_{place}"]}
                )  # fmt: skip
        return found
