"""What a reader of a report chooses, from the address: the same form for pages, files and the API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit import report_facts
from credit.models import Product
from credit.report_facts import Asked
from credit.reports import AMOUNT, BASIS_WORDS, BY_WORDS, CURRENT, EVER, MEASURE_WORDS, VIEW_WORDS, Choices, Report
from crm.lib.forms import dress
from governance.models import LegalEntity
from governance.models.identity import Channel


class ReportForm(forms.Form):
    """The choices of one report; what is left out is what the report opens with: the last month-end, 30+, current, amount."""

    observed = forms.ChoiceField(label=_("As of"), required=False)
    view = forms.TypedChoiceField(label=_("How late"), required=False, coerce=int, choices=list(VIEW_WORDS.items()))
    basis = forms.ChoiceField(label=_("Late when"), required=False, choices=list(BASIS_WORDS.items()))
    measure = forms.ChoiceField(label=_("Counted"), required=False, choices=list(MEASURE_WORDS.items()))
    by = forms.ChoiceField(label=_("One row per"), required=False)
    product = forms.ChoiceField(label=_("Product"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False, choices=[("", _("Any")), *Channel.choices])

    def __init__(self, report: Report, params: Mapping[str, Any], user: Any) -> None:
        self.report = report
        days = report_facts.months_on_file()
        entity = user.team.legal_entity if user.team_id else LegalEntity.objects.order_by("pk").first()
        closed = entity.business_date - timedelta(days=1) if entity else None
        if report.any_day and closed is not None and (not days or closed > days[0]):
            days.insert(0, closed)
        self.days = days
        opens = {
            "observed": days[0].isoformat() if days else "", "view": "30", "basis": CURRENT, "measure": AMOUNT, "by": report.by[0],
            "product": "", "channel": "",
        }  # fmt: skip
        self.opens = opens
        super().__init__({name: params.get(name) or value for name, value in opens.items()})
        fields: Any = self.fields
        fields["observed"].choices = [(day.isoformat(), day.isoformat()) for day in days]
        fields["by"].choices = [(name, BY_WORDS[name]) for name in report.by]
        codes = Product.objects.visible_to(user).order_by("code").values_list("code", flat=True).distinct()
        fields["product"].choices = [("", _("Any")), *((code, code) for code in codes)]
        for name in ("view", "basis", "measure", "by"):
            if name not in report.choices:
                del fields[name]
        dress(self)

    def choices(self) -> Choices | None:
        """Return what was chosen, the report's own choice where the address says something else; None without any month-end."""
        if not self.days:
            return None
        self.is_valid()
        found = {name: self.cleaned_data.get(name, value) for name, value in self.opens.items()}
        asked = Asked(
            report=self.report.name,
            observed=next((day for day in self.days if day.isoformat() == found["observed"]), self.days[0]),
            by=found["by"],
            view=int(found["view"]),
            ever=found["basis"] == EVER,
            product=found["product"],
            channel=found["channel"],
        )
        return Choices(asked, found["measure"])

    def query(self) -> dict[str, str]:
        """Return the choices as an address says them, each of them stated: what is kept does not change when defaults do."""
        self.is_valid()
        return {name: str(self.cleaned_data[name]) for name in self.fields if self.cleaned_data.get(name) not in (None, "")}
