"""Pages of roles: who may do what, one role, its change, two roles side by side."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.errors import Invalid, Stale
from crm.lib.permissions import ALL, needs
from governance import changes, factors, idempotency, permissions, preview, roles
from governance.asked import Asked
from governance.models import ChangeRequest, DutyPair, Role
from governance.role_forms import PreviewRoleForm, RoleForm
from governance.step_up import steps_up

SHOWN = 100  # holders named on a role's page

APPS = {
    "customers": _("Customers"),
    "credit": _("Credit"),
    "risk": _("Risk"),
    "collections": _("Collections"),
    "governance": _("Governance"),
    "ledger": _("Ledger"),
}


@needs(permissions.VIEW_ROLE)
@require_GET
def role_list(request: Asked) -> HttpResponse:
    """Who may do what: permissions × roles."""
    found = list(Role.objects.annotate(members=Count("users", filter=Q(users__is_active=True))).order_by("pk"))
    codes = sorted({code for role in found for code in role.permissions})
    rows = {code: [code in role.permissions for role in found] for code in codes}
    context = {
        "roles": found,
        "groups": [
            (name, [{"label": label, "code": code, "cells": rows[code]} for code, label in group]) for name, group in grouped(codes)
        ],
        "pairs": DutyPair.objects.filter(is_active=True).order_by("pk"),
        "may_propose": request.user.has_perm(permissions.MANAGE_ROLE),
    }
    return htmx.render(request, "governance/role_list.html", "governance/role_list.html", context)


def grouped(codes: Any) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Return permissions under the name of the room they open: [(room, [(code, label)])]."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for code in sorted(codes):
        groups.setdefault(code.split(".")[0], []).append((code, ALL[code].label if code in ALL else code))
    return [(APPS.get(name, name), rows) for name, rows in groups.items()]


def named(code: str) -> Role:
    return get_object_or_404(Role, code=code)


@needs(permissions.VIEW_ROLE)
@require_GET
def role(request: Asked, code: str) -> HttpResponse:
    """Show one role: what it opens, on which rows, who holds it, what waits."""
    found = named(code)
    members = found.users.filter(is_active=True).select_related("team").order_by("username")
    shown = list(members[:SHOWN])
    context = {
        "role": found,
        "groups": grouped(found.permissions),
        "narrowed": roles.narrowed(found),
        "members": shown,
        "bare": factors.without(shown) if found.second_factor else set(),
        "holders": pages.count_label(members),
        "waiting": ChangeRequest.objects.filter(kind=roles.KIND, subject=code, status=ChangeRequest.Status.OPEN).first(),
        "past": ChangeRequest.objects.filter(kind=roles.KIND, subject=code).select_related("made_by", "decided_by").order_by("-pk")[:10],
        "others": Role.objects.exclude(pk=found.pk).order_by("pk"),
        "may_propose": request.user.has_perm(permissions.MANAGE_ROLE),
        "may_view_people": request.user.has_perm(permissions.VIEW_USER),
        "preview_form": PreviewRoleForm(teams=preview.teams(request.user))
        if found.permissions and request.user.has_perm(permissions.PREVIEW)
        else None,
    }
    return htmx.render(request, "governance/role.html", "governance/role.html", context)


@needs(permissions.MANAGE_ROLE)
@steps_up
def role_new(request: Asked) -> HttpResponse:
    """Propose a role, empty or as a copy of another one."""
    pattern = Role.objects.filter(code=request.GET.get("like", "")[:40]).first() if "\0" not in request.GET.get("like", "") else None
    return _proposed(request, RoleForm.new(request.POST or None, pattern), None)


@needs(permissions.MANAGE_ROLE)
@steps_up
def role_edit(request: Asked, code: str) -> HttpResponse:
    """Propose a change of a role."""
    found = named(code)
    return _proposed(request, RoleForm.of(found, request.POST or None), found)


def _proposed(request: Asked, form: RoleForm, found: Role | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        code = found.code if found else data["code"]
        if found is None and Role.objects.filter(code=code).exists():
            form.add_error("code", _("There is a role with this code."))
        else:
            try:
                with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
                    if not sent.again:
                        version = (data["version"] or 0) if found else None
                        made = roles.propose(code, form.content(), reason=data["reason"], actor=request.user, at=now(), version=version)
                        _say(request, made)
                        sent.result(reverse("change", args=[made.public_id]))
            except Stale as error:
                return _changed_meanwhile(request, form, code, error)
            if not form.errors:
                return htmx.go(request, sent.location)
    return form.page(request, "governance/role_form.html", _context(request, form, found))


def _context(request: Asked, form: RoleForm, found: Role | None) -> dict[str, Any]:
    checkers = changes.checkers(roles.KIND, but=request.user)
    return {"role": found, "groups": form.groups(grouped(ALL)), "checkers": bool(checkers)}


def _say(request: Asked, made: ChangeRequest) -> None:
    if made.status == ChangeRequest.Status.OPEN:
        messages.success(request, _("Proposed: a second person confirms or refuses it."))
    else:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))


def _changed_meanwhile(request: Asked, form: RoleForm, code: str, error: Stale) -> HttpResponse:
    """Show what stands now beside what was typed; sending again keeps what was typed."""
    fresh, typed = named(code), request.POST.copy()
    typed["version"] = str(fresh.version)
    again = RoleForm.of(fresh, typed)
    context = _context(request, again, fresh) | {
        "form": again, "message": error.message, "lines": changes.KINDS[roles.KIND].lines(roles.content(fresh), form.content()),
    }  # fmt: skip
    return htmx.render(request, "governance/role_form.html", "governance/role_form.html", context, status=409)


@needs(permissions.VIEW_ROLE)
@require_GET
def role_compare(request: Asked, code: str, other: str) -> HttpResponse:
    """Show what one role is and another is not."""
    if code == other:
        raise Http404
    first, second = named(code), named(other)
    context = {"first": first, "second": second, "lines": roles.difference(first, second)}
    return htmx.render(request, "governance/role_compare.html", "governance/role_compare.html", context)


@needs(permissions.PREVIEW)
@require_POST
def preview_role(request: Asked, code: str) -> HttpResponse:
    """Look at pages as anybody with this role in a branch would."""
    found = named(code)
    form = PreviewRoleForm(request.POST, teams=preview.teams(request.user))
    if not form.is_valid():
        raise Invalid(_("Choose the branch to look from."), fields={"team": _("Choose one of the list.")})
    preview.begin_role(request.session, found, form.cleaned_data["team"], actor=request.user, at=now())
    return htmx.go(request, reverse("home"))
