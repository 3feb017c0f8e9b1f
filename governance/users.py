"""Doors for people and service accounts: create, change role and team, suspend."""

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
from ledger import log

SYSTEM = "system"


class NameTaken(Invalid):
    code = "name_taken"


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

    :raises NameTaken: if the user name exists
    :raises Invalid: if the password is too weak
    """
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
    """Change name, e-mail, role, team, approval limit or language of `user`.

    :raises NotYourself: if it touches the actor's own rights
    :raises Stale: if somebody changed the user since `version`
    """
    allowed = {"name", "email", "role", "team", "approval_limit", "language"}
    if unknown := set(changes) - allowed:
        raise TypeError(f"not changed here: {sorted(unknown)}")
    changes = {field: value for field, value in changes.items() if getattr(user, field) != value}
    if actor.pk == user.pk and set(changes) & {"role", "team", "approval_limit"}:
        raise NotYourself(_("Nobody changes their own role, team or authority: ask another administrator."))
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
