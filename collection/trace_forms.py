"""Forms of tracing."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models import TraceFind, TraceRequest
from collection.traces import sources
from crm.lib import forms as crm_forms
from governance.models import LegalBasis


class AskForm(crm_forms.Form):
    """What a debtor is looked for, and on which ground."""

    purpose = forms.ChoiceField(label=_("What for"), choices=TraceRequest.Purpose.choices, widget=forms.RadioSelect)
    basis = forms.ChoiceField(label=_("Ground of law"))
    reason = forms.CharField(label=_("Why"), min_length=5, max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["basis"]
        field.choices = [
            (row.code, str(row))
            for row in LegalBasis.objects.filter(code__in=["contract", "consent", "legal_duty", "made_public"]).order_by("pk")
        ]
        crm_forms.dress(self)


class FindForm(crm_forms.Form):
    """A way to the debtor that a source told."""

    kind = forms.ChoiceField(label=pgettext_lazy("tracing", "What was found"), choices=TraceFind.Kind.choices)
    source = forms.ChoiceField(label=pgettext_lazy("tracing", "Source"))
    value = forms.CharField(
        label=_("Number or address"), max_length=200, help_text=_("A reference's number is not taken: references are never asked.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["source"]
        field.choices = [(one.code, one.name) for one in sources().values() if one.is_on and one.code != "own_files"]
        crm_forms.dress(self)
