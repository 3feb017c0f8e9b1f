"""Pages of duties that are kept apart: the pairs, a new one, one retired or taken up again."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import ALL, needs
from governance import duties, idempotency, permissions
from governance.asked import Asked
from governance.models import ChangeRequest, DutyPair
from governance.role_views import grouped


class PairForm(Form):
    """Two permissions and why they never meet."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Small letters, digits and _. It cannot be changed later."))
    first = forms.ChoiceField(label=_("First permission"), choices=())
    second = forms.ChoiceField(label=_("Second permission"), choices=())
    meaning_en = forms.CharField(label=_("Why (English)"), max_length=200)
    meaning_zh = forms.CharField(label=_("Why (Chinese)"), max_length=200)
    source = forms.CharField(label=_("Source"), max_length=200, help_text=_("Where it comes from, and whether that was verified."))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "second"):
            field: Any = self.fields[name]
            field.choices = [("", _("Choose")), *((str(room), [(code, label) for code, label in rows]) for room, rows in grouped(ALL))]


class TurnForm(Form):
    """Why a pair is retired or taken up again."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))


@needs(permissions.VIEW_ROLE)
@require_GET
def duty_list(request: Asked) -> HttpResponse:
    """List the pairs with why, and whether they hold."""
    waiting = dict(ChangeRequest.objects.filter(kind=duties.KIND, status=ChangeRequest.Status.OPEN).values_list("subject", "public_id"))
    rows = [
        {
            "pair": pair,
            "labels": [ALL[code].label if code in ALL else code for code in (pair.first, pair.second)],
            "waits": waiting.get(pair.code),
        }
        for pair in DutyPair.objects.order_by("-is_active", "pk")
    ]
    context = {"rows": rows, "may_propose": request.user.has_perm(permissions.MANAGE_ROLE)}
    return htmx.render(request, "governance/duty_list.html", "governance/duty_list.html", context)


@needs(permissions.MANAGE_ROLE)
def duty_new(request: Asked) -> HttpResponse:
    """Propose a pair."""
    form = PairForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if DutyPair.objects.filter(code=data["code"]).exists():
            form.add_error("code", _("There is a pair with this code."))
        else:
            return _proposed(request, form, data["code"], data | {"is_active": True}, {})
    return form.page(request, "governance/duty_form.html", {})


@needs(permissions.MANAGE_ROLE)
def duty_turn(request: Asked, code: str) -> HttpResponse:
    """Propose that a pair is retired, or taken up again."""
    pair = get_object_or_404(DutyPair, code=code)
    form = TurnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _proposed(request, form, code, duties.content(pair) | {"is_active": not pair.is_active}, {"pair": pair})
    return form.page(request, "governance/duty_form.html", {"pair": pair})


def _proposed(request: Asked, form: Form, code: str, after: dict[str, Any], context: dict[str, Any]) -> HttpResponse:
    data, at = form.cleaned_data, now()
    with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
        if not sent.again:
            made = duties.propose(code, after, reason=data["reason"], actor=request.user, at=at)
            if made.alone:
                messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
            else:
                messages.success(request, _("Proposed: a second person confirms or refuses it."))
            sent.result(reverse("change", args=[made.public_id]))
    if form.errors:
        return form.page(request, "governance/duty_form.html", context)
    return htmx.go(request, sent.location)
