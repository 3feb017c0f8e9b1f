"""Doors of delegation: a person lends their own role to another, from a moment to a moment, with a reason.

What is lent is the giver's own role alone, so nobody lends what was lent to them. It stands as long as the giver holds that role. A giver
lends at once; where another person proposes it, a second one confirms (four eyes), who is neither of the two.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import changes, grants, notices, permissions, rules, standing, users
from governance.changes import Kind, Line
from governance.models import Delegation, User
from ledger import log

KIND = "governance.delegation"
LONGEST_DAYS = "governance.delegation.days"
LONGEST = 500


class CannotAct(Invalid):
    """This person cannot act for that one."""

    code = "cannot_act"


class AlreadyOver(DomainError):
    code = "already_over"


def takers(giver: User) -> QuerySet[User]:
    """Return who may act for `giver`: staff of the same lender with an open account and a role of their own."""
    rows = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__isnull=False).exclude(pk=giver.pk)
    entity = giver.team.legal_entity_id if giver.team else None
    same = Q(team__isnull=True) if entity is None else Q(team__legal_entity=entity)
    return rows.filter(same).select_related("role", "team").order_by("name", "pk")


def visible_to(user: User) -> QuerySet[Delegation]:
    """Return the delegations of a person; every one for those who may view users."""
    rows = Delegation.objects.select_related("giver", "taker", "role", "made_by")
    return rows if user.has_perm(permissions.VIEW_USER) else rows.filter(Q(giver=user) | Q(taker=user))


@transaction.atomic
def lend(giver: User, taker: User, *, since: datetime, until: datetime, reason: str, actor: User, at: datetime) -> Delegation:
    """Lend the role of `giver` to `taker`; at once by the giver, else when a second person confirms it.

    :raises CannotAct: if the taker's account is closed, of another lender, without a role, or the giver's
    :raises ConflictingDuties: naming the pair that one person would hold
    :raises NotAllowed: if the actor is neither the giver nor manages users
    """
    if actor.pk != giver.pk and not actor.has_perm(permissions.MANAGE_USER):
        raise NotAllowed(_("Only the person whose rights they are, or an administrator, lends them."))
    if actor.pk == taker.pk:
        raise users.NotYourself(_("Nobody takes another person's rights themselves: that person lends them, or another administrator."))
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST:
        raise Invalid(_("A reason is needed."), fields={"reason": _("Say why, in 500 characters at most.")})
    longest = int(rules.value(LONGEST_DAYS, on=localdate(at)))
    if until <= since or until <= at or until - since > timedelta(days=longest):
        sentence = _("It ends after it begins, in the future, and lasts %(days)s days at most.") % {"days": longest}
        raise Invalid(sentence, fields={"until": sentence})
    if giver.role is None or not giver.is_active:
        raise CannotAct(_("Without a role there is nothing to lend."), fields={"giver": _("Without a role there is nothing to lend.")})
    User.objects.select_for_update(no_key=True).get(pk=taker.pk)  # of two at once the second sees the first's rights
    _check(giver, taker)
    row = Delegation.objects.create(
        giver=giver, taker=taker, role=giver.role, since=since, until=until, reason=reason, made_by=actor, made_at=at
    )
    facts: dict[str, Any] = {"giver": giver.public_id, "taker": taker.public_id, "role": giver.role.code, "since": since, "until": until}
    log.record("governance.delegation.made", row, actor=actor, at=at, **facts)
    if actor.pk == giver.pk:
        _agree(row, actor=actor, at=at)
    else:
        changes.propose(KIND, row.public_id, after={"agreed": True}, reason=reason, actor=actor, at=at)
        row.refresh_from_db()
    return row


def _check(giver: User, taker: User) -> None:
    """:raises CannotAct, ConflictingDuties: if `taker` may not hold the rights of `giver` beside their own"""
    if not takers(giver).filter(pk=taker.pk).exists():
        sentence = _("%(name)s cannot act for this person: another lender, a closed account, or no role.") % {"name": taker}
        raise CannotAct(sentence, fields={"taker": sentence})
    assert giver.role is not None
    own = taker.role.permissions if taker.role else []
    grants.refuse_conflict(standing.codes_with(taker, [*own, *giver.role.permissions]), field="taker")


@transaction.atomic
def _agree(row: Delegation, *, actor: User, at: datetime) -> None:
    Delegation.objects.filter(pk=row.pk).update(agreed_at=at)
    row.agreed_at = at
    standing.remember(row.taker_id, until=row.until)
    log.record("governance.delegation.agreed", row, actor=actor, at=at, giver=row.giver.public_id, taker=row.taker.public_id)
    for code, person in (("delegation.given", row.taker), ("delegation.given_away", row.giver)):
        notices.tell([person], code=code, key=f"{code}:{row.public_id}", url=reverse("delegation-list"), actor=actor, at=at)


@transaction.atomic
def end(row: Delegation, *, actor: User, at: datetime) -> Delegation:
    """End it before its time: giver, taker, or who manages users; the rights are gone with the next request.

    :raises NotAllowed: if the actor is none of them
    :raises AlreadyOver: if it has ended
    """
    if actor.pk not in (row.giver_id, row.taker_id) and not actor.has_perm(permissions.MANAGE_USER):
        raise NotAllowed(_("Only giver, receiver or an administrator ends a delegation."))
    if not Delegation.objects.filter(pk=row.pk, ended_at__isnull=True, until__gt=at).update(ended_at=at, ended_by=actor):
        raise AlreadyOver(_("This delegation has ended already."))
    log.record("governance.delegation.ended", row, actor=actor, at=at, giver=row.giver.public_id, taker=row.taker.public_id)
    row.refresh_from_db()
    return row


# --- the kind of change: proposed by somebody who is not the giver ------------------------------------------------------
def _row(public_id: str) -> Delegation | None:
    return (
        Delegation.objects.select_related("giver__role", "giver__team", "taker__role", "taker__team", "role")
        .filter(public_id=public_id)
        .first()
    )


def _standing(public_id: str) -> dict[str, Any]:
    row = _row(public_id)
    return {"agreed": row.agreed_at is not None and row.ended_at is None} if row else {}


def _validate(public_id: str, after: dict[str, Any]) -> None:
    row = _row(public_id)
    if row is None or row.ended_at is not None or row.giver.role_id != row.role_id:
        raise CannotAct(_("The rights are no longer the giver's to lend."))
    _check(row.giver, row.taker)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [Line(_("In force"), _("no"), _("yes"))]


def _make(public_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> None:
    _validate(public_id, after)
    row = _row(public_id)
    assert row is not None
    _agree(row, actor=actor, at=at)


def _names(public_ids: list[str]) -> dict[str, Any]:
    rows = Delegation.objects.select_related("giver", "taker", "role").filter(public_id__in=public_ids)
    sentence = _("%(taker)s acts for %(giver)s (%(role)s)")
    return {row.public_id: sentence % {"taker": row.taker, "giver": row.giver, "role": row.role} for row in rows}


def _touches(public_id: str, person: User) -> bool:
    return Delegation.objects.filter(Q(giver=person) | Q(taker=person), public_id=public_id).exists()


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Delegation"), check=permissions.CHECK_ROLE, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=lambda public_id, after: public_id, url=lambda public_id: reverse("delegation-list"), names=_names, touches=_touches,
    ),
)  # fmt: skip


@notices.words("delegation.given", icon="users")
def _given(notice: Any) -> Any:
    return _("Somebody's rights are lent to you for a time.")


@notices.words("delegation.given_away", icon="users")
def _given_away(notice: Any) -> Any:
    return _("Your rights are lent to a colleague for a time.")
