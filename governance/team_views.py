"""Pages of the branch tree: the tree, one team, its names, its place."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.errors import Stale
from crm.lib.forms import Form, VersionedForm
from crm.lib.permissions import needs
from governance import changes, idempotency, permissions, teams
from governance.asked import Asked
from governance.forms import ActiveForm
from governance.models import ChangeRequest, LegalEntity, Team

SHOWN = 100


class Place(forms.ModelChoiceField):
    """A team, set in as it stands in the tree."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{'　' * obj.depth}{obj} · {obj.code}"


class NameForm(VersionedForm):
    """What a team is called."""

    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=Team.Kind.choices)


class NewTeamForm(NameForm):
    """A team and the one it stands below."""

    code = forms.CharField(label=_("Code"), max_length=20, help_text=_("Short, such as SH or COL-2; once in the lender."))
    parent = Place(Team.objects.none(), label=_("Stands below"), empty_label=_("Nothing: a new root"), required=False)
    field_order = ("parent", "code", "name_en", "name_zh", "kind")

    def __init__(self, *args: Any, rows: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent: Any = self.fields["parent"]
        parent.queryset, parent.to_field_name = rows, "public_id"


class MoveForm(Form):
    """The team it shall stand below, and why."""

    parent = Place(Team.objects.none(), label=_("Shall stand below"), empty_label=_("Choose"))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent: Any = self.fields["parent"]
        rows = Team.objects.filter(legal_entity=team.legal_entity_id, is_active=True).exclude(path__startswith=team.path)
        parent.queryset, parent.to_field_name = rows.order_by("path"), "public_id"


@needs(permissions.VIEW_USER)
@require_GET
def team_list(request: Asked) -> HttpResponse:
    """Show the tree with the people and customers in each team."""
    rows = teams.tree(teams.above(request.user))
    entities = teams.above(request.user)
    lenders = LegalEntity.objects.order_by("pk") if entities is None else LegalEntity.objects.filter(pk__in=entities)
    context = {
        "rows": rows,
        "uses": rows[0]["uses"] if rows else [],
        "lenders": lenders,
        "may_change": request.user.has_perm(permissions.MANAGE_USER),
    }
    return htmx.render(request, "governance/team_list.html", "governance/team_list.html", context)


def named(request: Asked, public_id: str) -> Team:
    """Return the team of a URL, of a lender whose tree the person sees."""
    if "\0" in public_id:
        raise Http404
    rows, entities = Team.objects.select_related("parent", "legal_entity"), teams.above(request.user)
    return get_object_or_404(rows if entities is None else rows.filter(legal_entity__in=entities), public_id=public_id)


@needs(permissions.VIEW_USER)
@require_GET
def team(request: Asked, public_id: str) -> HttpResponse:
    """Show one team: who sits in it, what it keeps, what stands below."""
    found = named(request, public_id)
    members = found.users.filter(is_active=True).select_related("role").order_by("name", "pk")
    context = {
        "team": found,
        "members": members[:SHOWN],
        "people": pages.count_label(members),
        "uses": teams.uses_of(found),
        "below": found.children.order_by("code"),
        "waiting": ChangeRequest.objects.filter(kind=teams.KIND, subject=found.public_id, status=ChangeRequest.Status.OPEN).first(),
        "may_see_change": request.user.has_perm(permissions.VIEW_CHANGE),
        "may_change": request.user.has_perm(permissions.MANAGE_USER),
    }
    return htmx.render(request, "governance/team.html", "governance/team.html", context)


def _root(rows: Any) -> str:
    """Return the one root below which a new team most likely stands, "" where there are several."""
    roots = list(rows.filter(parent__isnull=True).values_list("public_id", flat=True)[:2])
    return str(roots[0]) if len(roots) == 1 else ""


@needs(permissions.MANAGE_USER)
def team_new(request: Asked) -> HttpResponse:
    """Add a team below another one."""
    entities = teams.above(request.user)
    rows = Team.objects.filter(is_active=True).order_by("path")
    if entities is not None:
        rows = rows.filter(legal_entity__in=entities)
    form = NewTeamForm(
        request.POST or None, rows=rows, initial={"parent": request.GET.get("under", "")[:16] or _root(rows), "kind": Team.Kind.TEAM}
    )
    if request.method == "POST" and form.is_valid():
        data, at = form.cleaned_data, now()
        lender = LegalEntity.objects.filter(pk__in=entities or []).first() or LegalEntity.objects.order_by("pk")[:1].get()
        entity: LegalEntity = data["parent"].legal_entity if data["parent"] else lender
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
            if not sent.again:
                names = {name: data[name] for name in ("code", "name_en", "name_zh", "kind", "parent")}
                made = teams.create(legal_entity=entity, actor=request.user, at=at, **names)
                messages.success(request, _("The team is there."))
                sent.result(reverse("team", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "governance/team_form.html", {"team": None})


@needs(permissions.MANAGE_USER)
def team_edit(request: Asked, public_id: str) -> HttpResponse:
    """Change what a team is called."""
    found = named(request, public_id)
    form = NameForm(request.POST or None, initial={name: getattr(found, name) for name in ("name_en", "name_zh", "kind", "version")})
    changed: list[dict[str, Any]] = []
    status = 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        names = {name: data[name] for name in ("name_en", "name_zh", "kind")}
        try:
            with form.refusals():
                teams.rename(found, actor=request.user, at=now(), version=data["version"] or 0, **names)
        except Stale:
            typed = request.POST.copy()
            typed["version"], status = str(found.version), 409
            changed = [
                {"label": form.fields[name].label, "theirs": getattr(found, name), "yours": value}
                for name, value in names.items()
                if getattr(found, name) != value
            ]
            form = NameForm(typed)
        else:
            if not form.errors:
                messages.success(request, _("The team is changed."))
                return htmx.go(request, reverse("team", args=[found.public_id]))
    context = {"team": found, "changes": changed, "message": _("This team was changed meanwhile.")}
    if status == 409:
        return htmx.render(request, "governance/team_form.html", "governance/team_form.html", context | {"form": form}, status=409)
    return form.page(request, "governance/team_form.html", context)


@needs(permissions.MANAGE_USER)
def team_move(request: Asked, public_id: str) -> HttpResponse:
    """Propose another place in the tree."""
    found = named(request, public_id)
    form = MoveForm(request.POST or None, team=found)
    if request.method == "POST" and form.is_valid():
        data, at = form.cleaned_data, now()
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
            if not sent.again:
                made = teams.propose_move(found, parent=data["parent"], reason=data["reason"], actor=request.user, at=at)
                if made.alone:
                    messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                else:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(
        request, "governance/team_move.html", {"team": found, "checkers": bool(changes.checkers(teams.KIND, but=request.user))}
    )


@needs(permissions.MANAGE_USER)
@require_POST
def team_active(request: Asked, public_id: str) -> HttpResponse:
    """Retire a team that is empty, or open it again."""
    found, form = named(request, public_id), ActiveForm(request.POST)
    if not form.is_valid() or form.cleaned_data["active"] not in ("yes", "no"):
        raise Http404
    if form.cleaned_data["active"] == "no":
        teams.retire(found, actor=request.user, at=now())
        messages.success(request, _("The team is retired."))
    else:
        teams.reopen(found, actor=request.user, at=now())
        messages.success(request, _("The team is open again."))
    return htmx.go(request, reverse("team", args=[found.public_id]))
