"""Page of a lender: what it is called, and the address and telephone its letters name."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx
from crm.lib.errors import Stale
from crm.lib.forms import VersionedForm
from crm.lib.permissions import needs
from governance import lenders, permissions, teams
from governance.asked import Asked
from governance.models import LegalEntity

FIELDS = ("name_en", "name_zh", "seat_en", "seat_zh", "telephone")


class LenderForm(VersionedForm):
    """What letters and papers say of the lender."""

    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    seat_en = forms.CharField(label=_("Address in English"), max_length=200, required=False)
    seat_zh = forms.CharField(label=_("Address in Chinese"), max_length=200, required=False)
    telephone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False, help_text=_("Where who gets a letter can call, such as 021-5550 0100.")
    )


def named(request: Asked, code: str) -> LegalEntity:
    """Return the lender of a URL, if it is one the person sees."""
    if "\0" in code:
        raise Http404
    entities = teams.above(request.user)
    rows = LegalEntity.objects.all()
    return get_object_or_404(rows if entities is None else rows.filter(pk__in=entities), code=code)


@needs(permissions.MANAGE_USER)
def lender(request: Asked, code: str) -> HttpResponse:
    """Change what letters say of the lender."""
    found = named(request, code)
    form = LenderForm(request.POST or None, initial={name: getattr(found, name) for name in (*FIELDS, "version")})
    context: dict[str, Any] = {"lender": found, "message": _("This lender was changed meanwhile.")}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        values = {name: data[name] for name in FIELDS}
        try:
            with form.refusals():
                lenders.change(found, actor=request.user, at=now(), version=data["version"] or 0, **values)
        except Stale:
            typed = request.POST.copy()
            typed["version"] = str(found.version)
            context["changes"] = [
                {"label": form.fields[name].label, "theirs": getattr(found, name), "yours": value}
                for name, value in values.items()
                if getattr(found, name) != value
            ]
            context["form"] = LenderForm(typed)
            return htmx.render(request, "governance/lender_form.html", "governance/lender_form.html", context, status=409)
        if not form.errors:
            messages.success(request, _("The lender is changed. Letters made from now on say so."))
            return htmx.go(request, reverse("team-list"))
    return form.page(request, "governance/lender_form.html", context)
