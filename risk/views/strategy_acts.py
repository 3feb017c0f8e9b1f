"""The steps of a version's life, each a dialog with its reason; a new draft, a new strategy, a comment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency
from governance.asked import Asked
from risk import finding_words, strategy_life, strategy_versions
from risk.models import Strategy, StrategyNote, StrategyVersion
from risk.permissions import APPROVE_STRATEGY, EDIT_STRATEGY, RELEASE_STRATEGY, VIEW_STRATEGY
from risk.views.common import demand

ONE_LINE = forms.Textarea(attrs={"rows": 2})


class ReasonForm(Form):
    """Why a step is taken."""

    note = forms.CharField(label=_("Reason"), max_length=500, widget=ONE_LINE, help_text=_("It stands in the history of the version."))


class ApprovalForm(Form):
    """What the second person has to say."""

    note = forms.CharField(
        label=_("Remark"), required=False, max_length=500, widget=ONE_LINE, help_text=_("Needed where the linter warns: say why it may be.")
    )


class ScheduleForm(ReasonForm):
    """When a version goes live."""

    release_at = forms.DateTimeField(
        label=_("Goes live at"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    field_order = ("release_at", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tomorrow = (now() + timedelta(days=1)).replace(minute=0)
        self.fields["release_at"].initial = tomorrow


class DraftForm(Form):
    """What a new draft is for."""

    note = forms.CharField(label=_("What is to change"), max_length=200)


class CommentForm(Form):
    """What somebody says about a version or a node of it."""

    node = forms.ChoiceField(label=_("About"), required=False)
    text = forms.CharField(label=_("Comment"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, version: StrategyVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["node"]
        field.choices = [("", _("the version as a whole")), *strategy_versions.stages_of(version.graph)]


class StrategyForm(Form):
    """A strategy of its own, begun as a copy of one there is."""

    code = forms.CharField(
        label=_("Code"), max_length=60, help_text=_("Short name programs know it by, such as merchant_instalment."),
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*$", _("Small letters, digits and underscores, a letter first."))],
    )  # fmt: skip
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    model = forms.ModelChoiceField(
        label=_("Begins as a copy of"),
        queryset=Strategy.objects.filter(versions__status="live").order_by("code"),
        to_field_name="public_id",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["model"]
        field.label_from_instance = lambda one: one.name
        field.empty_label = None


def found(public_id: str, number: int) -> StrategyVersion:
    """Return the version an address names."""
    rows = StrategyVersion.objects.select_related("strategy", "made_by", "sent_by")
    return get_object_or_404(rows, strategy__public_id=public_id, number=number)


def _step(
    name: str, permission: str, *, title: Any, button: Any, done: Any, form_class: type[Form], run: Callable[..., Any], danger: bool = False
) -> Any:
    """Return the view of one step: the dialog, and what its button does."""

    @needs(permission)
    def view(request: Asked, public_id: str, number: int) -> HttpResponse:
        version = found(public_id, number)
        demand(request, version.strategy)
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            with form.refusals(), idempotency.Once(request.user, data.pop("form_key"), at=now()) as sent:
                if not sent.again:
                    shown = run(version, **data, actor=request.user, at=now())
                    messages.success(request, done)
                    sent.result(strategy_life.address(shown))
            if not form.errors:
                return htmx.go(request, sent.location)
        warnings = finding_words.lines(strategy_versions.lint_of(version)) if name in ("send", "approve") else []
        context = {
            "version": version, "strategy": version.strategy, "title": title, "button": button, "danger": danger, "warnings": warnings,
            "action": reverse(f"strategy-{name.replace('_', '-')}", args=[public_id, number]), "back": strategy_life.address(version),
        }  # fmt: skip
        return form.page(request, "risk/strategy_step.html", context, part="risk/_strategy_step.html")

    view.__name__ = name
    view.__doc__ = f"{title}"
    return view


def _roll_back(version: StrategyVersion, *, note: str, actor: Any, at: Any) -> StrategyVersion:
    return strategy_life.roll_back(version.strategy, note=note, actor=actor, at=at)


send = _step(
    "send", EDIT_STRATEGY, title=_("Send for approval"), button=_("Send for approval"), form_class=ReasonForm, run=strategy_life.send,
    done=_("Sent: a second person approves or rejects it."),
)  # fmt: skip
take_back = _step(
    "take_back", EDIT_STRATEGY, title=_("Take back to draft"), button=_("Take the version back"), form_class=ReasonForm, run=strategy_life.take_back,
    done=_("It is a draft again."),
)  # fmt: skip
approve = _step(
    "approve", APPROVE_STRATEGY, title=_("Approve this version"), button=_("Approve version"), form_class=ApprovalForm,
    run=strategy_life.approve, done=_("Approved. It decides nothing until it is released."),
)  # fmt: skip
reject = _step(
    "reject", APPROVE_STRATEGY, title=_("Reject this version"), button=_("Reject version"), form_class=ReasonForm, run=strategy_life.reject,
    done=_("Rejected."), danger=True,
)  # fmt: skip
schedule = _step(
    "schedule", RELEASE_STRATEGY, title=_("Schedule the release"), button=_("Schedule release"), form_class=ScheduleForm,
    run=strategy_life.schedule, done=_("It goes live by itself at that moment."),
)  # fmt: skip
unschedule = _step(
    "unschedule", RELEASE_STRATEGY, title=_("Take the release off the schedule"), button=_("Take off the schedule"), form_class=ReasonForm,
    run=strategy_life.unschedule, done=_("It stays approved and is not released."),
)  # fmt: skip
release = _step(
    "release", RELEASE_STRATEGY, title=_("Release this version now"), button=_("Release version"), form_class=ReasonForm,
    run=strategy_life.release, done=_("It decides from now on."),
)  # fmt: skip
roll_back = _step(
    "roll_back", RELEASE_STRATEGY, title=_("Roll back to the version before"), button=_("Roll back"), form_class=ReasonForm, run=_roll_back,
    done=_("The version before decides again."), danger=True,
)  # fmt: skip


@needs(EDIT_STRATEGY)
def draft(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Make a draft from a version."""
    version = found(public_id, number)
    demand(request, version.strategy)
    form = DraftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = strategy_versions.draft_from(version, note=data["note"], actor=request.user, at=now())
                sent.result(strategy_life.address(made))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "version": version, "strategy": version.strategy, "title": _("New draft from this version"), "button": _("Make draft"),
        "action": reverse("strategy-draft", args=[public_id, number]), "back": strategy_life.address(version),
    }  # fmt: skip
    return form.page(request, "risk/strategy_step.html", context, part="risk/_strategy_step.html")


@needs(EDIT_STRATEGY)
def new(request: Asked) -> HttpResponse:
    """Begin a strategy of its own."""
    form = StrategyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        demand(request, data["model"])
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                model = StrategyVersion.objects.get(strategy=data["model"], status="live")
                made = strategy_versions.begin(
                    code=data["code"], name_en=data["name_en"], name_zh=data["name_zh"], model=model, actor=request.user, at=now()
                )
                sent.result(strategy_life.address(made))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/strategy_new.html", {})


def editor_notes(request: Asked, version: StrategyVersion, form: CommentForm | None = None) -> dict[str, Any]:
    """Return what stands beside the graph: what was said of its nodes, newest first, and the form for more."""
    names = dict(strategy_versions.stages_of(version.graph))
    said = StrategyNote.objects.filter(version=version, act="").select_related("by").order_by("-pk")[:200]
    return {
        "strategy": version.strategy, "version": version, "may_comment": _may_comment(request),
        "notes": [{"note": one, "node": names.get(one.node, one.node)} for one in said],
        "comment_form": form if form is not None and form.errors else CommentForm(version=version, prefix=""),
    }  # fmt: skip


def _may_comment(request: Asked) -> bool:
    return request.user.has_perm(EDIT_STRATEGY) or request.user.has_perm(APPROVE_STRATEGY)


@needs(VIEW_STRATEGY)
def comment(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Say something about a version or a node of it; beside the graph the list comes back, so that nothing drawn is left behind."""
    version = found(public_id, number)
    form = CommentForm(request.POST or None, version=version)
    if request.method == "POST" and request.headers.get("HX-Target") == "editor-notes":
        if form.is_valid():
            with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
                if not sent.again:
                    data = form.cleaned_data
                    strategy_life.comment(version, text=data["text"], node=data["node"], actor=request.user, at=now())
                    sent.result(strategy_life.address(version))
        answer = htmx.part(request, "risk/_editor_notes.html", editor_notes(request, version, form))
        answer.status_code = 422 if form.errors else 200
        return answer
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        address = f"{strategy_life.address(version)}&tab=notes"
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                strategy_life.comment(version, text=data["text"], node=data["node"], actor=request.user, at=now())
                sent.result(address)
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "version": version, "strategy": version.strategy, "title": _("Comment"), "button": _("Add comment"),
        "action": reverse("strategy-comment", args=[public_id, number]), "back": f"{strategy_life.address(version)}&tab=notes",
    }  # fmt: skip
    return form.page(request, "risk/strategy_step.html", context, part="risk/_strategy_step.html")
