"""The steps of a model's life on pages: each a form, one door, and back to the model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib import htmx
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import (
    charts,
    display,
    model_bins,
    model_fairness,
    model_forms,
    model_page,
    model_proofs,
    model_reasons,
    model_states,
    trainings,
    words,
)
from risk.models import ModelProof, Scorecard, ScorecardVersion
from risk.permissions import APPROVE_MODEL, EDIT_MODEL, VALIDATE_MODEL, VIEW_STRATEGY


@dataclass(frozen=True)
class Step:
    """A step on a page: its form, the door it calls with the form's values, and what is said before and after."""

    form: Any
    do: Callable[..., Any]  # (version, *, actor, at, **values of the form)
    title: Any
    label: Any
    said: Any
    danger: bool = False
    more: Callable[[ScorecardVersion, Any], dict[str, Any]] = lambda _version, _user: {}  # what the page shows beside the form


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


def page_of(step: Step) -> Callable[[Asked, str], HttpResponse]:
    """Return the view of a step: its form, or the step taken once and back to the model."""

    def view(request: Asked, public_id: str) -> HttpResponse:
        version = version_of(request, public_id)
        more = step.more(version, request.user)
        form = bound(request, step.form, version, **({"gaps": bool(more["gaps"])} if "gaps" in more else {}))
        if request.method == "POST" and form.is_valid():
            data = dict(form.cleaned_data)
            data.pop("number", None)
            with form.refusals(), idempotency.Once(request.user, data.pop("form_key"), at=now()) as sent:
                if not sent.again:
                    step.do(version, actor=request.user, at=now(), **data)
                    sent.result(back(version))
            if not form.errors:
                if not sent.again:
                    messages.success(request, str(step.said))
                return htmx.go(request, sent.location)
        title = str(step.title) % {"number": version.number}
        context = {"version": version, "title": title, "label": step.label, "back": back(version), "danger": step.danger} | more
        return form.page(request, "risk/model_step.html", context)

    return both(view)


def bound(request: Asked, kind: Any, version: ScorecardVersion, **more: Any) -> Any:
    posted = request.method == "POST"
    return kind(request.POST if posted else None, initial={"number": version.number, "tier": version.tier}, **more)


def _before_approval(version: ScorecardVersion, user: Any) -> dict[str, Any]:
    """Return the proof that stands or is made, and the groups that fall short in it."""
    made = model_proofs.latest(version)
    told = proof_context(version, made, user) | {"gaps": model_fairness.gaps(version, made.fairness if made else ())}
    return told | {"waiting": version.data_set_id is not None and not (made and made.result)}


def _before_champion(version: ScorecardVersion, _user: Any) -> dict[str, Any]:
    return {"standing": ScorecardVersion.objects.filter(scorecard=version.scorecard_id, status="live").first()}


def _retire(version: ScorecardVersion, *, text: str, **told: Any) -> Any:
    return model_states.retire(version, reason=text, **told)


model_validate = needs(VALIDATE_MODEL)(page_of(Step(
    model_forms.ValidateForm, model_states.validate, _("Validate the model"), _("Validate"), _("Validated. A third person approves it."),
)))  # fmt: skip
model_approve = needs(APPROVE_MODEL)(page_of(Step(
    model_forms.ApproveForm, model_states.approve, _("Approve the model"), _("Approve"), _("Approved; the proof of equality is stored."),
    more=_before_approval,
)))  # fmt: skip
model_reject = needs(VALIDATE_MODEL)(page_of(Step(
    model_forms.ReasonForm, model_states.reject, _("Reject the model"), _("Reject"), _("Rejected."), danger=True,
)))  # fmt: skip
model_champion = needs(APPROVE_MODEL)(page_of(Step(
    model_forms.ChampionForm, model_states.make_champion, _("Make version %(number)s champion"), _("Make champion"),
    _("It is champion now."), more=_before_champion,
)))  # fmt: skip
model_review = needs(VALIDATE_MODEL)(page_of(Step(
    model_forms.ReviewForm, model_states.review, _("Annual review"), _("Record the annual review"), _("The review is recorded."),
)))  # fmt: skip
model_retire = needs(APPROVE_MODEL)(page_of(Step(
    model_forms.ReasonForm, _retire, _("Retire the model"), _("Retire"), _("Retired."), danger=True,
)))  # fmt: skip


def proof_context(version: ScorecardVersion, made: ModelProof | None, user: Any) -> dict[str, Any]:
    """Return what the part about the proof shows, and whether this person may order one."""
    running = made is not None and not made.job.is_over
    address = f"{reverse('model-proof', args=[version.scorecard.public_id])}?version={version.number}"
    may = version.data_set_id is not None and not running and user.has_perm(APPROVE_MODEL)
    return {
        "made": made,
        "poll_url": address if running else "",
        "may_prove": may,
        "difference": model_page.difference(made.result if made else {}),
    }


@require_GET
@needs(VIEW_STRATEGY)
def model_proof(request: Asked, public_id: str) -> HttpResponse:
    """Show how far the proof of a version is; the page that asked is opened anew when it is over."""
    version = version_of(request, public_id)
    made = model_proofs.latest(version)
    if made is None or made.job.is_over:
        return htmx.go(request, (request.headers.get("HX-Current-URL") and _same_site(request)) or back(version))
    return htmx.part(request, "parts/_job.html", {"job": made.job} | proof_context(version, made, request.user))


def _same_site(request: Asked) -> str:
    """Return the path of the page that asked, so that no other site is gone to."""
    found = urlsplit(request.headers["HX-Current-URL"])
    return f"{found.path}?{found.query}" if found.path.startswith("/risk/models/") else ""


@require_POST
@needs(APPROVE_MODEL)
def model_prove(request: Asked, public_id: str) -> HttpResponse:
    """Order a proof of what the version says now."""
    version = version_of(request, public_id)
    if model_proofs.start(version, actor=request.user, at=now()) is None:
        raise model_proofs.NotProven(_("The data of this version are not here: the proof of its training is all there is."))
    return htmx.go(request, _same_site(request) if request.headers.get("HX-Current-URL") else _next(version))


def _next(version: ScorecardVersion) -> str:
    if version.status == "validated":
        return f"{reverse('model-approve', args=[version.scorecard.public_id])}?version={version.number}"
    return back(version)


@needs(EDIT_MODEL)
@both
def model_reasons_edit(request: Asked, public_id: str) -> HttpResponse:
    """Rewrite what a draft tells staff and customers."""
    version = version_of(request, public_id)
    form = model_forms.ReasonTextsForm(request.POST if request.method == "POST" else None, model=version)

    if request.method == "POST" and form.is_valid():
        with form.refusals():
            model_reasons.rewrite(version, texts=form.texts(), actor=request.user, at=now())
        if not form.errors:
            messages.success(request, gettext("The sentences are saved."))
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
