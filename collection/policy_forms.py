"""Forms of the contact policy: the draft's values, the days of a replay, the proposal."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection import contact_rules, replays
from crm.lib import forms as house
from customers import contact_packs


def name_of(code: str) -> str:
    return code.removeprefix("contact.").replace(".", "_")


class DraftForm(house.Form):
    """The house's own rules as they might be, one field a rule; hours are two."""

    title = forms.CharField(label=_("What the draft is called"), max_length=contact_rules.LONGEST_TITLE)
    since = forms.DateField(label=_("From"), widget=house.DateInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        values = contact_rules.standing()
        super().__init__(*args, initial={"since": today + timedelta(days=1)}, **kwargs)
        for row in contact_rules.drafted():
            code, label, value = row["code"], contact_rules.word(row), values.get(row["code"], row["value"])
            name = name_of(code)
            field: forms.Field
            if code == contact_packs.CHOSEN:
                choices = [(pack, contact_rules.pack_name(pack)) for pack in contact_packs.laws()]
                self.fields[name] = forms.ChoiceField(label=label, choices=choices, initial=value)
            elif row["part"] == "hours":
                for side, words in (("opens", _("from")), ("closes", _("until"))):
                    field = forms.TimeField(label=f"{label}: {words}", initial=value[side], widget=forms.TimeInput(attrs={"type": "time"}))
                    self.fields[f"{name}_{side}"] = field
            else:
                field = forms.IntegerField(label=label, min_value=0, max_value=contact_rules.MOST, initial=value)
                field.widget.attrs["class"] = "short"
                self.fields[name] = field
        house.dress(self)

    def parts(self) -> list[Any]:
        """Return the fields of the rules, in their order."""
        return [self[name] for name in self.fields if name not in ("title", "since", "form_key")]

    def values(self) -> dict[str, Any]:
        """Return the values by code."""
        data, found = self.cleaned_data, {}
        for row in contact_rules.drafted():
            name = name_of(row["code"])
            if row["part"] == "hours":
                found[row["code"]] = {side: f"{data[f'{name}_{side}']:%H:%M}" for side in ("opens", "closes")}
            else:
                found[row["code"]] = data[name]
        return found

    def say(self, problems: dict[str, Any]) -> None:
        """Put what the door refused beside its field."""
        for code, sentence in problems.items():
            name = name_of(code)
            self.add_error(name if name in self.fields else f"{name}_closes" if f"{name}_closes" in self.fields else None, sentence)


class ReplayForm(house.Form):
    """The days whose contacts are held against the draft."""

    since = forms.DateField(label=_("First day"), widget=house.DateInput)
    until = forms.DateField(label=_("Last day"), widget=house.DateInput)

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, initial={"since": today - timedelta(days=replays.QUARTER), "until": today}, **kwargs)


class DropForm(house.Form):
    """That a draft is to go: nothing but the yes."""


class ProposeForm(house.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))
