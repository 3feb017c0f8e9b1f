"""Pages of saved cases: a new one, one changed, one taken away."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import display, kinds, probe, strategy_cases
from risk.models import Strategy, StrategyCase
from risk.permissions import EDIT_STRATEGY
from risk.views.common import demand

GRADES = [("", _("any")), *((grade, grade) for grade in "ABCDE")]


class CaseForm(Form):
    """Facts, and what is expected of them."""

    name = forms.CharField(label=_("What the case shows"), max_length=120)
    outcome = forms.ChoiceField(
        label=_("Expected outcome"), choices=[(code, display.OUTCOME_WORDS[code]) for code in ("approve", "refer", "decline")]
    )
    grade = forms.ChoiceField(label=_("Expected grade"), choices=GRADES, required=False)
    reasons = forms.CharField(
        label=_("Reasons that must be among them"), required=False, max_length=500, help_text=_("Codes, separated by commas; optional.")
    )
    facts = forms.CharField(
        label=_("Facts"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 16, "class": "mono", "spellcheck": "false"}),
        help_text=_("A JSON object of names and values; amounts stand as text. Invent them: no data of a real person."),
    )  # fmt: skip

    def __init__(self, *args: Any, strategy: Strategy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = kinds.of(strategy.kind)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [(code, display.OUTCOME_WORDS.get(code, code)) for code in kind.outcomes]
        if not kind.graded:
            del self.fields["grade"]

    def clean_facts(self) -> Any:
        try:
            return json.loads(self.cleaned_data["facts"])
        except (ValueError, RecursionError) as problem:
            raise forms.ValidationError(_("This is no JSON: %(told)s") % {"told": problem}) from problem

    def expected(self) -> dict[str, Any]:
        data = self.cleaned_data
        reasons = [code.strip() for code in data["reasons"].split(",") if code.strip()]
        return {"outcome": data["outcome"], "grade": data.get("grade", ""), "reasons": reasons}


def _tests(strategy: Strategy) -> str:
    newest = strategy.versions.order_by("-number").values_list("number", flat=True).first()
    return f"{reverse('strategy', args=[strategy.public_id])}?version={newest}&tab=tests"


@needs(EDIT_STRATEGY)
def new(request: Asked, public_id: str) -> HttpResponse:
    """Keep a case."""
    strategy = get_object_or_404(Strategy, public_id=public_id)
    demand(request, strategy)
    form = CaseForm(request.POST or None, strategy=strategy, initial=_initial(strategy))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                strategy_cases.add(
                    strategy, name=data["name"], facts_given=data["facts"], expected=form.expected(), actor=request.user, at=now()
                )
                sent.result(_tests(strategy))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/strategy_case.html", {"strategy": strategy, "back": _tests(strategy)})


def _initial(strategy: Strategy) -> dict[str, Any]:
    """Return facts made up from what the strategy declares, for a person to change."""
    version = strategy.versions.filter(status="live").first() or strategy.versions.order_by("-number").first()
    return {"facts": _written(probe.made_up(version.input_schema)[1]) if version else "{}"}


def _written(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, indent=1)


@needs(EDIT_STRATEGY)
def change(request: Asked, public_id: str) -> HttpResponse:
    """Change a case."""
    case = get_object_or_404(StrategyCase.objects.select_related("strategy"), public_id=public_id)
    demand(request, case.strategy)
    expected = case.expected
    initial = {
        "name": case.name, "outcome": expected["outcome"], "grade": expected.get("grade", ""),
        "reasons": ", ".join(expected.get("reasons", ())), "facts": _written(case.facts),
    }  # fmt: skip
    form = CaseForm(request.POST or None, strategy=case.strategy, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            strategy_cases.change(
                case, name=data["name"], facts_given=data["facts"], expected=form.expected(), actor=request.user, at=now()
            )
        if not form.errors:
            messages.success(request, _("The case is changed."))
            return htmx.go(request, _tests(case.strategy))
    return form.page(request, "risk/strategy_case.html", {"strategy": case.strategy, "case": case, "back": _tests(case.strategy)})


@needs(EDIT_STRATEGY)
@require_POST
def remove(request: Asked, public_id: str) -> HttpResponse:
    """Take a case away."""
    case = get_object_or_404(StrategyCase.objects.select_related("strategy"), public_id=public_id)
    demand(request, case.strategy)
    strategy_cases.remove(case, actor=request.user, at=now())
    messages.success(request, _("The case is taken away."))
    return htmx.go(request, _tests(case.strategy))
