"""The form of a script: its lines in order, and which of them must be said."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection import scripts
from crm.lib import forms as crm_forms


class ScriptForm(crm_forms.Form):
    """Up to twelve lines; an empty one is left out."""

    def __init__(self, *args: Any, lines: list[Mapping[str, Any]], **kwargs: Any) -> None:
        initial: dict[str, Any] = {}
        for number, line in enumerate(lines, 1):
            initial |= {f"line_{number}": line["text"], f"must_{number}": line["must"]}
        super().__init__(*args, initial=initial | kwargs.pop("initial", {}), **kwargs)
        for number in range(1, scripts.MOST_LINES + 1):
            self.fields[f"line_{number}"] = forms.CharField(
                label=_("Line %(n)s") % {"n": number},
                required=False,
                max_length=scripts.LONGEST_LINE,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
            self.fields[f"must_{number}"] = forms.BooleanField(label=_("Must be said"), required=False)
        self.fields["reason"] = forms.CharField(label=_("Why"), max_length=500)
        crm_forms.dress(self)

    @property
    def rows(self) -> list[tuple[Any, Any]]:
        return [(self[f"line_{number}"], self[f"must_{number}"]) for number in range(1, scripts.MOST_LINES + 1)]

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines as a script holds them, numbered anew."""
        written = [
            (text, self.cleaned_data[f"must_{number}"])
            for number in range(1, scripts.MOST_LINES + 1)
            if (text := self.cleaned_data[f"line_{number}"].strip())
        ]
        return [{"code": f"l{number}", "text": text, "must": must} for number, (text, must) in enumerate(written, 1)]
