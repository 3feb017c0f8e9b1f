"""Forms of caps: the proposal, and the simulator that writes nothing."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit import caps
from credit.models import Product, RateCap
from crm.lib import forms as house
from governance.models import Rule
from governance.models.identity import Channel


class PercentField(forms.DecimalField):
    """A rate as people write it, `24` or `24.00%`; its value is the fraction, 0.24."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=8, decimal_places=4, widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "short"}), **kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(str(value).strip().removesuffix("%").strip() if value not in self.empty_values else value)

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return None if found is None else (found / 100).quantize(caps.PLACES)

    def prepare_value(self, value: Any) -> Any:
        return f"{(value * 100).normalize():f}" if isinstance(value, Decimal) else value


class SimulatorForm(house.Form):
    """The cap that is tried."""

    value = PercentField(label=_("Cap (% a year)"), min_value=Decimal("0.01"), max_value=Decimal("999"))
    basis = forms.ChoiceField(label=_("Basis"), choices=RateCap.Basis.choices)
    counts = forms.MultipleChoiceField(
        label=_("Counts beside interest"), choices=RateCap.Part.choices, widget=forms.CheckboxSelectMultiple, required=False
    )

    def cap(self, pattern: RateCap) -> RateCap:
        """Return the cap as typed, unsaved; scope and names are the pattern's."""
        data = self.cleaned_data
        return RateCap(
            code=pattern.code, name_en=pattern.name_en, name_zh=pattern.name_zh, products=pattern.products, channels=pattern.channels,
            per=pattern.per, value=data["value"], basis=data["basis"], counts=data["counts"],
        )  # fmt: skip


class CapForm(SimulatorForm):
    """A cap, or another row of one from a day on."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Small letters, digits, dots and _. It cannot be changed later."))
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    per = forms.ChoiceField(label=_("Holds for"), choices=RateCap.Per.choices)
    binding = forms.BooleanField(
        label=_("Refuses offers above it"), required=False, help_text=_("Otherwise it is shown beside each product and refuses nothing.")
    )
    products = forms.MultipleChoiceField(label=_("Only these products"), required=False, widget=forms.CheckboxSelectMultiple)
    channels = forms.MultipleChoiceField(
        label=_("Only these channels"), required=False, choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )
    citation = forms.CharField(label=_("Citation"), required=False, max_length=300, widget=forms.Textarea)
    verification = forms.ChoiceField(label=_("Checked"), choices=Rule.Verification.choices)
    effective_from = forms.DateField(label=_("Holds from"), widget=house.DateInput)
    effective_to = forms.DateField(label=_("Until, not including"), required=False, widget=house.DateInput)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {product.code: f"{product} ({product.code})" for product in Product.objects.order_by("code", "version")}
        self.fields["products"].choices = list(names.items())  # type: ignore[attr-defined]

    @classmethod
    def of(cls, cap: RateCap | None, data: Any = None) -> "CapForm":
        """Return the form filled with the row that stands, or an empty one."""
        if cap is None:
            return cls(data, initial={"binding": True, "counts": RateCap.Part.values, "verification": Rule.Verification.UNVERIFIED})
        form = cls(data, initial={name: getattr(cap, name) for name in caps.CONTENT if not name.startswith("effective")})
        del form.fields["code"]
        return form

    def content(self) -> dict[str, Any]:
        return caps.wanted(**{name: self.cleaned_data[name] for name in caps.CONTENT})
