"""Doors for who holds which role: a grant is proposed by one person, seen as a difference and confirmed by another.

A grant is a role, an authority limit and the team that says on which rows. Name, e-mail and language are no rights and change at
once (`users.change`), and so does a move to a team beside or below; a move that widens what is reached is a part of the grant.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from crm.lib.permissions import ALL
from crm.lib.templatetags.crm import spoken
from governance import changes, permissions, roles, standing, users
from governance.changes import Kind, Line
from governance.models import ChangeRequest, Role, Team, User
from ledger import log

KIND = "governance.user_grant"


def content(user: User) -> dict[str, Any]:
    """Return a person's rights, as a change request keeps them."""
    return wanted(role=user.role, team=user.team, approval_limit=user.approval_limit)


def wanted(*, role: Role | None, team: Team | None, approval_limit: Decimal | None) -> dict[str, Any]:
    """Return rights in the form of `content`: codes and public ids only."""
    return {
        "role": role.code if role else None,
        "team": team.public_id if team else None,
        "approval_limit": None if approval_limit is None else f"{approval_limit:.2f}",
    }


def differs(user: User, *, role: Role | None, team: Team | None, approval_limit: Decimal | None) -> bool:
    """Return whether these rights need a second person; a move of the team alone does where it widens what is reached."""
    role_id = role.pk if role else None
    return role_id != user.role_id or approval_limit != user.approval_limit or users.widens(user, team)


def propose(
    user: User, *, role: Role | None, team: Team | None, approval_limit: Decimal | None, reason: str, actor: User, at: datetime,
    version: int | None = None,
) -> ChangeRequest:  # fmt: skip
    """Propose what `user` shall hold from the moment a second person confirms it.

    :param version: of the user that the proposal was written against
    :raises NotYourself: if it is the actor's own account
    :raises ConflictingDuties: naming the pair, over all rights the person would have
    :raises AlreadyProposed: if a grant of this person waits
    :raises Stale: if the user was changed since `version`
    """
    if actor.pk == user.pk:
        raise users.NotYourself(_("Nobody changes their own role, team or authority: ask another administrator."))
    if version is not None and not User.objects.filter(pk=user.pk, version=version).exists():
        raise Stale(_("This user was changed meanwhile. Your change is not saved yet."))
    after = wanted(role=role, team=team, approval_limit=approval_limit)
    return changes.propose(KIND, user.public_id, after=after, reason=reason, actor=actor, at=at)


def waiting(user: User) -> ChangeRequest | None:
    """Return the grant of this person that waits for a second person."""
    return ChangeRequest.objects.filter(kind=KIND, subject=user.public_id, status=ChangeRequest.Status.OPEN).first()


def refuse_conflict(codes: Collection[str], *, field: str) -> None:
    """:raises ConflictingDuties: if one person with these permissions would hold two duties that are kept apart"""
    if pairs := roles.conflicts(codes):
        pair = pairs[0]
        sentence = _("One person would hold “%(first)s” and “%(second)s”, which are kept apart: %(why)s") % {
            "first": ALL[pair.first].label, "second": ALL[pair.second].label, "why": pair,
        }  # fmt: skip
        raise roles.ConflictingDuties(sentence, fields={field: sentence}, pair=pair.code)


# --- the kind of change --------------------------------------------------------------------------------------------
def _person(public_id: str) -> User | None:
    return User.objects.select_related("role", "team").filter(public_id=public_id).first()


def _standing(public_id: str) -> dict[str, Any]:
    person = _person(public_id)
    return content(person) if person else {}


def _validate(public_id: str, after: dict[str, Any]) -> None:
    person = _person(public_id)
    if person is None or (person.kind == User.Kind.STAFF and person.username == users.SYSTEM):
        raise Invalid(_("There is no such person."))
    role = Role.objects.filter(code=after["role"]).first()
    if after["role"] is not None and role is None:
        raise Invalid(_("There is no such role."), fields={"role": _("There is no such role.")})
    if after["team"] is not None and not Team.objects.filter(public_id=after["team"]).exists():
        raise Invalid(_("There is no such team."), fields={"team": _("There is no such team.")})
    if (limit := after["approval_limit"]) is not None and not 0 <= Decimal(limit) <= roles.LARGEST:
        raise Invalid(_("The authority limit cannot be."), fields={"approval_limit": _("From 0.00 to 99,999,999.99.")})
    if role is not None:
        refuse_conflict(standing.codes_with(person, role.permissions), field="role")


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    had, has = (Role.objects.filter(code=one.get("role")).first() for one in (before, after))
    if before.get("role") != after["role"]:
        found.append(Line(_("Role"), had or _("No role"), has or _("No role")))
        was, now = set(had.permissions if had else ()), set(has.permissions if has else ())
        found.append(Line(_("Permissions"), added=roles.labels(now - was), removed=roles.labels(was - now)))
        old, new = (one.get_scope_display() if one else "" for one in (had, has))
        if old != new:
            found.append(Line(_("Data scope"), old, new))
    if before.get("team") != after["team"]:
        left, joins = (Team.objects.filter(public_id=one.get("team")).first() for one in (before, after))
        found.append(Line(_("Team"), left or _("No team"), joins or _("No team")))
    if before.get("approval_limit") != after["approval_limit"]:
        found.append(Line(_("Authority limit"), _limit(before.get("approval_limit")), _limit(after["approval_limit"])))
    return found


def _limit(amount: str | None) -> Any:
    return _("as the role") if amount is None else spoken(Decimal(amount))


def _make(public_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> User:
    user = User.objects.select_for_update(of=("self",)).select_related("role", "team").get(public_id=public_id)
    _validate(public_id, after)
    before = content(user)
    user.role = Role.objects.filter(code=after["role"]).first()
    user.team = Team.objects.filter(public_id=after["team"]).first()
    user.approval_limit = None if after["approval_limit"] is None else Decimal(after["approval_limit"])
    User.objects.filter(pk=user.pk).update(role=user.role, team=user.team, approval_limit=user.approval_limit, version=F("version") + 1)
    fields = [name for name in sorted(after) if before[name] != after[name]]
    facts: dict[str, Any] = {name: {"from": before[name], "to": after[name]} for name in fields}
    log.record("governance.user.changed", user, actor=actor, at=at, fields=fields, **facts)
    return user


def _names(public_ids: list[str]) -> dict[str, Any]:
    return dict(User.objects.filter(public_id__in=public_ids).values_list("public_id", "name"))


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Rights of a person"),
        check=permissions.CHECK_ROLE,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=lambda public_id, after: public_id,
        url=lambda public_id: reverse("user", args=[public_id]),
        names=_names,
        touches=lambda public_id, person: person.public_id == public_id,
    ),
)
