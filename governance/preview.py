"""Looking at pages through another person's eyes, or as anybody with a role in a branch: read-only, logged, and never more than one's own.

The preview narrows: a permission is held and a row is seen when both hold and see it. Every request that could change something is refused.
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, NotAllowed
from governance import permissions, users
from governance.models import Role, Team, User
from ledger import log

KEY, ROLE = "preview", "preview_role"
SAFE = ("GET", "HEAD", "OPTIONS")
NOBODY = 0  # no row has this number: who is looked at as a role owns nothing


class ReadOnly(NotAllowed):
    """A preview changes nothing."""

    code = "preview_read_only"


def begin(session: Any, other: User, *, actor: User, at: datetime) -> None:
    """Look at pages as `other` would, from the next request on.

    :raises NotAllowed: without the permission
    :raises Invalid: for oneself, the house's own account, or one without a role
    """
    if not actor.has_perm(permissions.PREVIEW):
        raise NotAllowed(_("You may not look through other people's eyes."))
    if other.pk == actor.pk or other.username == users.SYSTEM or other.role is None or not other.is_active:
        raise Invalid(_("There is nothing to look at: choose another person with a role and an open account."))
    session.pop(ROLE, None)
    session[KEY] = other.pk
    log.record("governance.preview.began", other, actor=actor, at=at)


def begin_role(session: Any, role: Role, team: Team, *, actor: User, at: datetime) -> None:
    """Look at pages as anybody with `role` in `team` would, from the next request on.

    :raises NotAllowed: without the permission
    :raises Invalid: for a role that opens nothing, or a team of another lender
    """
    if not actor.has_perm(permissions.PREVIEW):
        raise NotAllowed(_("You may not look through other people's eyes."))
    if not role.permissions:
        raise Invalid(_("There is nothing to look at: this role opens nothing."))
    if not teams(actor).filter(pk=team.pk).exists():
        raise Invalid(_("Choose one of the list."), fields={"team": _("Choose one of the list.")})
    session.pop(KEY, None)
    session[ROLE] = [role.pk, team.pk]
    log.record("governance.preview.began", role, actor=actor, at=at, team=team.public_id)


def teams(user: User) -> Any:
    """Return the branches and teams in which `user` may look at a role."""
    rows = Team.objects.filter(is_active=True).order_by("path")
    return rows.filter(legal_entity=user.team.legal_entity_id) if user.team else rows


def end(session: Any, *, actor: User, at: datetime) -> None:
    """Look at pages as oneself again."""
    other = User.objects.filter(pk=session.pop(KEY, None)).first()
    role = Role.objects.filter(pk=(session.pop(ROLE, None) or [None])[0]).first()
    for subject in (other, role):
        if subject is not None:
            log.record("governance.preview.ended", subject, actor=actor, at=at)


def carry(request: HttpRequest) -> None:
    """Put the preview of the session on the person of this request; end it when either has lost what it needs."""
    session, user = request.session, request.user
    if (KEY not in session and ROLE not in session) or not isinstance(user, User):
        return
    other = _person(session[KEY]) if KEY in session else _anybody(*session[ROLE])
    if other is None or user.role is None or permissions.PREVIEW not in user.role.permissions:
        session.pop(KEY, None)
        session.pop(ROLE, None)
    else:
        user.previews = other


def _person(pk: int) -> User | None:
    return User.objects.select_related("role", "team").filter(pk=pk, is_active=True, role__isnull=False).first()


def _anybody(role_pk: int, team_pk: int) -> User | None:
    """Return somebody who is nobody: with the role, in the team, and with nothing of their own."""
    role = Role.objects.filter(pk=role_pk).first()
    team = Team.objects.select_related("legal_entity").filter(pk=team_pk, is_active=True).first()
    return User(pk=NOBODY, role=role, team=team) if role and team else None


def refusal(request: HttpRequest) -> ReadOnly | None:
    """Return what stands against this request while a preview runs."""
    if getattr(request.user, "previews", None) is None or request.method in SAFE:
        return None
    free = (reverse("preview-end"), reverse("account_logout"), reverse("search"))  # the search reads; its words travel in the body
    return (
        None
        if request.path in free
        else ReadOnly(_("You look through other eyes than your own: nothing can be changed. End the preview first."))
    )
