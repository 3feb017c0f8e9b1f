"""Forms of the product factory: a version by sections, its review, its release."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from credit import product_factory, product_terms
from credit.cap_forms import PercentField
from credit.cost import EN, ZH
from credit.models import Product
from credit.product_written import WRITTEN, stamp
from credit.words import PARTS
from crm.lib import forms as house
from governance.models import LegalEntity, User

GRADES = "ABCDE"
FEES = (1, 2, 3, 4)
METHODS = [
    ("", _("No fee")), ("up_front", _("Once, on the day the money goes out")), ("once", _("Once, with the first instalment")),
    ("per_period", _("With every instalment")), ("late", _("Once for each instalment that is late")),
    ("prepayment", _("When principal is paid before it is due")), ("deducted", _("Deducted from what is paid out")),
]  # fmt: skip
KINDS = [("fee", _("Service fee")), ("third_party", _("Charge of a third party")), ("insurance", _("Insurance"))]


class VersionForm(house.Form):
    """What of a version is written."""

    mark = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    method = forms.ChoiceField(label=_("Method of repayment"), choices=Product.Method.choices)
    amount_min = house.MoneyField(label=_("Smallest amount (CNY)"))
    amount_max = house.MoneyField(label=_("Largest amount (CNY)"))
    term_min = forms.IntegerField(label=_("Shortest term (months)"), min_value=1, max_value=360)
    term_max = forms.IntegerField(label=_("Longest term (months)"), min_value=1, max_value=360)
    day_count = forms.ChoiceField(label=_("Day count"), choices=Product.DayCount.choices)
    month_end = forms.ChoiceField(label=_("Months without the day"), choices=Product.MonthEnd.choices)
    rounding = forms.ChoiceField(label=_("Rounding"), choices=[("HALF_UP", "HALF_UP"), ("HALF_EVEN", "HALF_EVEN")])
    grace_days = forms.IntegerField(label=_("Days of grace"), min_value=0, max_value=60)
    penalty_multiplier = forms.DecimalField(label=_("Penalty rate, times the contract rate"), min_value=1, max_digits=5, decimal_places=3)
    penalty_within_cap = forms.BooleanField(label=_("Hold the penalty rate down to the caps"), required=False)
    early_fee_rate = PercentField(label=_("Fee for early settlement (% of the principal)"), min_value=0, max_value=100, required=False)
    offer_days = forms.IntegerField(label=_("Days an offer stands"), min_value=1, max_value=365)
    examples = forms.CharField(
        label=_("Examples"), required=False, widget=forms.Textarea, max_length=2000,
        help_text=_("One a line: amount, term, grade. The version is tried on them."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for grade in GRADES:
            self.fields[f"rate_{grade}"] = PercentField(
                label=_("Grade %(grade)s (%% a year)") % {"grade": grade}, required=False, min_value=0, max_value=100
            )
        for place, part in enumerate(("fee", "penalty", "interest", "principal"), start=1):
            self.fields[f"order_{place}"] = forms.ChoiceField(
                label=_("Place %(n)s") % {"n": place}, choices=[(code, label) for code, label in PARTS.items()], initial=part
            )
        for name, term in product_terms.TERMS.items():
            self.fields[f"term_{name}"] = _field_of(term)
        for n in FEES:
            self._fee_fields(n)
        house.dress(self)

    def _fee_fields(self, n: int) -> None:
        self.fields[f"fee_{n}_method"] = forms.ChoiceField(label=_("Fee %(n)s") % {"n": n}, choices=METHODS, required=False)
        self.fields[f"fee_{n}_kind"] = forms.ChoiceField(label=_("What kind it is"), choices=KINDS, required=False)
        self.fields[f"fee_{n}_name_en"] = forms.CharField(label=_("Name in English"), max_length=60, required=False)
        self.fields[f"fee_{n}_name_zh"] = forms.CharField(label=_("Name in Chinese"), max_length=60, required=False)
        self.fields[f"fee_{n}_amount"] = house.MoneyField(label=_("Amount (CNY)"), required=False, min_value=Decimal("0.00"))
        self.fields[f"fee_{n}_rate"] = PercentField(label=_("Share of the principal (%)"), required=False, min_value=0, max_value=100)
        self.fields[f"fee_{n}_payee_en"] = forms.CharField(
            label=_("Paid to, in English"), max_length=80, required=False, help_text=_("Empty: the lender.")
        )
        self.fields[f"fee_{n}_payee_zh"] = forms.CharField(label=_("Paid to, in Chinese"), max_length=80, required=False)

    @classmethod
    def of(cls, product: Product, data: Any = None) -> "VersionForm":
        """Return the form filled with what stands."""
        plain = ("terms", "examples", "fees", "rates_by_grade", "allocation_order")
        initial: dict[str, Any] = {name: getattr(product, name) for name in WRITTEN if name not in plain}
        initial |= {f"rate_{grade}": Decimal(rate) for grade, rate in product.rates_by_grade.items()}
        initial |= {f"order_{n}": part for n, part in enumerate(product.allocation_order, start=1)}
        initial |= {f"term_{name}": value for name, value in product_terms.whole(product.terms).items()}
        for n, fee in zip(FEES, product.fees, strict=False):
            payee = fee.get("payee") or {}
            initial |= {
                f"fee_{n}_method": fee["method"], f"fee_{n}_kind": fee.get("kind", "third_party" if payee else "fee"),
                f"fee_{n}_name_en": fee["name"][EN], f"fee_{n}_name_zh": fee["name"][ZH],
                f"fee_{n}_amount": Decimal(fee["amount"]) if fee.get("amount") else None,
                f"fee_{n}_rate": Decimal(fee["rate"]) if fee.get("rate") else None,
                f"fee_{n}_payee_en": payee.get(EN, ""), f"fee_{n}_payee_zh": payee.get(ZH, ""),
            }  # fmt: skip
        initial["penalty_multiplier"] = product.penalty_multiplier.normalize()
        lines = [f"{one['amount']}, {one['term']}, {one['grade']}" for one in product.examples]
        return cls(data, initial=initial | {"examples": "\n".join(lines), "mark": stamp(product)})

    def clean_examples(self) -> list[dict[str, Any]]:
        found = []
        for line in self.cleaned_data["examples"].splitlines():
            if not line.strip():
                continue
            try:
                amount, term, grade = (part.strip() for part in line.rsplit(",", 2))
                number = Decimal(amount.replace(",", ""))
                found.append({"amount": f"{number:.2f}", "term": int(term), "grade": grade.upper()})
            except (ValueError, InvalidOperation):
                raise forms.ValidationError(_("“%(line)s” is not amount, term, grade.") % {"line": line.strip()[:60]}) from None
        return found

    def content(self) -> dict[str, Any]:
        """Return what was written, as the door takes it."""
        data = self.cleaned_data
        skipped = ("terms", "fees", "rates_by_grade", "allocation_order", "early_fee_rate")
        values: dict[str, Any] = {name: data[name] for name in WRITTEN if name not in skipped}
        rates = {grade: str(data[f"rate_{grade}"]) for grade in GRADES if data[f"rate_{grade}"] is not None}
        return values | {
            "early_fee_rate": data["early_fee_rate"] or Decimal("0.000000"),
            "rates_by_grade": rates,
            "allocation_order": [data[f"order_{n}"] for n in range(1, 5)],
            "terms": {name: data[f"term_{name}"] for name in product_terms.TERMS},
            "fees": [self._fee(n) for n in FEES if data[f"fee_{n}_method"]],
        }

    def _fee(self, n: int) -> dict[str, Any]:
        data = {name.removeprefix(f"fee_{n}_"): value for name, value in self.cleaned_data.items() if name.startswith(f"fee_{n}_")}
        fee: dict[str, Any] = {"code": f"fee_{n}", "name": {EN: data["name_en"], ZH: data["name_zh"]}, "method": data["method"]}
        if not data["name_en"] or not data["name_zh"]:
            fee.pop("name")
        if data["payee_en"] and data["payee_zh"]:
            fee["payee"] = {EN: data["payee_en"], ZH: data["payee_zh"]}
        amounts = {name: str(data[name]) for name in ("amount", "rate") if data[name]}
        return fee | amounts | {"kind": data["kind"] or "fee"}

    def refused_at(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return a door's refusals by the names of this form's fields."""
        names = {"rates_by_grade": "rate_A", "allocation_order": "order_1"}
        return {names.get(name, f"term_{name}" if name in product_terms.TERMS else name): text for name, text in fields.items()}

    def section(self, *prefixes: str) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith(prefixes)]

    def rates(self) -> list[Any]:
        return self.section("rate_")

    def orders(self) -> list[Any]:
        return self.section("order_")

    def terms(self, *names: str) -> list[Any]:
        return [self[f"term_{name}"] for name in names]

    def rhythm(self) -> list[Any]:
        return self.terms("frequency", "every", "interest", "instalment_multiple", "down_payment")

    def dates(self) -> list[Any]:
        return self.terms("due_day", "first_due_days", "first_period_days", "holiday_shift", "calendar")

    def graces(self) -> list[Any]:
        return self.terms("grace_principal", "grace_interest_payment", "interest_free")

    def further(self) -> list[Any]:
        shown = {bound.name for bound in (*self.rhythm(), *self.dates(), *self.graces())}
        return [bound for bound in self.section("term_") if bound.name not in (*shown, "term_min", "term_max", "term_late_fee")]

    def fees(self) -> list[list[Any]]:
        return [self.section(f"fee_{n}_") for n in FEES]


def _field_of(term: product_terms.Term) -> forms.Field:
    if term.choices is not None:
        return forms.ChoiceField(label=term.label, choices=list(term.choices.items()))
    if term.decimal:
        return forms.DecimalField(label=term.label, min_value=0, max_digits=8, decimal_places=4)
    return forms.IntegerField(label=term.label, min_value=0, max_value=term.most, required=not term.may_be_empty)


class NewProductForm(house.Form):
    """A product with a code of its own."""

    entity = forms.ModelChoiceField(label=_("Legal entity"), queryset=LegalEntity.objects.none(), empty_label=None)
    code = forms.CharField(label=_("Code"), max_length=20, help_text=_("2 to 20 capital letters, digits and -, beginning with a letter."))
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entities: Any = self.fields["entity"]
        entities.queryset = entities_of(user)
        house.dress(self)


def entities_of(user: User) -> Any:
    """Return the legal entities a user may write products for: their own, or every one where they have none."""
    rows = LegalEntity.objects.order_by("pk")
    return rows.filter(pk=user.team.legal_entity_id) if user.team is not None else rows


class ReviewForm(house.Form):
    """The review for consumers, point by point."""

    note = forms.CharField(label=_("Note"), required=False, max_length=500, widget=forms.Textarea)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        points = {code: forms.BooleanField(label=label, required=False) for code, label in product_factory.REVIEW.items()}
        self.fields = points | self.fields
        house.dress(self)


class ReleaseForm(house.Form):
    """Release, sunset or retirement of a version."""

    sunset_on = forms.DateField(
        label=_("The last day an application is taken"), required=False, widget=house.DateInput,
        help_text=_("Loans of this version go on after it."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))
