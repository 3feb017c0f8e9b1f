"""The steps of a model's life on pages: each a form, one door, and back to the model."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.lib import htmx
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import charts, display, model_bins, model_fairness, model_forms, model_reasons, model_states, trainings, words
from risk.models import Scorecard, ScorecardVersion
from risk.permissions import APPROVE_MODEL, EDIT_MODEL, VALIDATE_MODEL

Done = Callable[[ScorecardVersion, dict[str, Any]], Any]
both = require_http_methods(["GET", "POST"])


def version_of(request: Asked, public_id: str) -> ScorecardVersion:
    """Return the version that the form or the address names by its number, 404 where there is none."""
    asked = request.POST.get("number") or request.GET.get("version") or ""
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    model = get_object_or_404(Scorecard, public_id=public_id)
    rows = ScorecardVersion.objects.visible_to(request.user).filter(scorecard=model)
    return get_object_or_404(rows.select_related("scorecard", "developer", "validator", "data_set"), number=number)


def back(version: ScorecardVersion) -> str:
    return f"{reverse('scorecard', args=[version.scorecard.public_id])}?version={version.number}"


def step(request: Asked, version: ScorecardVersion, form: Any, title: str, label: str, said: str, do: Done, **more: Any) -> HttpResponse:
    """Show the form of a step, or take the step once and go back to the model."""
    if request.method == "POST" and form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                do(version, form.cleaned_data)
                sent.result(back(version))
        if not form.errors:
            if not sent.again:
                messages.success(request, said)
            return htmx.go(request, sent.location)
    context = {"version": version, "title": title, "label": label, "back": back(version)} | more
    return form.page(request, "risk/model_step.html", context)


def bound(request: Asked, kind: Any, version: ScorecardVersion, **more: Any) -> Any:
    posted = request.method == "POST"
    return kind(request.POST if posted else None, initial={"number": version.number, "tier": version.tier}, **more)


@needs(VALIDATE_MODEL)
@both
def model_validate(request: Asked, public_id: str) -> HttpResponse:
    """Validate a draft that somebody else developed."""
    version = version_of(request, public_id)
    form = bound(request, model_forms.ValidateForm, version)

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        told = {name: data[name] for name in ("report", "checklist", "tier")}
        model_states.validate(one, actor=request.user, at=now(), **told)

    return step(request, version, form, _("Validate the model"), _("Validate"), _("Validated. A third person approves it."), do)


@needs(APPROVE_MODEL)
@both
def model_approve(request: Asked, public_id: str) -> HttpResponse:
    """Approve a validated version as the third person."""
    version = version_of(request, public_id)
    gaps = model_fairness.gaps(version)
    form = bound(request, model_forms.ApproveForm, version, gaps=bool(gaps))

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        model_states.approve(
            one,
            text=data["text"],
            fairness_reason=data.get("fairness_reason", ""),
            review_due=data["review_due"],
            actor=request.user,
            at=now(),
        )

    said = _("Approved; the proof of equality is stored.")
    return step(request, version, form, _("Approve the model"), _("Approve"), said, do, gaps=gaps)


@needs(VALIDATE_MODEL)
@both
def model_reject(request: Asked, public_id: str) -> HttpResponse:
    """Send a draft or a validated version away."""
    version = version_of(request, public_id)
    form = bound(request, model_forms.ReasonForm, version)

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        model_states.reject(one, text=data["text"], actor=request.user, at=now())

    return step(request, version, form, _("Reject the model"), _("Reject"), _("Rejected."), do, danger=True)


@needs(APPROVE_MODEL)
@both
def model_champion(request: Asked, public_id: str) -> HttpResponse:
    """Let an approved version score under its model's code."""
    version = version_of(request, public_id)
    form = bound(request, model_forms.ChampionForm, version)
    standing = ScorecardVersion.objects.filter(scorecard=version.scorecard_id, status="live").first()

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        model_states.make_champion(one, actor=request.user, at=now())

    title = _("Make version %(number)s champion") % {"number": version.number}
    return step(request, version, form, title, _("Make champion"), _("It is champion now."), do, standing=standing)


@needs(VALIDATE_MODEL)
@both
def model_review(request: Asked, public_id: str) -> HttpResponse:
    """Record the annual review."""
    version = version_of(request, public_id)
    form = bound(request, model_forms.ReviewForm, version)

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        told = {name: data[name] for name in ("outcome", "text", "next_due")}
        model_states.review(one, actor=request.user, at=now(), **told)

    return step(request, version, form, _("Annual review"), _("Record the annual review"), _("The review is recorded."), do)


@needs(APPROVE_MODEL)
@both
def model_retire(request: Asked, public_id: str) -> HttpResponse:
    """Take a version out of service."""
    version = version_of(request, public_id)
    form = bound(request, model_forms.ReasonForm, version)

    def do(one: ScorecardVersion, data: dict[str, Any]) -> None:
        model_states.retire(one, reason=data["text"], actor=request.user, at=now())

    return step(request, version, form, _("Retire the model"), _("Retire"), _("Retired."), do, danger=True)


@needs(EDIT_MODEL)
@both
def model_reasons_edit(request: Asked, public_id: str) -> HttpResponse:
    """Rewrite what a draft tells staff and customers."""
    version = version_of(request, public_id)
    form = model_forms.ReasonTextsForm(request.POST if request.method == "POST" else None, model=version)

    def do(one: ScorecardVersion, _data: dict[str, Any]) -> None:
        model_reasons.rewrite(one, texts=form.texts(), actor=request.user, at=now())

    if request.method == "POST" and form.is_valid():
        with form.refusals():
            do(version, form.cleaned_data)
        if not form.errors:
            messages.success(request, _("The sentences are saved."))
            return htmx.go(request, back(version))
    return form.page(request, "risk/model_reasons.html", {"version": version, "back": back(version)})


@needs(EDIT_MODEL)
@both
def model_bins_edit(request: Asked, public_id: str, feature: str) -> HttpResponse:
    """Change the bins of one feature: look at what they would hold, then order a new version with them."""
    version = version_of(request, public_id)
    spec = model_bins.feature_of(version, feature)
    if spec is None or version.data_set is None:
        raise trainings.NotEditable(_("Only the bins of a scorecard whose data are here can be changed."))
    posted = request.method == "POST"
    form = model_forms.BinsForm(request.POST if posted else None, initial={"number": version.number, "bins": model_bins.written(spec)})
    language = get_language() or "en"
    told, saved = None, ""
    cells = [*spec["bins"], {"missing": True, **spec["missing"]}]
    if posted and form.is_valid():
        with form.refusals():
            told = model_bins.parsed(spec, form.cleaned_data["bins"])
            cells = model_bins.previewed(version, spec, told)
            if request.POST.get("save"):
                edits = {feature: {"splits" if spec["kind"] == "numeric" else "groups": told}}
                with idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
                    if not sent.again:
                        training = trainings.start_edit(version, edits=edits, actor=request.user, at=now())
                        sent.result(reverse("training", args=[training.public_id]))
                saved = sent.location
        if saved:
            return htmx.go(request, saved)
    rows = [display.bin_row(spec, cell, language) for cell in cells]
    label = words.label(feature, language)
    context = {
        "version": version, "feature": spec, "label": label, "rows": rows, "back": back(version), "previewed": told is not None,
        "rate": charts.bins(version, label, rows, "rate"), "woe": charts.bins(version, label, rows, "woe"),
    }  # fmt: skip
    return form.page(request, "risk/model_bins.html", context)
