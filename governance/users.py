"""Doors for people and service accounts: create, change, suspend; their rights are given by `governance.grants`."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, Stale
from governance.models import Role, Team, User
from governance.models.identity import Scope
from ledger import log

SYSTEM = "system"


class NameTaken(Invalid):
    code = "name_taken"


class NeedsSecondPerson(DomainError):
    """Rights are given by `grants.propose` alone: one proposes, another confirms."""

    code = "needs_second_person"


class NotYourself(DomainError):
    """Nobody changes their own rights."""

    code = "not_yourself"


def system() -> User:
    """Return the actor of what the house does by itself. Made by the seed, so that reading it never writes."""
    return _system(connection.settings_dict["NAME"])


@lru_cache(maxsize=4)
def _system(_database: str) -> User:
    """Read it once per process and database: nobody changes or deletes it, and every step of an evaluation asks for it."""
    return User.objects.get(username=SYSTEM)


@transaction.atomic
def create(
    *,
    username: str,
    name: str,
    actor: User | None,
    at: datetime,
    role: Role | None = None,
    team: Team | None = None,
    kind: str = User.Kind.STAFF,
    password: str = "",
    email: str = "",
    approval_limit: Decimal | None = None,
    language: str = "",
) -> User:
    """Add a user; without a password they cannot sign in by one.

    A role or an authority limit is given here by the installation itself only (its commands and loads); a person who adds
    somebody proposes the grant afterwards: `grants.propose`.

    :raises NeedsSecondPerson: if a person would give a role or an authority limit at once
    :raises NameTaken: if the user name exists
    :raises Invalid: if the password is too weak
    """
    if actor is not None and actor.username != SYSTEM and (role is not None or approval_limit is not None):
        raise _needs_second()
    taken = NameTaken(_("This user name is taken."), fields={"username": _("This user name is taken.")})
    if User.objects.filter(username__iexact=username).exists():
        raise taken
    user = User(
        username=username,
        name=name,
        email=email,
        kind=kind,
        role=role,
        team=team,
        approval_limit=approval_limit,
        language=language,
        joined_at=at,
    )
    if password:
        check_password(password, user)
        user.set_password(password)
    else:
        user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # another administrator was faster by a moment
        if "username" not in str(error):
            raise
        raise taken from None
    log.record("governance.user.created", user, actor=actor, at=at, role=role.code if role else None)
    return user


def check_password(password: str, user: User) -> None:
    """:raises Invalid: with the sentences of the password policy"""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(_("The password is too weak."), fields={"password": error.messages}) from None


@transaction.atomic
def change(user: User, *, actor: User, at: datetime, version: int, **changes: Any) -> User:
    """Change name, e-mail, language or team of `user`, at once.

    A move to a team beside or below trades rows for others and is made at once; one that widens what is reached
    (`widens`) is a part of the grant and waits for a second person.

    :raises NotYourself: if it touches the actor's own team
    :raises NeedsSecondPerson: if the move of the team widens what `user` reaches
    :raises Stale: if somebody changed the user since `version`
    """
    allowed = {"name", "email", "team", "language"}
    if unknown := set(changes) - allowed:
        raise TypeError(f"not changed here: {sorted(unknown)}")
    changes = {field: value for field, value in changes.items() if getattr(user, field) != value}
    if "team" in changes:
        if actor.pk == user.pk:
            raise NotYourself(_("Nobody changes their own role, team or authority: ask another administrator."))
        if widens(user, changes["team"]):
            raise _needs_second()
    if not changes:
        return user
    was = {field: getattr(user, field) for field in changes}
    updated = User.objects.filter(pk=user.pk, version=version).update(version=F("version") + 1, **changes)
    if not updated:
        raise Stale(_("This user was changed meanwhile. Your change is not saved yet."))
    facts: dict[str, Any] = {
        field: {"from": code_of(was[field]), "to": code_of(value)} for field, value in changes.items() if field not in ("name", "email")
    }
    log.record("governance.user.changed", user, actor=actor, at=at, fields=sorted(changes), **facts)
    return User.objects.select_related("role", "team").get(pk=user.pk)


def widens(user: User, team: Team | None) -> bool:
    """Return whether a move to `team` could open more rows than it closes: up the tree, to another lender, or to all of them."""
    if user.role is None or getattr(team, "pk", None) == user.team_id:
        return False
    if user.team is None or team is None:
        return user.role.scope in ((Scope.TEAM, Scope.TREE) if user.team is None else (Scope.ALL,))
    was, shall = (user.team.tree, team.tree) if user.role.scope == Scope.TREE else (user.team, team)
    return shall.legal_entity_id != was.legal_entity_id or shall.path.count("/") < was.path.count("/")


def _needs_second() -> NeedsSecondPerson:
    return NeedsSecondPerson(_("Rights are proposed by one person and confirmed by another."))


def code_of(value: Any) -> Any:
    return getattr(value, "code", value)


@transaction.atomic
def set_active(user: User, *, active: bool, actor: User, at: datetime) -> User:
    """Suspend or re-admit a user; a suspended one loses every session at the next request.

    :raises NotYourself: if the actor is that user
    """
    if actor.pk == user.pk:
        raise NotYourself(_("Nobody suspends themselves: ask another administrator."))
    if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active, version=F("version") + 1):
        log.record(f"governance.user.{'admitted' if active else 'suspended'}", user, actor=actor, at=at)
        if not active:
            from governance import sessions  # which knows the second factors, and those the library that knows this module's user

            sessions.revoke_all(user, actor=actor, at=at, why=sessions.Why.SUSPENDED)
    user.refresh_from_db()
    return user


@transaction.atomic
def password_changed(user: User, *, at: datetime) -> None:
    """Enter into the ledger that a person chose a new password."""
    log.record("governance.user.password_changed", user, actor=user, at=at)
