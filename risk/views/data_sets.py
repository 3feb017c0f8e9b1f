"""Data sets and trainings on pages: bring a table in, say what its columns are for, train, look at what came out."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm.lib import htmx, pages, uploads
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import data_sets, model_forms, model_page, registry, trainings, words
from risk.models import DataSet, Training
from risk.permissions import EDIT_MODEL, VIEW_STRATEGY

both = require_http_methods(["GET", "POST"])
RECENT = 20
ENVELOPE = 64 * 1024  # what a form adds to its file


@require_GET
@needs(VIEW_STRATEGY)
def data_set_list(request: Asked) -> HttpResponse:
    """List the data sets."""
    rows = DataSet.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"newest": "id", "rows": "rows"}, default_sort="-newest")
    context = {"page": page, "may_edit": request.user.has_perm(EDIT_MODEL)}
    return htmx.render(request, "risk/data_set_list.html", "risk/_data_set_rows.html", context)


@needs(EDIT_MODEL)
@both
def data_set_new(request: Asked) -> HttpResponse:
    """Bring a table in."""
    posted = request.method == "POST"
    form = model_forms.DataSetForm(request.POST if posted else None, request.FILES if posted else None)
    if posted and uploads.too_large(request, data_sets.LARGEST + ENVELOPE):
        form.fields["file"].required = False
        form.full_clean()
        form.add_error("file", data_sets.too_large().message)
    elif posted and form.is_valid():
        file = form.cleaned_data["file"]
        again = idempotency.sent_before(request.user, form.cleaned_data["form_key"])
        if again:
            return htmx.go(request, again)
        location = ""
        with form.refusals():
            content = file.read(data_sets.LARGEST + 1)
            made = data_sets.bring_in(
                content, file_name=file.name, name=form.cleaned_data["name"], target=form.cleaned_data["target"].strip(),
                actor=request.user, at=now(),
            )  # fmt: skip
            location = reverse("data-set", args=[made.public_id])
            with idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
                location = sent.location if sent.again else sent.result(location)
        if location:
            messages.success(request, _("Brought in. Say what each column is for."))
            return htmx.go(request, location)
    return form.page(request, "risk/data_set_form.html", {"largest": data_sets.LARGEST // 1024**2})


@needs(VIEW_STRATEGY)
@both
def data_set(request: Asked, public_id: str) -> HttpResponse:
    """Review the columns of a data set; who may edit models says what each is for."""
    found = get_object_or_404(DataSet.objects.visible_to(request.user).select_related("owner"), public_id=public_id)
    posted, may_edit = request.method == "POST", request.user.has_perm(EDIT_MODEL)
    form = model_forms.RolesForm(request.POST if posted else None, data_set=found)
    if posted and may_edit and form.is_valid():
        with form.refusals():
            data_sets.assign(found, roles=form.roles(), version=form.cleaned_data["version"] or 0, actor=request.user, at=now())
        if not form.errors:
            messages.success(request, _("The roles are saved."))
            return htmx.go(request, reverse("data-set", args=[public_id]))
    language = get_language() or "en"
    rows = [one | {"field": field, "label": words.label(one["name"], language), "role_label": data_sets.ROLES[one["role"]],
                   "notes": [data_sets.noted(note) for note in found.problems if note["column"] == one["name"]]}
            for one, field in form.rows()]  # fmt: skip
    context = {
        "data_set": found, "rows": rows, "may_edit": may_edit, "good": found.rows - found.bad,
        "bad_rate": found.bad / found.rows, "problems": [data_sets.noted(note) for note in found.problems],
        "trainings": Training.objects.visible_to(request.user).filter(data_set=found).for_list().order_by("-pk")[:RECENT],
        "refused": posted and not may_edit,
    }  # fmt: skip
    return form.page(request, "risk/data_set.html", context)


@needs(EDIT_MODEL)
@both
def training_new(request: Asked, public_id: str) -> HttpResponse:
    """Order a training."""
    found = get_object_or_404(DataSet.objects.visible_to(request.user), public_id=public_id)
    posted = request.method == "POST"
    form = model_forms.TrainingForm(request.POST if posted else None, initial={"code": registry.CARD, "kind": Training.Kind.AUTO})
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                told = {name: data[name] for name in ("code", "name_en", "name_zh", "kind", "cv", "seed")}
                training = trainings.start(found, actor=request.user, at=now(), **told)
                sent.result(reverse("training", args=[training.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    counts = {name: len(found.named(name)) for name in data_sets.ROLES}
    return form.page(request, "risk/training_form.html", {"data_set": found, "counts": counts, "protected": found.named("protected")})


@require_GET
@needs(VIEW_STRATEGY)
def training(request: Asked, public_id: str) -> HttpResponse:
    """Show how far a training is; when it is over, what came out. The page asks again by itself and may be left."""
    found = get_object_or_404(Training.objects.visible_to(request.user).for_list(), public_id=public_id)
    context: dict[str, Any] = {"training": found, "job": found.job, "poll_url": reverse("training", args=[public_id])}
    if found.result_id:
        version = type(found.result).objects.only("metrics", "kind", "number", "scorecard").get(pk=found.result_id)  # type: ignore[union-attr]
        context |= {
            "figures": model_page.figures(version.metrics),
            "why": data_sets.noted(version.metrics["why"]) if version.metrics.get("why") else "",
            "candidates": version.metrics.get("candidates", ()),
            "model_url": f"{reverse('scorecard', args=[found.scorecard.public_id])}?version={version.number}",
        }
    return htmx.render(request, "risk/training.html", "risk/_training.html", context)
