"""Fields that many lists ask about: who answers for a row, which branch it belongs to."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib.conditions import ME
from crm.lib.lists import Field
from governance.models import Team, User
from governance.models.identity import Scope

MOST = 200


def people(user: Any) -> list[tuple[str, Any]]:
    """Return the reader and who works in the branches they see."""
    rows = User.objects.filter(is_active=True, kind=User.Kind.STAFF).exclude(pk=user.pk)
    if user.root is not None:
        rows = rows.filter(team__path__startswith=user.root.path)
    elif user.scope == Scope.ALL and user.team_id:
        rows = rows.filter(team__legal_entity=user.team.legal_entity_id)
    elif user.scope != Scope.ALL:
        rows = rows.none()
    return [(ME, _("me")), *rows.order_by("name", "pk").values_list("public_id", "name")[:MOST]]


def person_of(user: Any, code: str) -> Any:
    return user.pk if code == ME else User.objects.values_list("pk", flat=True).get(public_id=code)


def owner_field(key: str = "owner", path: str = "owner", label: Any = None) -> Field:
    return Field(key, label or _("Owner"), path, "choice", people, nullable=True, of=person_of)


def branches(user: Any) -> list[tuple[str, Any]]:
    """Return the teams whose rows the reader may see."""
    rows = Team.objects.order_by("path")
    if user.scope == Scope.ALL:
        rows = rows.filter(legal_entity=user.team.legal_entity_id) if user.team_id else rows
    else:
        below = user.root or user.team
        rows = rows.filter(path__startswith=below.path) if below else rows.none()
    return [(team.public_id, str(team)) for team in rows[:MOST]]


def path_of(_user: Any, code: str) -> Any:
    return Team.objects.values_list("path", flat=True).get(public_id=code)


def branch_field() -> Field:
    """The branch with all below it."""
    return Field("branch", _("Branch"), "branch__path", "choice", branches, of=path_of, lookup="startswith")
