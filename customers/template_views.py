"""Pages of message templates: the words that are live, their versions, writing the next, and the second person."""

from typing import Any

from django import forms
from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers import permissions, sms_length, template_life, templates
from customers.models import MessageChannel, MessagePurpose, MessageTemplate
from governance import changes
from governance.asked import Asked
from governance.idempotency import Once
from governance.models import ChangeRequest

Status = MessageTemplate.Status


def known(code: str, channel: str) -> templates.Kind:
    kind = templates.KINDS.get(code)
    if kind is None or channel not in MessageChannel.values:
        raise Http404
    return kind


@needs(permissions.VIEW_TEMPLATE)
@require_GET
def template_list(request: Asked) -> HttpResponse:
    """Every message the house knows, with the words that are live or waited for."""
    rows = MessageTemplate.objects.filter(status__in=[Status.LIVE, *MessageTemplate.UNDER_WAY])
    live = {(row.code, row.channel): row for row in rows if row.status == Status.LIVE}
    coming = {(row.code, row.channel): row for row in rows if row.status != Status.LIVE}
    shown = [
        {
            "kind": kind,
            "channel": channel,
            "channel_label": label,
            "live": live.get((kind.code, channel)),
            "coming": coming.get((kind.code, channel)),
            "purpose": MessagePurpose(kind.purpose).label,
        }
        for kind in templates.KINDS.values()
        for channel, label in MessageChannel.choices
        if (kind.code, channel) in live or (kind.code, channel) in coming
    ]
    return htmx.render(request, "customers/template_list.html", "customers/template_list.html", {"rows": shown})


def lengths(sample: dict[str, dict[str, str]], channel: str) -> dict[str, sms_length.Length]:
    """Return how long a sample is by language, where it is sent in parts."""
    return {side: sms_length.of(words["body"]) for side, words in sample.items()} if channel == MessageChannel.SMS else {}


@needs(permissions.VIEW_TEMPLATE)
@require_GET
def template(request: Asked, code: str, channel: str) -> HttpResponse:
    """One message in one channel: how it reads with samples and with the amounts of the books, and its versions."""
    kind, user = known(code, channel), request.user
    versions = list(
        MessageTemplate.objects.filter(code=code, channel=channel).select_related("made_by", "approved_by").order_by("-version")
    )
    if not versions:
        raise Http404
    number = request.GET.get("version", "")
    first = next((row for row in versions if row.status == Status.LIVE), versions[0])
    chosen = next((row for row in versions if str(row.version) == number), first)
    sample = templates.sample(chosen, code)
    written = {row.channel for row in MessageTemplate.objects.filter(code=code)}
    manages = user.has_perm(permissions.MANAGE_TEMPLATE)
    context = {
        "kind": kind,
        "channel": channel,
        "channel_label": dict(MessageChannel.choices)[channel],
        "chosen": chosen,
        "versions": versions,
        "sample": sample,
        "lengths": lengths(sample, channel),
        "books": template_life.of_the_books(chosen, at=now()),
        "waiting": template_life.waiting(chosen) if chosen.status == Status.PROPOSED else None,
        "manages": manages,
        "may_propose": manages and chosen.status == Status.DRAFT,
        "may_write": manages and not any(row.status == Status.PROPOSED for row in versions),
        "others": [(name, label) for name, label in MessageChannel.choices if name not in written] if manages else [],
        "lists": user.has_perm(permissions.VIEW_MESSAGE),
    }
    return htmx.render(request, "customers/template.html", "customers/template.html", context)


class TemplateForm(Form):
    """The words of one version, in both languages."""

    subject_en = forms.CharField(label=gettext_lazy("Subject in English"), max_length=200, required=False)
    body_en = forms.CharField(label=gettext_lazy("Text in English"), max_length=6_000, widget=forms.Textarea(attrs={"rows": 4}))
    subject_zh = forms.CharField(label=gettext_lazy("Subject in Chinese"), max_length=200, required=False)
    body_zh = forms.CharField(label=gettext_lazy("Text in Chinese"), max_length=6_000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, channel: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("subject_en", "subject_zh"):
            if channel != MessageChannel.EMAIL:
                del self.fields[name]
            else:
                self.fields[name].required = True


@needs(permissions.MANAGE_TEMPLATE)
def template_edit(request: Asked, code: str, channel: str) -> HttpResponse:
    """Write the next version: first looked at with samples, then saved as a draft, which a second person puts live."""
    kind = known(code, channel)
    before = template_life.under_way(code, channel) or template_life.live(code, channel)
    words = template_life.words_of(before)
    form = TemplateForm(request.POST or None, channel=channel, initial=words)
    sample = None
    if request.method == "POST" and form.is_valid():
        written = {name: form.cleaned_data.get(name, "") for name in template_life.FIELDS}
        with form.refusals():
            cleaned = templates.checked(code, channel, written)
            sample = templates.sample(cleaned, code)
            if request.POST.get("do") == "save":
                made = template_life.draft(code, channel=channel, words=written, actor=request.user, at=now())
                toasts.success(request, _("Version %(version)s is a draft. Propose it to a second person.") % {"version": made.version})
                return htmx.go(request, f"{reverse('template', args=[code, channel])}?version={made.version}")
    context = {
        "kind": kind,
        "channel": channel,
        "channel_label": dict(MessageChannel.choices)[channel],
        "sample": sample,
        "lengths": lengths(sample, channel) if sample else {},
        "places": [f"{{{name}}}" for name in kind.samples],
        "back": reverse("template", args=[code, channel]) if before else reverse("template-list"),
    }
    return form.page(request, "customers/template_form.html", context)


class ReasonForm(Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea, help_text=gettext_lazy("The second person reads it.")
    )


def drafted(code: str, channel: str) -> MessageTemplate:
    row = template_life.under_way(code, channel)
    if row is None:
        raise Http404
    return row


@needs(permissions.MANAGE_TEMPLATE)
def template_propose(request: Asked, code: str, channel: str) -> HttpResponse:
    """Put the draft before a second person."""
    kind, row = known(code, channel), drafted(code, channel)
    form, back = ReasonForm(request.POST or None), f"{reverse('template', args=[code, channel])}?version={row.version}"
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = template_life.propose(row, reason=form.cleaned_data["reason"], actor=request.user, at=now())
                if made.status == ChangeRequest.Status.OPEN:
                    toasts.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    toasts.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                sent.result(back)
        if not form.errors:
            return htmx.go(request, sent.location)
    sample = templates.sample(row, code)
    context = {
        "kind": kind, "channel": channel, "channel_label": dict(MessageChannel.choices)[channel], "row": row, "sample": sample,
        "lengths": lengths(sample, channel), "back": back,
        "checkers": bool(changes.checkers(template_life.KIND, but=request.user)),
    }  # fmt: skip
    return form.page(request, "customers/template_propose.html", context)


@needs(permissions.MANAGE_TEMPLATE)
@require_POST
def template_drop(request: Asked, code: str, channel: str) -> HttpResponse:
    known(code, channel)
    template_life.drop(drafted(code, channel), actor=request.user, at=now())
    toasts.success(request, _("The draft is dropped."))
    return htmx.go(request, reverse("template-list"))
