"""Doors for the branch tree: add, rename, move, retire.

A move changes who sees which rows (those of the new place above see more), so it waits for a second person like a grant; the rest is done
at once. Whatever touches the shape of a tree holds the row of its legal entity: two moves at once cannot close a circle.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, Stale
from crm.lib.registry import Registry
from governance import changes, permissions
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, Team, User
from governance.models.identity import Scope
from ledger import log

KIND = "governance.team_move"
LONGEST_PATH = 200


class CodeTaken(Invalid):
    code = "code_taken"


class Circle(Invalid):
    """A team cannot stand below itself."""

    code = "circle"


class InUse(DomainError):
    """People, teams or customers are left in it."""

    code = "team_in_use"


@dataclass(frozen=True)
class Use:
    """What the apps above keep in a team."""

    label: Any
    counts: Callable[[Iterable[int]], dict[int, str]]  # ids of teams → capped counts as text; one statement


USES: Registry[Use] = Registry("use of a team")


def _hold(entity_id: int) -> None:
    LegalEntity.objects.select_for_update(no_key=True).get(pk=entity_id)


@transaction.atomic
def create(
    *,
    legal_entity: LegalEntity,
    code: str,
    name_en: str,
    name_zh: str,
    kind: str,
    parent: Team | None,
    actor: User | None,
    at: datetime,
) -> Team:
    """Add a node below `parent`; its path is its parent's and its own id.

    :raises CodeTaken: if the lender has a team of this code
    :raises Invalid: if the parent is retired or another lender's
    """
    _hold(legal_entity.pk)
    if parent is not None:
        parent = _fit(parent.pk, legal_entity.pk)
    try:
        with transaction.atomic():
            team = Team.objects.create(legal_entity=legal_entity, code=code, name_en=name_en, name_zh=name_zh, kind=kind, parent=parent)
    except IntegrityError as error:
        if "team_code_once" not in str(error):
            raise
        raise CodeTaken(_("There is a team with this code."), fields={"code": _("There is a team with this code.")}) from None
    team.path = _path(parent, team.pk)
    team.save(update_fields=["path"])
    log.record("governance.team.created", team, actor=actor, at=at, code=code)
    return team


def _fit(parent_id: int, entity_id: int) -> Team:
    parent = Team.objects.get(pk=parent_id)
    if not parent.is_active or parent.legal_entity_id != entity_id:
        sentence = _("This team takes none below it: it is retired, or another lender's.")
        raise Invalid(sentence, fields={"parent": sentence})
    return parent


def _path(parent: Team | None, pk: int) -> str:
    path = f"{parent.path if parent else '/'}{pk}/"
    if len(path) > LONGEST_PATH:
        raise Invalid(_("The tree would become too deep."), fields={"parent": _("The tree would become too deep.")})
    return path


@transaction.atomic
def rename(team: Team, *, name_en: str, name_zh: str, kind: str, actor: User, at: datetime, version: int) -> Team:
    """Change the names and the kind.

    :raises Stale: if somebody changed the team since `version`
    """
    values = {"name_en": name_en, "name_zh": name_zh, "kind": kind}
    fields = sorted(name for name, value in values.items() if getattr(team, name) != value)
    if not fields:
        return team
    if not Team.objects.filter(pk=team.pk, version=version).update(version=F("version") + 1, **values):
        raise Stale(_("This team was changed meanwhile."))
    log.record("governance.team.changed", team, actor=actor, at=at, fields=fields)
    return Team.objects.get(pk=team.pk)


@transaction.atomic
def retire(team: Team, *, actor: User, at: datetime) -> Team:
    """Close a team that nobody and nothing is left in.

    :raises InUse: naming what is left
    """
    _hold(team.legal_entity_id)
    left = [str(_("teams below it"))] if Team.objects.filter(parent=team, is_active=True).exists() else []
    if User.objects.filter(team=team, is_active=True).exists():
        left.append(str(_("people")))
    left += [str(use.label) for use in USES.values() if use.counts([team.pk]).get(team.pk, "0") != "0"]
    if left:
        raise InUse(_("Something is left in this team: %(left)s. Move it first.") % {"left": ", ".join(left)})
    if Team.objects.filter(pk=team.pk, is_active=True).update(is_active=False, version=F("version") + 1):
        log.record("governance.team.retired", team, actor=actor, at=at, code=team.code)
    team.refresh_from_db()
    return team


@transaction.atomic
def reopen(team: Team, *, actor: User, at: datetime) -> Team:
    """Open a retired team again.

    :raises Invalid: if the team above is retired
    """
    _hold(team.legal_entity_id)
    if team.parent_id:
        _fit(team.parent_id, team.legal_entity_id)
    if Team.objects.filter(pk=team.pk, is_active=False).update(is_active=True, version=F("version") + 1):
        log.record("governance.team.reopened", team, actor=actor, at=at, code=team.code)
    team.refresh_from_db()
    return team


def propose_move(team: Team, *, parent: Team, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose that `team`, with all below it, stands under `parent`.

    :raises Circle: if `parent` is the team or stands below it
    :raises AlreadyProposed: if a move of this team waits
    """
    return changes.propose(KIND, team.public_id, after={"parent": parent.public_id}, reason=reason, actor=actor, at=at)


def tree(entity_ids: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """Return the teams in the order of the tree with what is in each: people, and what the apps above keep there."""
    rows = Team.objects.select_related("legal_entity").annotate(members=Count("users", filter=Q(users__is_active=True)))
    found = list(rows if entity_ids is None else rows.filter(legal_entity__in=list(entity_ids)))
    below: dict[int | None, list[Team]] = {}
    for team in found:
        below.setdefault(team.parent_id, []).append(team)
    uses = [(use, use.counts([team.pk for team in found])) for use in USES.values()]
    ordered: list[dict[str, Any]] = []

    def walk(parent_id: int | None) -> None:
        for team in sorted(below.get(parent_id, []), key=lambda one: (one.legal_entity_id, one.code)):
            cells = [{"label": use.label, "count": counts.get(team.pk, "0")} for use, counts in uses]
            ordered.append({"team": team, "steps": range(team.depth), "uses": cells})
            walk(team.pk)

    walk(None)
    return ordered


def uses_of(team: Team) -> list[tuple[Any, str]]:
    """Return what the apps above keep in one team: (label, capped count)."""
    return [(use.label, use.counts([team.pk]).get(team.pk, "0")) for use in USES.values()]


def above(user: User) -> list[int] | None:
    """Return the lenders whose trees `user` sees; None for every one."""
    return [user.team.legal_entity_id] if user.team else None


# --- the kind of change --------------------------------------------------------------------------------------------
def _team(public_id: str | None) -> Team | None:
    return Team.objects.select_related("parent").filter(public_id=public_id or "").first()


def _standing(public_id: str) -> dict[str, Any]:
    team = _team(public_id)
    return {"parent": team.parent.public_id if team.parent else None} if team else {}


def _validate(public_id: str, after: dict[str, Any]) -> None:
    team, parent = _team(public_id), _team(after["parent"])
    if team is None or parent is None:
        raise Invalid(_("There is no such team."), fields={"parent": _("There is no such team.")})
    _fit(parent.pk, team.legal_entity_id)
    if parent.path.startswith(team.path):
        sentence = _("A team cannot stand below itself.")
        raise Circle(sentence, fields={"parent": sentence})
    deepest = max(len(path) for path in Team.objects.filter(path__startswith=team.path).values_list("path", flat=True))
    if len(parent.path) + deepest - len(team.path) + len(str(team.pk)) + 1 > LONGEST_PATH:
        raise Invalid(_("The tree would become too deep."), fields={"parent": _("The tree would become too deep.")})


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    was, now = _team(before.get("parent")), _team(after["parent"])
    found = [Line(_("Stands below"), was or "", now or "")]
    seers = [people_above(one) for one in (was, now)]
    names = [{one.pk: str(one) for one in people} for people in seers]
    more = tuple(name for pk, name in names[1].items() if pk not in names[0])
    less = tuple(name for pk, name in names[0].items() if pk not in names[1])
    if more or less:
        found.append(Line(_("Who sees its rows through a team above"), added=more[:50], removed=less[:50]))
    return found


def people_above(team: Team | None) -> list[User]:
    """Return the active people who reach the rows of `team` by a role of the team's rows: those in it and in the teams above."""
    if team is None:
        return []
    ids = [int(part) for part in team.path.split("/") if part]
    reach = Q(role__scope=Scope.TEAM, team__in=ids) | Q(role__scope=Scope.TREE, team__in=of_trees(ids))
    return list(User.objects.filter(reach, is_active=True).order_by("pk")[:500])


def of_trees(above: list[int]) -> list[int]:
    """Return the teams whose branch tree (`Team.tree`) is one of `above`, a path from the root: those themselves, and mere teams below."""
    if not above:
        return []
    rows = list(Team.objects.filter(path__startswith=f"/{above[0]}/").values_list("pk", "kind", "path"))
    branches = {pk for pk, kind, _path in rows if kind != Team.Kind.TEAM}

    def tree(path: str) -> int:
        ids = [int(part) for part in path.split("/") if part]
        return next((pk for pk in reversed(ids) if pk in branches), ids[0])

    return [pk for pk, _kind, path in rows if tree(path) in above]


MOVE = "UPDATE governance_team SET path = %s || substr(path, %s) WHERE path LIKE %s"


def _make(public_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> Team:
    team = Team.objects.get(public_id=public_id)
    _hold(team.legal_entity_id)
    _validate(public_id, after)
    team.refresh_from_db()
    parent = Team.objects.get(public_id=after["parent"])
    Team.objects.filter(pk=team.pk).update(parent=parent, version=F("version") + 1)
    with connection.cursor() as cursor:  # the whole subtree in one statement: nobody reads half a tree
        cursor.execute(MOVE, [parent.path, len(team.path) - len(f"{team.pk}/") + 1, f"{team.path}%"])
        moved = cursor.rowcount
    log.record("governance.team.moved", team, actor=actor, at=at, to=parent.code, teams=moved)
    return team


def _names(public_ids: list[str]) -> dict[str, Any]:
    return {team.public_id: str(team) for team in Team.objects.filter(public_id__in=public_ids)}


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Place of a team"),
        check=permissions.CHECK_ROLE,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=lambda public_id, after: public_id,
        url=lambda public_id: reverse("team", args=[public_id]),
        names=_names,
    ),
)
