"""Scripts: the lines said in a talk, the versions, a change by two persons, all of them as a paper."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from collection import permissions, script_panel, script_paper, scripts
from collection.models import CallScript
from collection.script_forms import ScriptForm
from collection.views.work import found, person, return_to
from crm.lib import htmx
from crm.lib.errors import Invalid
from crm.lib.permissions import needs
from governance import changes
from governance.idempotency import Once
from governance.models import ChangeRequest


@needs(permissions.CONTACT)
@require_POST
def say(request: HttpRequest, public_id: str) -> HttpResponse:
    """Note that a line was said, and show the next."""
    row, at = found(request, public_id), now()
    script = get_object_or_404(CallScript, public_id=request.POST.get("script", "").replace("\0", ""))
    scripts.say(row, script=script, code=request.POST.get("code", ""), actor=person(request), at=at)
    if not htmx.wants_part(request):
        return htmx.go(request, return_to(request, row))
    back = "desk" if request.POST.get("back") == "desk" else "case"
    return htmx.part(request, "collections/_script.html", script_panel.again(row, user=person(request), at=at, back=back))


@needs(permissions.VIEW_POLICY)
@require_GET
def script_list(request: HttpRequest) -> HttpResponse:
    """Show the live scripts by stage, who is on the line, and language."""
    rows = CallScript.objects.filter(status=CallScript.Status.LIVE).select_related("made_by")
    live = {(row.stage, row.party, row.language): row for row in rows}
    table = [
        {
            "stage": stage.label,
            "party": party.label,
            "cells": [
                {"language": language.label, "key": scripts.subject(stage, party, language), "script": live.get((stage, party, language))}
                for language in CallScript.Language
            ],
        }
        for stage in CallScript.Stage
        for party in CallScript.Party
    ]
    return htmx.render(request, "collections/script_list.html", "collections/script_list.html", {"table": table})


def key_of(name: str) -> str:
    """Return the subject of an address; 404 where it names no script."""
    try:
        scripts.named(name)
    except Invalid as error:
        raise Http404 from error
    return name


@needs(permissions.VIEW_POLICY)
@require_GET
def script(request: HttpRequest, name: str) -> HttpResponse:
    """Show one script, its versions, and what waits for a second person."""
    key = key_of(name)
    stage, party, language = scripts.named(key)
    versions = CallScript.objects.filter(stage=stage, party=party, language=language).select_related("made_by").order_by("-version")
    waiting = (
        ChangeRequest.objects.filter(kind=scripts.KIND, subject=key, status=ChangeRequest.Status.OPEN).select_related("made_by").first()
    )
    context = {
        "key": key,
        "name": scripts.called(key),
        "script": scripts.standing(key),
        "versions": list(versions[:20]),
        "waiting": waiting,
        "may_change": request.user.has_perm(permissions.DRAFT_POLICY),
    }
    return htmx.render(request, "collections/script.html", "collections/script.html", context)


@needs(permissions.DRAFT_POLICY)
def change(request: HttpRequest, name: str) -> HttpResponse:
    """Put new lines before a second person."""
    key = key_of(name)
    live = scripts.standing(key)
    form = ScriptForm(request.POST or None, lines=live.lines if live else [])
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = scripts.propose(key, lines=form.lines(), reason=form.cleaned_data["reason"], actor=person(request), at=now())
                if made.status == ChangeRequest.Status.OPEN:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                sent.result(reverse("script", args=[key]))
        if not form.errors:
            return htmx.go(request, sent.location)
    checkers = changes.checkers(scripts.KIND, but=person(request))
    return form.page(request, "collections/script_form.html", {"key": key, "name": scripts.called(key), "checkers": checkers})


@needs(permissions.VIEW_POLICY)
@require_GET
def paper(request: HttpRequest) -> HttpResponse:
    """Give all live scripts as one PDF."""
    return HttpResponse(
        script_paper.paper(at=now()),
        content_type="application/pdf",
        headers={"Content-Disposition": 'attachment; filename="scripts.pdf"', "Cache-Control": "no-store"},
    )
