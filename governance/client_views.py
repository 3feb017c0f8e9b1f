"""Pages of API clients: who calls, what they may do, their secrets."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.errors import Stale
from crm.lib.permissions import needs, scopes
from governance import changes, clients, idempotency, permissions, sign_in_policy
from governance.asked import Asked
from governance.client_forms import ClientForm, NewClientForm, RotateForm
from governance.models import ApiClient, ChangeRequest, User
from governance.step_up import steps_up
from ledger import log

SHOWN = 20


@needs(permissions.VIEW_CLIENT)
@require_GET
def client_list(request: Asked) -> HttpResponse:
    """List every machine that may call, or might once."""
    rows = ApiClient.objects.select_related("service_user")
    page = pages.read(request, rows, sorts={"name": "name", "used": "last_used_at", "made": "id"}, default_sort="name")
    context = {"page": page, "may_add": request.user.has_perm(permissions.MANAGE_CLIENT)}
    return htmx.render(request, "governance/client_list.html", "governance/_client_rows.html", context)


def named(client_id: str) -> ApiClient:
    rows = ApiClient.objects.select_related("service_user__role", "service_user__team")
    return get_object_or_404(rows, client_id=client_id)


@needs(permissions.VIEW_CLIENT)
@require_GET
def client(request: Asked, public_id: str) -> HttpResponse:
    """Show one client: scopes, networks, limit, secrets, what happened."""
    return _page(request, named(public_id))


def _page(request: Asked, found: ApiClient, *, secret: str = "", status: int = 200) -> HttpResponse:
    meanings = scopes()
    context = {
        "client": found,
        "secret": secret,
        "scopes": [(code, meanings.get(code, "")) for code in found.scopes],
        "overlaps": bool(found.old_secret) and found.old_secret_until is not None and found.old_secret_until > now(),
        "waiting": ChangeRequest.objects.filter(kind=clients.KIND, subject=found.client_id, status=ChangeRequest.Status.OPEN).first(),
        "items": _history(found),
        "may_change": request.user.has_perm(permissions.MANAGE_CLIENT) and found.revoked_at is None,
        "rotate_form": RotateForm(initial={"version": found.version}),
        "hours": sign_in_policy.value("api.secret_overlap_hours", on=now().date()),
    }
    return htmx.render(request, "governance/client.html", "governance/client.html", context, status=status)


EVENTS = {
    "governance.client.created": (_("Registered"), "plus", "info"),
    "governance.client.changed": (_("Scopes, networks or limit changed"), "edit", "info"),
    "governance.client.rotated": (_("New secret"), "refresh", "caution"),
    "governance.client.revoked": (_("Revoked"), "lock", "bad"),
}


def _history(found: ApiClient) -> list[dict[str, Any]]:
    entries = list(log.history(found)[:SHOWN])
    actors = dict(User.objects.filter(pk__in={entry.actor_id for entry in entries}).values_list("pk", "name"))
    items = []
    for entry in entries:
        text, icon, tone = EVENTS.get(entry.event, (entry.event, "entry", "neutral"))
        items.append({"text": text, "icon": icon, "tone": tone, "actor": actors.get(entry.actor_id or 0, ""), "at": entry.at})
    return items


@needs(permissions.MANAGE_CLIENT)
@steps_up
def client_new(request: Asked) -> HttpResponse:
    """Register a client. Its secret is shown in the answer and never again; a second click leads to the client without it."""
    form = NewClientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data, secret, made = form.cleaned_data, "", None
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                given = {name: data[name] for name in ("username", "name", "role", "team")}
                made, secret = clients.register(actor=request.user, at=now(), **given)
                sent.result(reverse("client", args=[made.client_id]))
        if not form.errors:
            return _page(request, named(made.client_id), secret=secret) if made else htmx.go(request, sent.location)
    return form.page(request, "governance/client_form.html", {"client": None})


@needs(permissions.MANAGE_CLIENT)
@steps_up
def client_edit(request: Asked, public_id: str) -> HttpResponse:
    """Propose other scopes, networks or calls a minute."""
    found = named(public_id)
    form = ClientForm(found, request.POST or None)
    context: dict[str, Any] = {"client": found, "checkers": bool(changes.checkers(clients.KIND, but=request.user))}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
                if not sent.again:
                    made = clients.propose(
                        found, form.content(), reason=data["reason"], actor=request.user, at=now(), version=data["version"] or 0
                    )
                    if made.status == ChangeRequest.Status.OPEN:
                        messages.success(request, _("Proposed: a second person confirms or refuses it."))
                    else:
                        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                    sent.result(reverse("client", args=[found.client_id]))
        except Stale as error:
            typed = request.POST.copy()
            typed["version"] = str(found.version)
            again = ClientForm(found, typed)
            context |= {
                "form": again,
                "message": error.message,
                "lines": changes.KINDS[clients.KIND].lines(clients.content(found), form.content()),
            }
            return htmx.render(request, "governance/client_form.html", "governance/client_form.html", context, status=409)
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "governance/client_form.html", context)


@needs(permissions.MANAGE_CLIENT)
@require_POST
@steps_up
def client_rotate(request: Asked, public_id: str) -> HttpResponse:
    """Make a new secret and show it, this once."""
    found, form = named(public_id), RotateForm(request.POST)
    version = (form.cleaned_data["version"] or 0) if form.is_valid() else 0
    leaked = form.is_valid() and form.cleaned_data["leaked"]
    _row, secret = clients.rotate(found, actor=request.user, at=now(), version=version, leaked=leaked)
    return _page(request, named(public_id), secret=secret)


@needs(permissions.MANAGE_CLIENT)
@require_POST
@steps_up
def client_revoke(request: Asked, public_id: str) -> HttpResponse:
    """End a client for good."""
    clients.revoke(named(public_id), actor=request.user, at=now())
    messages.success(request, _("The client is revoked: nothing opens for it any more."))
    return htmx.go(request, reverse("client", args=[public_id]))
