"""The page of what a draft declares: the facts it asks for and the sentences of its reasons, each changed in a dialog."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import strategy_declarations, words
from risk.feature_display import TYPES
from risk.models import StrategyStatus, StrategyVersion
from risk.permissions import EDIT_STRATEGY, VIEW_STRATEGY
from risk.views.common import demand, may_change
from risk.views.strategy_acts import found

TWO_LINES = forms.Textarea(attrs={"rows": 2})


class FactForm(Form):
    """How a fact is declared."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.ChoiceField(label=_("Fact"))
    required = forms.BooleanField(
        label=_("Needed"),
        required=False,
        help_text=_("Without it the case goes to a person. A feature says nothing of people without history."),
    )
    values = forms.CharField(
        label=_("Values"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_("Of a category, one a line; empty keeps those it has."),
    )  # fmt: skip
    least = forms.DecimalField(label=_("At least"), required=False, max_digits=16, decimal_places=6)
    most = forms.DecimalField(label=_("At most"), required=False, max_digits=16, decimal_places=6)
    away = forms.BooleanField(label=_("Ask for it no longer"), required=False)

    def __init__(self, *args: Any, version: StrategyVersion, row: dict[str, Any] | None, **kwargs: Any) -> None:
        initial: dict[str, Any] = {"revision": version.revision}
        if row:
            initial |= {
                "name": row["name"], "required": row["required"], "values": "\n".join(row.get("values", ())), "least": row.get("min"),
                "most": row.get("max"),
            }  # fmt: skip
        super().__init__(*args, initial=initial, **kwargs)
        language = get_language() or "en"
        field: Any = self.fields["name"]
        if row:
            field.choices = [(row["name"], f"{words.label(row['name'], language)} ({row['name']})")]
        else:
            field.choices = [("", _("Choose…")), *strategy_declarations.not_declared(version, language)]
            del self.fields["away"]

    def said(self) -> dict[str, Any]:
        data = self.cleaned_data
        values = [line.strip() for line in data["values"].splitlines() if line.strip()]
        return {"name": data["name"], "required": data["required"], "values": values, "least": data["least"], "most": data["most"]}


class ReasonForm(Form):
    """The texts of a reason."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("As rows of the graph give it, such as age_below_minimum."))
    label_en = forms.CharField(label=_("Short name in English"), max_length=100)
    label_zh = forms.CharField(label=_("Short name in Chinese"), max_length=100)
    en = forms.CharField(
        label=_("For staff, in English"),
        max_length=400,
        widget=TWO_LINES,
        help_text=_("Figures in braces, such as {age|count} or {dti|percent}."),
    )
    zh = forms.CharField(label=_("For staff, in Chinese"), max_length=400, widget=TWO_LINES)
    customer_en = forms.CharField(label=_("For the customer, in English"), max_length=400, widget=TWO_LINES)
    customer_zh = forms.CharField(label=_("For the customer, in Chinese"), max_length=400, widget=TWO_LINES)
    factors = forms.BooleanField(label=_("Tell the weakest factors of the score with it"), required=False)
    quiet = forms.BooleanField(
        label=_("Suggest nothing that would pass"), required=False, help_text=_("For rules of fraud and of the lists.")
    )
    away = forms.BooleanField(label=_("Take this reason away"), required=False)

    def __init__(self, *args: Any, version: StrategyVersion, code: str = "", **kwargs: Any) -> None:
        kept = version.reasons.get(code, {})
        super().__init__(*args, initial={"revision": version.revision, "code": code, **kept}, **kwargs)
        if code:
            self.fields["code"].disabled = True
        else:
            del self.fields["away"]

    def said(self) -> dict[str, Any]:
        data = self.cleaned_data
        texts = {name: data[name] for name in strategy_declarations.TEXTS}
        return {"code": data["code"], "texts": texts, "quiet": data["quiet"], "factors": data["factors"]}


@require_GET
@needs(VIEW_STRATEGY)
def declared(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Show what a version asks for and how it tells its reasons."""
    version = found(public_id, number)
    language = get_language() or "en"
    context = {
        "strategy": version.strategy, "version": version, "types": TYPES, "facts": strategy_declarations.fact_rows(version, language),
        "reasons": strategy_declarations.reason_rows(version, language),
        "may_edit": version.status == StrategyStatus.DRAFT and request.user.has_perm(EDIT_STRATEGY) and may_change(request.user, version.strategy),
    }  # fmt: skip
    return htmx.render(request, "risk/strategy_facts.html", "risk/strategy_facts.html", context)


@needs(EDIT_STRATEGY)
def fact_add(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Ask for one more fact."""
    return _dialog(
        request, found(public_id, number), lambda version, data: FactForm(data, version=version, row=None),
        title=_("Ask for a fact"), button=_("Ask for it"), done=_("The draft asks for it."), action="strategy-fact-add",
        run=strategy_declarations.ask_for,
    )  # fmt: skip


@needs(EDIT_STRATEGY)
def fact(request: Asked, public_id: str, number: int, name: str) -> HttpResponse:
    """Declare a fact otherwise, or ask for it no longer."""
    version = found(public_id, number)
    row = next((one for one in version.input_schema["facts"] if one["name"] == name), None)
    if row is None:
        raise Http404

    def run(version: StrategyVersion, *, away: bool = False, **said: Any) -> StrategyVersion:
        if away:
            said = {key: said[key] for key in ("name", "revision", "actor", "at")}
            return strategy_declarations.ask_no_longer(version, **said)
        return strategy_declarations.ask_for(version, **said)

    return _dialog(
        request, version, lambda version, data: FactForm(data, version=version, row=row), title=_("Change a fact"), button=_("Save fact"),
        done=_("The fact is changed."), action="strategy-fact", extra=[name], run=run,
    )  # fmt: skip


@needs(EDIT_STRATEGY)
def reason_add(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Word a new reason."""
    return _dialog(
        request, found(public_id, number), lambda version, data: ReasonForm(data, version=version), title=_("Word a reason"),
        button=_("Save reason"), done=_("The reason has its texts."), action="strategy-reason-add", run=strategy_declarations.word_reason,
    )  # fmt: skip


@needs(EDIT_STRATEGY)
def reason(request: Asked, public_id: str, number: int, code: str) -> HttpResponse:
    """Word a reason otherwise, or take it away."""
    version = found(public_id, number)
    if code not in version.reasons:
        raise Http404

    def run(version: StrategyVersion, *, away: bool = False, **said: Any) -> StrategyVersion:
        if away:
            said = {key: said[key] for key in ("code", "revision", "actor", "at")}
            return strategy_declarations.drop_reason(version, **said)
        return strategy_declarations.word_reason(version, **said)

    return _dialog(
        request, version, lambda version, data: ReasonForm(data, version=version, code=code), title=_("Change a reason"),
        button=_("Save reason"), done=_("The reason is changed."), action="strategy-reason", extra=[code], run=run,
    )  # fmt: skip


def _dialog(
    request: Asked, version: StrategyVersion, form_of: Callable[[StrategyVersion, Any], Any], *, title: Any, button: Any, done: Any,
    action: str, run: Callable[..., StrategyVersion], extra: list[str] | None = None,
) -> HttpResponse:  # fmt: skip
    demand(request, version.strategy)
    form = form_of(version, request.POST or None)
    place = [version.strategy.public_id, version.number]
    back = reverse("strategy-facts", args=place)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                away = {"away": data["away"]} if "away" in data else {}
                run(version, **form.said(), **away, revision=data["revision"], actor=request.user, at=now())
                messages.success(request, done)
                sent.result(back)
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "version": version, "strategy": version.strategy, "title": title, "button": button, "back": back,
        "action": reverse(action, args=[*place, *(extra or [])]),
    }  # fmt: skip
    return form.page(request, "risk/strategy_step.html", context, part="risk/_strategy_step.html")
