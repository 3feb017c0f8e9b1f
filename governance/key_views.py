"""Pages of keys: which versions there are, how much each seals, how far a rotation is; a rotation is proposed here."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import changes, idempotency, key_changes, key_ring, permissions, rotation
from governance.asked import Asked
from governance.models import ChangeRequest, DataKey, Job


class RotationForm(Form):
    """Which keys get a new version, and why."""

    what = forms.MultipleChoiceField(
        label=_("What is renewed"),
        choices=[(value, label) for value, label in DataKey.Purpose.choices if value in key_ring.SEALING],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A new version seals at once; what lies under the old one is sealed anew while everybody goes on working."),
    )
    wrap = forms.BooleanField(
        label=_("Only wrap the data keys by the newest wrapping key"),
        required=False,
        help_text=_("After the master key or the key server's key got a new version. It takes a moment and touches no record."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("what")) == bool(data.get("wrap")):
            self.add_error("what", _("Choose keys that get a new version, or wrapping, not both."))
        return data


@needs(permissions.VIEW_KEY)
@require_GET
def key_list(request: Asked) -> HttpResponse:
    """Show every version of every key, the last rotation and what waits."""
    found = list(DataKey.objects.order_by("purpose", "-version"))
    order = {purpose: number for number, (purpose, _label) in enumerate(DataKey.Purpose.choices)}
    job = Job.objects.filter(kind=rotation.KIND).order_by("-pk").first()
    context: dict[str, Any] = {
        "keys": sorted(found, key=lambda row: order[row.purpose]),
        "job": job,
        "may_follow": job is not None and request.user.has_perm(permissions.VIEW_JOB),
        "wrapping": sorted({row.kek for row in found if row.purpose != key_ring.LEGACY}),
        "waiting": ChangeRequest.objects.filter(kind=key_changes.KIND, status=ChangeRequest.Status.OPEN).order_by("pk"),
        "may_see_changes": request.user.has_perm(permissions.VIEW_CHANGE),
        "may_propose": request.user.has_perm(permissions.ROTATE_KEY),
        "counted_at": max((row.counted_at for row in found if row.counted_at), default=None),
    }
    if job is not None and context["may_follow"]:
        context["poll_url"] = reverse("job", args=[job.public_id])
    return htmx.render(request, "governance/key_list.html", "governance/key_list.html", context)


@needs(permissions.ROTATE_KEY)
def key_rotate(request: Asked) -> HttpResponse:
    """Propose new versions of keys, or wrapping by the newest wrapping key."""
    form = RotationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = _proposed(data, request)
                if made.status == ChangeRequest.Status.OPEN:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                sent.result(
                    reverse("change", args=[made.public_id]) if request.user.has_perm(permissions.VIEW_CHANGE) else reverse("key-list")
                )
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"checkers": changes.checkers(key_changes.KIND, but=request.user)}
    return form.page(request, "governance/key_form.html", context)


def _proposed(data: dict[str, Any], request: Asked) -> ChangeRequest:
    if data["wrap"]:
        return key_changes.propose_rewrap(reason=data["reason"], actor=request.user, at=now())
    return key_changes.propose_rotation(data["what"], reason=data["reason"], actor=request.user, at=now())
