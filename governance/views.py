"""Pages of people, roles, jobs and rules."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx, pages
from crm.lib.errors import Stale
from crm.lib.permissions import ALL, needs
from governance import changes, grants, idempotency, invitation_views, invitations, jobs, permissions, rules, session_views, users
from governance.asked import Asked
from governance.forms import ActiveForm, JobFilter, NewUserForm, PlaceForm, RuleFilter, UserFilter
from governance.models import Invitation, Role, Rule, User
from ledger import log

HISTORY = 30
PLACE = ("name", "email", "role", "team", "approval_limit", "language")
PLAIN = ("name", "email", "team", "language")  # what one person changes alone
RIGHTS = ("role", "team", "approval_limit")


@needs(permissions.VIEW_USER)
def user_list(request: HttpRequest) -> HttpResponse:
    rows = User.objects.select_related("role", "team")
    page = pages.read(
        request,
        rows,
        sorts={"name": "name", "username": "username", "login": "last_login", "joined": "joined_at"},
        default_sort="username",
        filters=UserFilter,
    )
    return htmx.render(request, "governance/user_list.html", "governance/_user_rows.html", {"page": page})


def person(public_id: str) -> User:
    return get_object_or_404(User.objects.select_related("role", "team"), public_id=public_id)


@needs(permissions.VIEW_USER)
def user(request: Asked, public_id: str) -> HttpResponse:
    found = person(public_id)
    labels = [ALL[code].label for code in found.role.permissions if code in ALL] if found.role else []
    invited = Invitation.objects.filter(user=found, ended_at__isnull=True).first()
    context = {
        "person": found, "permissions": labels, "items": history_of(found), "invited": invited, "at": now(), "waiting": grants.waiting(found),
        "may_see_change": request.user.has_perm(permissions.VIEW_CHANGE),
    }  # fmt: skip
    context |= session_views.of(found)
    return htmx.render(request, "governance/user.html", "governance/user.html", context)


EVENTS = {
    "governance.user.created": (_("Account created"), "user", "info"),
    "governance.user.changed": (_("Account changed"), "edit", "info"),
    "governance.user.invited": (_("Invited"), "send", "info"),
    "governance.user.joined": (_("Chose a password by the link"), "tone-good", "good"),
    "governance.user.suspended": (_("Suspended"), "lock", "warn"),
    "governance.user.sessions_ended": (_("Password and sessions ended"), "lock", "warn"),
    "governance.user.password_changed": (_("Chose a new password"), "lock", "info"),
    "governance.sign_in.failed": (_("A wrong attempt to sign in"), "lock", "caution"),
    "governance.sign_in.closed": (_("Sign-in closed after wrong attempts"), "lock", "warn"),
    "governance.sign_in.reopened": (_("Sign-in opened again"), "tone-good", "good"),
    "governance.factor.added": (_("Added a second factor"), "keys", "good"),
    "governance.factor.removed": (_("Removed a second factor"), "keys", "caution"),
    "governance.factor.renewed": (_("Made new recovery codes"), "keys", "info"),
    "governance.factor.cleared": (_("Second factors removed by an administrator"), "keys", "warn"),
    "governance.user.admitted": (_("Re-admitted"), "tone-good", "good"),
}
FIELDS = {
    "name": _("name"),
    "email": _("e-mail"),
    "role": _("role"),
    "team": _("team"),
    "approval_limit": _("authority limit"),
    "language": _("language"),
}


def history_of(subject: User) -> list[dict[str, Any]]:
    """Return what happened to an account, newest first, for `parts/_timeline.html`."""
    entries = list(log.history(subject)[:HISTORY])
    actors = dict(User.objects.filter(pk__in={entry.actor_id for entry in entries}).values_list("pk", "name"))
    items = []
    for entry in entries:
        text, icon, tone = EVENTS.get(entry.event, (entry.event, "entry", "neutral"))
        fields = [str(FIELDS.get(name, name)) for name in entry.facts.get("fields", [])]
        items.append(
            {
                "text": f"{text}{': ' + ', '.join(fields) if fields else ''}",
                "icon": {"user": "customer"}.get(icon, icon),
                "tone": tone,
                "actor": actors.get(entry.actor_id, ""),
                "at": entry.at,
            }
        )
    return items


@needs(permissions.MANAGE_USER)
def user_new(request: Asked) -> HttpResponse:
    """Add somebody without rights, and propose theirs."""
    wished = Role.objects.filter(code=request.GET.get("role", "").replace("\0", "")).first()
    form = NewUserForm(request.POST or None, initial={"role": wished, "team": request.user.team if wished else None})
    if request.method == "POST" and form.is_valid():
        data, token, at = form.cleaned_data, "", now()
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
            if not sent.again:
                given = {name: data[name] for name in ("username", *PLAIN)}
                if data["password"]:
                    made = users.create(actor=request.user, at=at, password=data["password"], **given)
                    messages.success(request, _("The account is created."))
                else:
                    made, token = invitations.invite(actor=request.user, at=at, **given)
                _grant(request, made, data, made.version)
                sent.result(reverse("user", args=[made.public_id]))
        if not form.errors:
            return invitation_views.told(request, made, token) if token else htmx.go(request, sent.location)
    return form.page(request, "governance/user_form.html", {"checkers": bool(changes.checkers(grants.KIND, but=request.user))})


@needs(permissions.MANAGE_USER)
def user_edit(request: Asked, public_id: str) -> HttpResponse:
    """Change what is no right at once; what is one waits for a second person."""
    found = person(public_id)
    form = PlaceForm.of(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data, at = form.cleaned_data, now()
        try:
            with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
                if not sent.again:
                    plain = {name: data[name] for name in PLAIN if name != "team" or not users.widens(found, data["team"])}
                    changed = users.change(found, actor=request.user, at=at, version=data["version"] or 0, **plain)
                    if changed.version != found.version:
                        messages.success(request, _("The account is changed."))
                    _grant(request, changed, data, changed.version)
                    sent.result(reverse("user", args=[found.public_id]))
        except Stale as error:
            return changed_meanwhile(request, form, found, error)
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "governance/user_form.html", _edit_context(request, found))


def _edit_context(request: Asked, found: User) -> dict[str, Any]:
    checkers = changes.checkers(grants.KIND, but=request.user, subject=found.public_id)
    return {"person": found, "checkers": bool(checkers), "waiting": grants.waiting(found)}


def _grant(request: Asked, user: User, data: dict[str, Any], version: int) -> None:
    """Propose the rights that were chosen, where they differ from what the person holds."""
    rights = {name: data[name] for name in RIGHTS}
    if not grants.differs(user, **rights):
        return
    made = grants.propose(user, reason=data["reason"], actor=request.user, at=now(), version=version, **rights)
    if made.alone:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
    else:
        messages.success(request, _("The rights are proposed: a second person confirms or refuses them."))


def changed_meanwhile(request: Asked, form: PlaceForm, found: User, error: Stale) -> HttpResponse:
    """Show what is saved now beside what was typed; sending again keeps what was typed."""
    fresh, typed = person(found.public_id), request.POST.copy()
    typed["version"] = str(fresh.version)
    rows = [
        {"label": form.fields[name].label, "theirs": getattr(fresh, name), "yours": form.cleaned_data[name]}
        for name in PLACE
        if getattr(fresh, name) != form.cleaned_data[name]
    ]
    context = _edit_context(request, fresh) | {"form": PlaceForm.of(fresh, typed), "message": error.message, "changes": rows}
    return htmx.render(request, "governance/user_form.html", "governance/user_form.html", context, status=409)


@needs(permissions.MANAGE_USER)
@require_POST
def user_active(request: HttpRequest, public_id: str) -> HttpResponse:
    found = person(public_id)
    form = ActiveForm(request.POST)
    if not form.is_valid() or form.cleaned_data["active"] not in ("yes", "no"):
        raise Http404
    active = form.cleaned_data["active"] == "yes"
    users.set_active(found, active=active, actor=request.user, at=now())
    messages.success(request, _("The account is open again.") if active else _("The account is suspended."))
    return htmx.go(request, reverse("user", args=[found.public_id]))


@needs(permissions.VIEW_JOB)
def job_list(request: HttpRequest) -> HttpResponse:
    page = pages.read(
        request,
        jobs.visible_to(request.user).select_related("started_by"),
        sorts={"started": "id", "updated": "updated_at"},
        default_sort="-started",
        filters=JobFilter,
    )
    return htmx.render(request, "governance/job_list.html", "governance/_job_rows.html", {"page": page})


@needs(permissions.VIEW_JOB)
def job(request: HttpRequest, public_id: str) -> HttpResponse:
    found = get_object_or_404(jobs.visible_to(request.user).select_related("started_by"), public_id=public_id)
    context = {"job": found, "poll_url": reverse("job", args=[found.public_id])}
    return htmx.render(request, "governance/job.html", "parts/_job.html", context)


@needs(permissions.VIEW_RULE)
def rule_list(request: HttpRequest) -> HttpResponse:
    page = pages.read(
        request,
        Rule.objects.all(),
        sorts={"code": "code", "from": "effective_from"},
        default_sort="code",
        filters=RuleFilter,
    )
    for rule in page.rows:
        rule.shown = rules.shown(rule)
    return htmx.render(request, "governance/rule_list.html", "governance/_rule_rows.html", {"page": page})
