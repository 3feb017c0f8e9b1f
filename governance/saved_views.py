"""Doors of saved views: keep what one asks of a list, share it, make it what the list opens with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance import permissions
from governance.models import SavedView, Team, User
from ledger import log

TABS = 6  # each costs one capped count
MOST = 50
LONGEST = 2_000


class NameTaken(Invalid):
    code = "view_name_taken"


class TooLong(Invalid):
    """More is asked for than a view or an export keeps."""

    code = "query_too_long"


class TooManyViews(Invalid):
    code = "too_many_views"


def of_list(name: str, user: User) -> list[SavedView]:
    """Return the views of a list that `user` may use, own ones first."""
    rows = SavedView.objects.visible_to(user).filter(list=name).select_related("team").order_by("name", "pk")[: 2 * MOST]
    return sorted(rows, key=lambda view: view.owner_id != user.pk)


def default_of(views: Sequence[SavedView], user: User) -> SavedView | None:
    """Return what the list opens with: the own default, else that of the nearest team."""
    own = next((view for view in views if view.is_default and view.owner_id == user.pk and view.team_id is None), None)
    shared = [view for view in views if view.is_default and view.team is not None]
    return own or max(shared, key=lambda view: len(view.team.path) if view.team else 0, default=None)


@transaction.atomic
def create(
    *,
    list_name: str,
    name: str,
    query: str,
    actor: User,
    at: datetime,
    team: Team | None = None,
    pinned: bool = False,
    is_default: bool = False,
) -> SavedView:
    """Keep `query` of a list under a name.

    :raises NameTaken: if the person has a view of that name for this list
    :raises NotAllowed: if it shall be shared and the person may not, or not with this team
    """
    _may_share(actor, team)
    if SavedView.objects.filter(owner=actor, list=list_name).count() >= MOST:
        raise TooManyViews(_("You have 50 views of this list. Delete one first."))
    view = SavedView(
        list=list_name,
        name=_checked(name),
        query=kept(query),
        owner=actor,
        team=team,
        pinned=pinned,
        is_default=is_default,
        created_at=at,
        updated_at=at,
    )
    _save(view)
    log.record("governance.view.saved", view, actor=actor, at=at, list=list_name, team=team.pk if team else None)
    return view


@transaction.atomic
def change(
    view: SavedView,
    *,
    actor: User,
    at: datetime,
    version: int,
    name: str | None = None,
    query: str | None = None,
    team: Team | None = None,
    pinned: bool | None = None,
    is_default: bool | None = None,
    keep_team: bool = False,
) -> SavedView:
    """Change an own view; a shared one changes for everybody who uses it.

    :raises NotAllowed: if it is another person's, or may not be shared so
    :raises Stale: if it was changed meanwhile
    """
    row = SavedView.objects.select_for_update(of=("self",)).select_related("team").get(pk=view.pk)
    if row.owner_id != actor.pk:
        raise NotAllowed(_("Only %(name)s can change this view. Save it under a name of your own.") % {"name": row.owner})
    if row.version != version:
        raise Stale(_("This view was changed meanwhile."), version=row.version)
    if not keep_team:
        _may_share(actor, team)
        row.team = team
    row.name = row.name if name is None else _checked(name)
    row.query = row.query if query is None else kept(query)
    row.pinned = row.pinned if pinned is None else pinned
    row.is_default = row.is_default if is_default is None else is_default
    row.version, row.updated_at = version + 1, at
    _save(row)
    log.record("governance.view.changed", row, actor=actor, at=at, list=row.list, team=row.team_id)
    return row


@transaction.atomic
def delete(view: SavedView, *, actor: User, at: datetime) -> None:
    """Delete an own view.

    :raises NotAllowed: if it is another person's
    """
    if view.owner_id != actor.pk:
        raise NotAllowed(_("Only %(name)s can change this view. Save it under a name of your own.") % {"name": view.owner})
    log.record("governance.view.deleted", view, actor=actor, at=at, list=view.list)
    view.delete()


def teams_of(user: User) -> Any:
    """Return the teams `user` may share with: the own one and those below, for who holds the permission."""
    if not user.has_perm(permissions.SHARE_VIEW) or user.team is None:
        return Team.objects.none()
    return Team.objects.filter(path__startswith=user.team.path).order_by("path")


def _may_share(actor: User, team: Team | None) -> None:
    if team is not None and not teams_of(actor).filter(pk=team.pk).exists():
        raise NotAllowed(_("You may not share views with this team."))


def kept(query: str) -> str:
    """Return `query` if it is short enough to be kept.

    :raises TooLong: if it is not
    """
    if len(query) > LONGEST:
        raise TooLong(_("There are too many or too long conditions to be kept."))
    return query


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid(_("Give the view a name."), fields={"name": _("Give the view a name.")})
    return name[:60]


def _save(view: SavedView) -> None:
    """Write a view; who becomes the default takes it from who was."""
    if view.is_default:
        others = SavedView.objects.filter(list=view.list, is_default=True).exclude(pk=view.pk)
        others = others.filter(team=view.team_id) if view.team_id else others.filter(owner=view.owner_id, team__isnull=True)
        others.update(is_default=False)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        if "view_name_once" not in str(error):
            raise
        sentence = _("You have a view of this name.")
        raise NameTaken(sentence, fields={"name": sentence}) from None
