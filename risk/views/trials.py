"""Pages of trials: plan one, start it as the second person, see both sides, end it; the comparison of a challenger in the shadow."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import display, kinds, trials
from risk.models import ScorecardVersion, ShadowDecision, Strategy, StrategyVersion, Trial
from risk.permissions import EDIT_STRATEGY, RELEASE_STRATEGY, VIEW_STRATEGY
from risk.views.common import demand, may_change

SHOWN = 50
SAMPLE, APPROVAL_PP, BAD_PP = 200, Decimal(15), Decimal(3)


class TrialForm(Form):
    """Which challenger, on whom, and what ends it."""

    strategy = forms.ModelChoiceField(
        label=gettext_lazy("Strategy"), queryset=Strategy.objects.none(), to_field_name="public_id", empty_label=None
    )
    version = forms.ModelChoiceField(
        label=gettext_lazy("Version that challenges"), queryset=StrategyVersion.objects.none(), required=False,
        empty_label=gettext_lazy("the live version, with another model"),
    )  # fmt: skip
    model = forms.ModelChoiceField(
        label=gettext_lazy("Model that challenges"), queryset=ScorecardVersion.objects.none(), required=False,
        empty_label=gettext_lazy("the live model"),
    )  # fmt: skip
    kind = forms.ChoiceField(label=gettext_lazy("How"), choices=Trial.Kind, widget=forms.RadioSelect, initial=Trial.Kind.TRAFFIC)
    share = forms.IntegerField(
        label=gettext_lazy("Share of the customers, percent"), min_value=1, max_value=50, initial=10, required=False,
        help_text=gettext_lazy("1 to 50. A customer stays on one side. Not used in the shadow."),
    )  # fmt: skip
    minimum_sample = forms.IntegerField(
        label=gettext_lazy("Decisions on each side before anything is concluded"), min_value=20, max_value=1_000_000, initial=SAMPLE
    )
    stop_approval_pp = forms.DecimalField(
        label=gettext_lazy("Ends when approval rates differ by more than, percentage points"), min_value=Decimal("0.1"),
        max_value=Decimal(100), max_digits=5, decimal_places=2, initial=APPROVAL_PP, required=False,
    )  # fmt: skip
    stop_bad_pp = forms.DecimalField(
        label=gettext_lazy("Ends when the challenger's bad rate is higher by more than, percentage points"), min_value=Decimal("0.1"),
        max_value=Decimal(100), max_digits=5, decimal_places=2, initial=BAD_PP, required=False,
    )  # fmt: skip
    why = forms.CharField(label=gettext_lazy("What the trial is to show"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, strategy: Strategy | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["strategy"].queryset = Strategy.objects.filter(versions__status="live", kind=kinds.LENDING).order_by("code")
        fields["strategy"].label_from_instance = lambda one: one.name
        versions = StrategyVersion.objects.for_list().filter(
            strategy__kind=kinds.LENDING, status__in=["testing", "approved", "scheduled", "retired"]
        )
        fields["version"].queryset = (versions.filter(strategy=strategy) if strategy else versions).order_by("strategy", "-number")
        fields["version"].label_from_instance = lambda one: f"{one.strategy.name} v{one.number} · {one.get_status_display()}"
        models = ScorecardVersion.objects.exclude(status="rejected").select_related("scorecard")
        fields["model"].queryset = models.defer("content", "metrics").order_by("scorecard", "-number")
        fields["model"].label_from_instance = lambda one: f"{one.scorecard.name} v{one.number} · {one.get_status_display()}"


@needs(EDIT_STRATEGY)
def new(request: Asked) -> HttpResponse:
    """Plan a trial: of a version (`?version=`), of a model (`?model=`), by their numbers in the database."""
    asked = {name: request.GET.get(name, "") for name in ("version", "model", "strategy")}
    numbers = {
        name: int(value) for name, value in asked.items() if name != "strategy" and value.isascii() and value.isdigit() and len(value) < 10
    }
    strategy = Strategy.objects.filter(public_id=asked["strategy"][:20]).first()
    if strategy is None and "version" in numbers:
        strategy = Strategy.objects.filter(versions=numbers["version"]).first()
    if strategy is None and "model" in numbers:
        code = ScorecardVersion.objects.filter(pk=numbers["model"]).values_list("scorecard__code", flat=True).first()
        live = StrategyVersion.objects.filter(status="live").order_by("strategy__code")
        found = live.filter(scorecard_code=code).first() or live.exclude(scorecard_code="").first()
        strategy = found.strategy if found else None
    initial = {**numbers, **({"strategy": strategy.public_id} if strategy else {})}
    form = TrialForm(request.POST or None, strategy=strategy, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        demand(request, data["strategy"])
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                trial = trials.plan(
                    data["strategy"], kind=data["kind"], version=data["version"], card=data["model"], share=data["share"],
                    minimum_sample=data["minimum_sample"], stop_approval_pp=data["stop_approval_pp"], stop_bad_pp=data["stop_bad_pp"],
                    why=data["why"], actor=request.user, at=now(),
                )  # fmt: skip
                sent.result(reverse("trial", args=[trial.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    back = reverse("strategy", args=[strategy.public_id]) if strategy else reverse("strategy-list")
    return form.page(
        request, "risk/trial_new.html", {"back": back, "of_model": "model" in numbers, "running": strategy and trials.running(strategy)}
    )


def _found(public_id: str) -> Trial:
    return get_object_or_404(Trial.objects.for_list(), public_id=public_id)


@require_GET
@needs(VIEW_STRATEGY)
def trial(request: Asked, public_id: str) -> HttpResponse:
    """Show a trial: what challenges what, both sides with their intervals, what would end it."""
    found = _found(public_id)
    sides = trials.arms(found, at=now())
    of_kind = may_change(request.user, found.strategy)
    context: dict[str, Any] = {
        "trial": found, "rows": shown(sides), "finding": _finding(found, sides), "challenger": challenger(found),
        "may_start": of_kind and request.user.has_perm(RELEASE_STRATEGY) and found.status == "planned" and not request.user.is_also(found.planned_by_id),
        "own": found.status == "planned" and request.user.is_also(found.planned_by_id),
        "may_withdraw": of_kind and request.user.has_perm(EDIT_STRATEGY) and found.status == "planned",
        "may_stop": of_kind and request.user.has_perm(RELEASE_STRATEGY if found.kind == "traffic" else EDIT_STRATEGY) and found.status == "running",
    }  # fmt: skip
    context["running"] = trials.running(found.strategy) if found.status == "planned" else None
    if found.kind == "shadow":
        context |= _shadow(found)
    return htmx.render(request, "risk/trial.html", "risk/trial.html", context)


def challenger(found: Trial) -> str:
    """Return what challenges, in words."""
    version = found.challenger_version or found.champion
    card = found.challenger_card
    told = f"v{version.number}"
    return f"{told} + {card.scorecard.name} v{card.number}" if card else told


def shown(sides: list[trials.Arm]) -> list[dict[str, Any]]:
    """Return both sides as a table shows them: a share with its interval."""
    names = {"champion": _("Champion"), "challenger": _("Challenger")}
    return [
        {"name": names[side.name], "decided": side.decided, "outcomes": [_rate(side.outcomes[code]) for code in ("approve", "refer", "decline")],
         "bad": _rate(side.bad)}
        for side in sides
    ]  # fmt: skip


def _rate(rate: trials.Rate) -> dict[str, Any]:
    low, high = rate.interval or (None, None)
    return {"value": rate.value, "low": low, "high": high, "count": rate.count, "of": rate.of}


def _finding(found: Trial, sides: list[trials.Arm]) -> str:
    champion, other = sides
    if not champion.decided or not other.decided:
        return _("Nothing to compare yet")
    if found.kind == "traffic" and min(champion.decided, other.decided) < found.minimum_sample:
        least = min(champion.decided, other.decided)
        return _("Too early to conclude: %(n)s of %(all)s decisions on the smaller side") % {"n": least, "all": found.minimum_sample}
    one, two = champion.approved, other.approved
    assert one.interval is not None
    assert two.interval is not None
    apart = (Decimal(str(two.value)) - Decimal(str(one.value))) * 100
    if one.interval[0] <= two.interval[1] and two.interval[0] <= one.interval[1]:
        return _("Approval rates cannot be told apart: %(apart)s percentage points") % {"apart": f"{apart:+.1f}"}
    return _("The challenger's approval rate differs by %(apart)s percentage points") % {"apart": f"{apart:+.1f}"}


def _shadow(found: Trial) -> dict[str, Any]:
    rows = ShadowDecision.objects.filter(trial=found)
    counted = rows.filter(failed="").values_list("decision__outcome", "outcome").annotate(n=Count("pk"))
    grid = {(was, would): n for was, would, n in counted.order_by("decision__outcome", "outcome")}
    codes = ("approve", "refer", "decline")
    shown = ("trial", "outcome", "grade", "reasons", "decision__public_id", "decision__outcome", "decision__grade", "decision__at")
    other = rows.filter(differs=True).select_related("decision").only(*shown).order_by("-pk")[:SHOWN]
    return {
        "grid": [
            {"name": display.OUTCOME_WORDS[was], "cells": [{"n": grid.get((was, would), 0), "same": was == would} for would in codes]}
            for was in codes
        ],
        "failed": rows.exclude(failed="").count(),
        "differing": [
            {"decision": one.decision, "outcome": one.outcome, "grade": one.grade, "label": display.OUTCOME_WORDS.get(one.outcome, "")}
            for one in other
        ],
    }


def _step(name: str, permission: str, run: Any, done: Any) -> Any:
    @needs(permission)
    @require_POST
    def view(request: Asked, public_id: str) -> HttpResponse:
        found = _found(public_id)
        demand(request, found.strategy)
        run(found, actor=request.user, at=now())
        messages.success(request, done)
        return htmx.go(request, reverse("trial", args=[public_id]))

    view.__name__ = f"trial_{name}"
    view.__doc__ = str(done)
    return view


start = _step("start", RELEASE_STRATEGY, trials.start, gettext_lazy("The trial runs: the challenger judges its share from now on."))
withdraw = _step("withdraw", EDIT_STRATEGY, trials.withdraw, gettext_lazy("The trial is withdrawn."))


class StopForm(Form):
    """Why a trial ends."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


def _stop(kind: str, permission: str) -> Any:
    @needs(permission)
    def view(request: Asked, public_id: str) -> HttpResponse:
        found = get_object_or_404(Trial.objects.for_list().filter(kind=kind), public_id=public_id)
        demand(request, found.strategy)
        form = StopForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with form.refusals():
                trials.stop(found, reason=form.cleaned_data["reason"], actor=request.user, at=now())
            if not form.errors:
                messages.success(request, _("The trial is ended: the champion judges everybody."))
                return htmx.go(request, reverse("trial", args=[public_id]))
        return form.page(request, "risk/trial_stop.html", {"trial": found}, part="risk/_trial_stop.html")

    view.__name__ = f"stop_{kind}"
    view.__doc__ = "End a running trial."
    return view


stop = _stop("traffic", RELEASE_STRATEGY)
stop_shadow = _stop("shadow", EDIT_STRATEGY)


def traffic(version: StrategyVersion) -> dict[str, Any]:
    """Return what the tab of a strategy says of its trials: the running ones with both sides, the others in a line each."""
    page = kinds.of(version.strategy.kind).experiments
    found = list(Trial.objects.for_list().filter(strategy=version.strategy_id).order_by("-pk")[:30])
    running = [one for one in found if one.status == "running"]
    return {
        "running": [{"trial": one, "rows": shown(sides), "finding": _finding(one, sides), "challenger": challenger(one)}
                    for one in running for sides in [trials.arms(one, at=now())]],
        "others": [{"trial": one, "challenger": challenger(one)} for one in found if one.status != "running"],
        "experiments_url": reverse(page) if page else "",
    }  # fmt: skip
