"""Forms of hardship, relief plans, special care and settlements."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection import relief_plans
from collection.disputes import LONGEST, owners
from collection.judgement import Part
from collection.matter_forms import words
from collection.models import BudgetLine, CareFlag, Case, Hardship, ReliefPlan
from credit.act_builds import Evidence
from credit.models import Loan
from crm.lib import forms as crm_forms
from governance.models import User

PARTS = 3  # of a settlement, on the page; the door takes more


class HardshipForm(crm_forms.Form):
    """What the hardship comes from and who answers."""

    cause = forms.ChoiceField(label=_("Shown by"), choices=Evidence.choices)
    words = forms.CharField(
        label=_("What happened"), required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": _("Write at most 2,000 characters.")},
    )  # fmt: skip
    owner = forms.ModelChoiceField(label=_("Answered by"), queryset=User.objects.none(), empty_label=None)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = owners(case)
        crm_forms.dress(self)


class BudgetForm(crm_forms.Form):
    """Income and expenses of a month; what is left empty is kept as not filled in."""

    def __init__(self, *args: Any, hardship: Hardship, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = {line.item: line.amount for line in hardship.lines.all()}
        for item, label in BudgetLine.Item.choices:
            self.fields[item] = crm_forms.MoneyField(label=label, required=False, initial=kept.get(item))
        crm_forms.dress(self)

    def side(self, side: str) -> list[Any]:
        return [self[item] for item in BudgetLine.Item.values if BudgetLine.SIDES[item] == side]

    @property
    def comes_in(self) -> list[Any]:
        return self.side("in")

    @property
    def goes_out(self) -> list[Any]:
        return self.side("out")

    def amounts(self) -> dict[str, Decimal | None]:
        return {item: self.cleaned_data.get(item) for item in BudgetLine.Item.values}


class PaperForm(crm_forms.Form):
    """A file that shows a hardship."""

    file = forms.FileField(
        label=_("File"), max_length=200, allow_empty_file=True, help_text=_("PDF, JPEG, PNG or HEIC, at most 10 MB"),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,.heic"}),
    )  # fmt: skip


class AnswerForm(crm_forms.Form):
    """How a request for relief ends without a plan."""

    outcome = forms.ChoiceField(
        label=_("Decision"), widget=forms.RadioSelect, error_messages={"required": _("Choose how it was decided.")},
        choices=[(each.value, each.label) for each in (Hardship.Status.REFUSED, Hardship.Status.WITHDRAWN)],
    )  # fmt: skip
    answer = words(_("Answer to the customer"), required=True)


class PlanForm(crm_forms.Form):
    """One plan for one loan; only the fields of the chosen kind are asked for."""

    loan = forms.ModelChoiceField(label=_("Loan"), queryset=Loan.objects.none(), empty_label=None)
    kind = forms.ChoiceField(label=_("Plan"), choices=ReliefPlan.Kind.choices)
    more = forms.IntegerField(label=_("Further instalments"), required=False, min_value=1, max_value=24)
    until = forms.DateField(label=_("Lower instalments until"), required=False, widget=crm_forms.DateInput)
    pays = crm_forms.MoneyField(label=_("Paid at each due date until then (CNY)"), required=False)
    periods = forms.IntegerField(label=_("Instalments from now on"), required=False, min_value=1, max_value=60)
    annual_rate = forms.DecimalField(
        label=_("New annual rate (%)"), required=False, min_value=Decimal(0), max_value=Decimal(24), max_digits=6, decimal_places=2
    )
    part = forms.ChoiceField(label=_("What is waived"), required=False, choices=[("penalty", _("Penalty")), ("interest", _("Interest"))])
    amount = crm_forms.MoneyField(label=_("Amount waived (CNY)"), required=False)

    def __init__(self, *args: Any, case: Case, kind: str, url: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["loan"]
        field.queryset = Loan.objects.open().filter(pk__in=case.debts.values("loan")).order_by("pk")
        self.fields["kind"].initial = kind
        if url:  # another kind asks for other figures: the form is read anew, what is typed stays
            self.fields["kind"].widget.attrs |= {
                "hx-get": url, "hx-include": "closest form", "hx-params": "loan,kind", "hx-target": "#plan-form", "hx-select": "#plan-form", "hx-swap": "outerHTML",
            }  # fmt: skip
        needed = relief_plans.NEEDS[ReliefPlan.Kind(kind)]
        for name in {name for names in relief_plans.NEEDS.values() for name in names} - set(needed):
            del self.fields[name]
        for name in needed:
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = relief_plans.NEEDED
        crm_forms.dress(self)

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, as it is stored."""
        percent = self.cleaned_data.get("annual_rate")
        return relief_plans.chosen(self.cleaned_data["kind"], self.cleaned_data | {"annual_rate": percent and percent / 100})


class CareForm(crm_forms.Form):
    """That a person needs special care."""

    kind = forms.ChoiceField(label=_("It comes from"), choices=CareFlag.Kind.choices)
    needs = forms.CharField(
        label=_("How to treat the person"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Write what to do, such as “speak slowly, write instead of calling”. No diagnosis."),
        error_messages={"required": _("Write in at most 500 characters how to treat the person.")},
    )  # fmt: skip
    consented = forms.BooleanField(label=_("The person agreed that this is kept"), required=False)
    review_on = forms.DateField(label=_("Look at it again on"), widget=crm_forms.DateInput)


class SettlementForm(crm_forms.Form):
    """The payments of a settlement."""

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, PARTS + 1):
            self.fields[f"amount_{number}"] = crm_forms.MoneyField(label=_("Amount (CNY)"), required=number == 1)
            self.fields[f"due_on_{number}"] = forms.DateField(
                label=_("To be paid by"),
                required=number == 1,
                widget=crm_forms.DateInput,
                initial=today + timedelta(days=14) if number == 1 else None,
            )
        crm_forms.dress(self)

    @property
    def parts_fields(self) -> list[tuple[Any, Any]]:
        return [(self[f"amount_{number}"], self[f"due_on_{number}"]) for number in range(1, PARTS + 1)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["parts"] = []
        for number in range(1, PARTS + 1):
            amount, due_on = data.get(f"amount_{number}"), data.get(f"due_on_{number}")
            if amount is not None and due_on is not None:
                data["parts"].append(Part(due_on, amount))
            elif (amount is None) != (due_on is None) and not {f"amount_{number}", f"due_on_{number}"} & set(self.errors):
                self.add_error(f"due_on_{number}" if due_on is None else f"amount_{number}", _("A payment has an amount and a day."))
        return data
