"""Forms of the rule of classification and of a product's ranges of days late."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit import class_rules
from credit.ranges import Rows, problem_of
from crm.lib import forms as house


class ClassRuleForm(house.Form):
    """The numbers of the rule, from when, and why."""

    since = forms.DateField(label=_("From"), widget=house.DateInput, help_text=_("the open business date or a later day"))
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, opened: date, **kwargs: Any) -> None:
        now = class_rules.standing(opened)
        law = class_rules.least()
        super().__init__(*args, initial={"since": opened} | now, **kwargs)
        for name, (_code, label, more) in class_rules.PARTS.items():
            field = forms.IntegerField(label=label, min_value=0)
            field.widget.attrs["class"] = "short"
            if name in law:
                field.help_text = (_("law: at least %(n)s") if more else _("law: at most %(n)s")) % {"n": law[name]}
            self.fields[name] = field
        house.dress(self)

    def parts(self) -> list[Any]:
        return [self[name] for name in class_rules.PARTS]

    def values(self) -> dict[str, int]:
        return {name: self.cleaned_data[name] for name in class_rules.PARTS}


class RangesForm(house.Form):
    """The ranges of a product, one a line, from when, and why."""

    ranges = forms.CharField(
        label=_("Ranges, days late"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono"}),
        help_text=_("One a line: name, first day, last day; the last one may be without an end. Empty: by month, M1 to M7+."),
    )
    since = forms.DateField(label=_("From"), widget=house.DateInput, help_text=_("the open business date or a later day"))
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    @staticmethod
    def text(rows: Rows) -> str:
        """Return rows as the field holds them."""
        return "\n".join(" ".join(str(part) for part in row if part is not None) for row in rows)

    def clean_ranges(self) -> Rows:
        rows: Rows = []
        for number, line in enumerate(self.cleaned_data["ranges"].splitlines(), start=1):
            parts = line.replace(",", " ").replace("，", " ").replace("–", " ").split()
            if not parts:
                continue
            if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts[1:]):
                raise forms.ValidationError(_("Line %(n)s: a name, the first day and the last day.") % {"n": number})
            rows.append([parts[0].upper(), int(parts[1]), int(parts[2]) if len(parts) == 3 else None])
        problem = problem_of(rows)
        if problem:
            raise forms.ValidationError(problem)
        return rows
